"""API keys in PostgreSQL while traffic flows, through both doors: revoked elsewhere; the server gone, and back."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from stockade.stores import Database
from tests.gateway.client import Reply
from tests.gateway.credentials import KeyRing
from tests.gateway.doors import LOGS, AsgiDoor, Door, EnvoyDoor, Loop, Sent, echo
from tests.gateway.harness import Gateway, Policy, api, policy, running, wait_until
from tests.gateway.upstreams import Upstream
from tests.postgres import PASSWORD, Postgres

pytestmark = pytest.mark.envoy


def written(upstream: Upstream, server: Postgres) -> Policy:
    section: Policy = {"any_of": [{"api_key": {}}]}
    return policy(
        api(upstream.port, authentication=section, limits=[]),
        database={"url": {"file": "database-url"}, "tls": {"ca": str(server.authority.ca)}},
    )


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory, postgresql: Postgres) -> Iterator[KeyRing]:
    """Another machine's, with the same hash key."""
    folder = tmp_path_factory.mktemp("elsewhere")
    with closing(Database(postgresql.place(folder))) as database:
        yield KeyRing(folder, database)


@pytest.fixture(scope="module")
def doors(
    tmp_path_factory: pytest.TempPathFactory, postgresql: Postgres, ring: KeyRing, echoing: Upstream
) -> Iterator[dict[str, Door]]:
    policies = {
        "envoy": written(echoing, postgresql),
        "asgi": written(echoing, postgresql) | {"log": {"path": LOGS["asgi"]}},
    }
    folders: dict[str, Path] = {}
    for name in policies:
        folders[name] = tmp_path_factory.mktemp(name)
        (folders[name] / "database-url").write_text(ring.store.database.place.url + "\n")
        shutil.copy(ring.store.path.with_name("stockade.hash-key"), folders[name])
    (folders["asgi"] / "stockade.yaml").write_text(json.dumps(policies["asgi"]))
    with ExitStack() as stack:
        gateway = stack.enter_context(running(Gateway(folders["envoy"], policies["envoy"])))
        loop = Loop()
        stack.callback(loop.close)
        inside = AsgiDoor(loop, folders["asgi"], echo)
        stack.callback(inside.close)
        yield {"envoy": EnvoyDoor(gateway), "asgi": inside}


@pytest.fixture(params=["envoy", "asgi"])
def door(request: pytest.FixtureRequest, doors: dict[str, Door]) -> Door:
    return doors[request.param]


def get(door: Door, key: str) -> Reply:
    return door.send(Sent("GET", "/", (("host", "localhost"), ("x-api-key", key))))


def test_a_key_that_was_issued_elsewhere_works_at_once(door: Door, ring: KeyRing) -> None:
    assert get(door, ring.issue("alice")).status == 200


def test_a_key_that_was_revoked_elsewhere_is_refused_within_a_second(door: Door, ring: KeyRing) -> None:
    key = ring.issue("bob")
    for _ in range(20):
        assert get(door, key).status == 200
        time.sleep(0.02)
    ring.revoke(key)
    revoked = time.monotonic()
    while get(door, key).status == 200:
        assert time.monotonic() - revoked < 1.0


def test_a_server_that_is_gone_and_comes_back(door: Door, ring: KeyRing, postgresql: Postgres) -> None:
    """Nobody gets in meanwhile, though we know the key; and after it those who did before, without a restart."""
    key = ring.issue("carol")
    assert get(door, key).status == 200
    postgresql.stop()
    try:
        wait_until(lambda: get(door, key).status == 503, "503", 5)
        body = get(door, key).body
        assert b"postgres" not in body
        assert PASSWORD.encode() not in body
        assert get(door, "letmein").status == 401  # who needs no look at it is not held up by it
    finally:
        postgresql.start()
    wait_until(lambda: get(door, key).status == 200, "the key to work again", 15)


def test_a_gateway_that_cannot_reach_it_does_not_start(
    tmp_path: Path, postgresql: Postgres, ring: KeyRing, echoing: Upstream
) -> None:
    from tests.gateway.test_start_failures import fails, one_line

    place = ring.store.database.place
    (tmp_path / "database-url").write_text(place.url)
    shutil.copy(ring.store.path.with_name("stockade.hash-key"), tmp_path)
    wrong = written(echoing, postgresql) | {
        "database": {"url": {"file": "database-url"}, "tls": {"ca": str(postgresql.stranger.ca)}}
    }
    said = fails(tmp_path, wrong, "the database cannot be opened", "certificate verify failed")
    one_line(said)
    assert PASSWORD not in said
