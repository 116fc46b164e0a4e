"""The WAF complains of a secret that looks like an attack, and shows nothing of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.absent import present
from tests.canaries.secret_places import MARK, PLACES, SECRETS, World

CRS = Path("/usr/share/modsecurity-crs/rules")
NOSY = Path(__file__).parent / "nosy.conf"
AUTHENTICATION = {"mode": "monitor", "any_of": [{"api_key": {"header": "X-Plain"}}]}


@pytest.fixture(scope="module", params=["builtin", "crs", "nosy"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("waf")
    rules = request.param
    if rules == "crs":
        present(CRS, "Debian's package modsecurity-crs")
    if rules == "nosy":
        rules = [str(NOSY)]
    waf = {"mode": "monitor", "rules": rules, "paranoia": 4, "responses": True}
    # Without limits of structure: rules see what is broken as well.
    made = World(folder, authentication=AUTHENTICATION, schema={"mode": "off"}, waf=waf)
    yield made
    made.close()


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("place", PLACES)
def test_nothing_of_a_secret_is_written(world: World, place: str, secret: str) -> None:
    _, written = world.told(PLACES[place](SECRETS[secret]))
    assert MARK not in re.sub(r"\W|[0-9]", "", written.lower())
