"""The WAF complains of a secret that looks like an attack, and shows nothing of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Literal
from urllib.parse import quote

import msgspec
import pytest

from stockade.waf import RuleSet, Secrecy
from stockade.waf import secrecy as secrecy_of
from stockade.wire import Request
from tests.absent import present
from tests.canaries.secret_places import FORM, MARK, PLACES, SECRETS, Sent, World, posted

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


def test_what_is_no_secret_is_shown(world: World) -> None:
    """Beside a cookie and a credential, too."""
    attack = "/things?q=" + quote("1' UNION SELECT username, password FROM users --")
    sent = Sent(target=attack, headers=(("cookie", "theme=dark"), ("authorization", "Bearer abc"), ("x-plain", "k")))
    found = [finding for finding in world.record(sent).findings if finding.where == "ARGS:q"]
    if found:  # the nosy rules look for canaries alone
        assert any("UNION SELECT" in finding.evidence for finding in found)
        assert any("UNION SELECT" in str(finding.detail) for finding in found)


def test_where_it_was_found_is_told(world: World) -> None:
    record = world.record(PLACES["nested JSON member"](SECRETS["sql"]))
    found = {finding.where: finding for finding in record.findings}
    assert re.fullmatch(r"…\([0-9]+\)", found["ARGS:json.user.login.otp"].evidence)
    assert found["ARGS:json.user.login.otp"].rule.isdigit()


@pytest.mark.parametrize("kind", ["text", "binary"])
@pytest.mark.parametrize(
    "said", [{"password": SECRETS["sql"]}, {"a": [{"otp": SECRETS["sql"]}]}, {"name": "pin", "value": SECRETS["sql"]}]
)
def test_a_message_of_a_stream_tells_no_secret(kind: Literal["text", "binary"], said: dict[str, object]) -> None:
    rules = RuleSet.load([NOSY])
    request = PLACES["cookie"]("kanari").request()
    assert isinstance(request, Request)
    data = json.dumps(said).encode() if kind == "text" else msgspec.msgpack.encode(said)
    shown = []
    for secrecy in (None, Secrecy()):
        transaction = rules.begin(request, secrecy=secrecy)
        rules.judge_head(transaction)
        rules.judge_message(transaction, data, kind)
        matches = [match for match in rules.end(transaction).matches if match.variable.startswith("ARGS")]
        assert matches
        shown.append("".join(f"{m.variable} {m.masked} {m.message} {m.logdata} {m.tags}" for m in matches).lower())
    assert MARK in shown[0]
    assert MARK not in shown[1]


def test_a_body_full_of_them_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is looked through for names is bounded, whatever matches how often."""
    looked: list[int] = []
    monkeypatch.setattr(secrecy_of, "mentions_secret", lambda text: looked.append(len(text)))
    rules = RuleSet.load([NOSY])
    body = b"&".join(b"a%d=kanari%s" % (number, b"password " * 150) for number in range(90))
    request = posted(FORM, body).request()
    assert isinstance(request, Request)
    spent = []
    for secrecy in (None, Secrecy()):
        begun = process_time()
        transaction = rules.begin(request, secrecy=secrecy)
        rules.judge_head(transaction)
        rules.judge_body(transaction, body)
        assert rules.end(transaction).matches
        spent.append(process_time() - begun)
    assert spent[1] < spent[0] + 2
    assert max(looked, default=0) < 16_384 < len(body)
