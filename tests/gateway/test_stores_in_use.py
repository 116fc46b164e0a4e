"""Keys, key sets and the log while traffic flows: revoked, rotated, gone, full. What cannot be checked is refused."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.gateway.client import Client, Reply
from tests.gateway.conftest import Start
from tests.gateway.credentials import Issuer, KeyRing, keys_in, scheme
from tests.gateway.harness import Gateway, Policy, api, policy, wait_until
from tests.gateway.upstreams import Connection, Seen, Upstream
from tests.gateway.upstreams import plain as answering

pytestmark = pytest.mark.envoy

Serve = Callable[..., Upstream]


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[KeyRing]:
    with keys_in(tmp_path) as ring:
        yield ring


def keyed(upstream: Upstream, **fields: object) -> Policy:
    return policy(api(upstream.port, authentication={"any_of": [{"api_key": {}}]}), **fields)


# API keys.


def test_a_revoked_key_is_refused_by_every_worker(
    tmp_path: Path, ring: KeyRing, start: Start, echoing: Upstream
) -> None:
    """With the next request, although each worker has it at hand."""
    key, other = ring.issue("alice"), ring.issue("bob")
    gateway = start(keyed(echoing, workers=2))

    def ask(key: str, tag: str = "") -> int:
        return gateway.get("/", x_api_key=key, x_tag=tag).status

    def both_know_it() -> bool:
        assert ask(key, "before") == 200
        return {record["worker"] for record in gateway.records("before")} == {0, 1}

    wait_until(both_know_it)
    command = [sys.executable, "-m", "stockade", "keys", "revoke", key.split("_")[1]]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert [ask(key, "after") for _ in range(30)] == [401] * 30
    assert {record["worker"] for record in gateway.records("after", 30)} == {0, 1}
    assert ask(other) == 200


def test_a_new_key_works_at_once(ring: KeyRing, start: Start, echoing: Upstream) -> None:
    gateway = start(keyed(echoing))
    assert gateway.get("/", x_api_key=ring.issue("late")).status == 200


def is_unavailable(reply: Reply) -> bool:
    if reply.status != 503:
        return False
    details = reply.problem()
    assert details["request_id"]
    assert b"stockade.db" not in reply.body
    return True


@pytest.mark.parametrize("damage", ["deleted", "garbage", "folder"])
def test_a_key_store_that_is_damaged(
    tmp_path: Path, ring: KeyRing, start: Start, echoing: Upstream, damage: str
) -> None:
    """Nobody gets in by it, and when it is mended, those get in who did before."""
    key = ring.issue("alice")
    gateway = start(keyed(echoing), environment={"PROBE_FRESH": "0.3"})
    assert gateway.get("/", x_api_key=key).status == 200
    store, kept = tmp_path / "stockade.db", tmp_path / "kept"
    for path in tmp_path.glob("stockade.db*"):
        if path.suffix != ".revision":
            kept.mkdir(exist_ok=True)
            shutil.move(path, kept / path.name)
    if damage == "garbage":
        store.write_bytes(b"this is no database" * 1000)
    elif damage == "folder":
        store.mkdir()
    wait_until(lambda: is_unavailable(gateway.get("/", x_api_key=key, x_tag="damaged")), "503")
    refused = wait_until(lambda: [each for each in gateway.records("damaged") if each["status"] == 503])
    record = refused[0]
    assert (record["control"], record["action"]) == ("authentication", "deny")
    assert [finding["rule"] for finding in record["findings"]] == ["control-error"]
    # Who needs no key store is not held up by it.
    assert gateway.get("/", x_api_key="letmein").status == 401
    if store.is_dir():
        store.rmdir()
    store.unlink(missing_ok=True)
    for path in kept.iterdir():
        shutil.move(path, tmp_path / path.name)
    wait_until(lambda: gateway.get("/", x_api_key=key).status == 200, "the key to work again")


def test_a_store_that_is_damaged_where_failure_is_open(
    tmp_path: Path, ring: KeyRing, start: Start, echoing: Upstream
) -> None:
    section = {"any_of": [{"api_key": {}}], "failure": "open"}
    gateway = start(policy(api(echoing.port, authentication=section)), environment={"PROBE_FRESH": "0.1"})
    key = ring.issue("alice")
    for path in tmp_path.glob("stockade.db*"):
        if path.suffix != ".revision":
            path.unlink()
    (tmp_path / "stockade.db").write_bytes(b"this is no database" * 1000)
    reply = gateway.get("/", x_api_key=key, x_tag="open", x_stockade_principal="admin")
    assert reply.status == 200
    assert "x-stockade-principal" not in dict(reply.json()["headers"])
    assert [finding["rule"] for finding in gateway.record("open")["findings"]] == ["control-error"]


# Key sets.


class KeySetServer:
    """Serves an issuer's keys and counts how often; `slow` is how long it takes, `broken` whether it fails."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.fetches = 0
        self.slow = 0.0
        self.broken = False

    def __call__(self, connection: Connection, seen: Seen) -> bool:
        self.fetches += 1
        connection.closing.wait(self.slow)
        body = self.issuer.key_set()
        connection.socket.sendall(answering(500 if self.broken else 200, body))
        return True


@pytest.fixture
def issuing(start: Start, serve: Serve, echoing: Upstream) -> tuple[Gateway, KeySetServer]:
    """A gateway that fetches the keys of its issuer, and looks for unknown ones at most once in half a second."""
    server = KeySetServer(Issuer())
    url = f"{serve(server).url}/keys"
    begin = policy(api(echoing.port, authentication={"any_of": [scheme(url)], "anonymous": ["GET /open"]}))
    gateway = start(begin, environment={"PROBE_COOLDOWN": "0.5"})
    wait_until(lambda: gateway.get("/", authorization=f"Bearer {server.issuer.token()}").status == 200)
    return gateway, server


def with_token(gateway: Gateway, token: str, tag: str = "") -> int:
    return gateway.get("/", authorization=f"Bearer {token}", x_tag=tag).status


def test_rotation(issuing: tuple[Gateway, KeySetServer]) -> None:
    """Many requests come with a token of the new key: they wait for one look at the issuer, which they share."""
    gateway, server = issuing
    old = server.issuer.token()
    server.issuer.rotate()
    server.slow = 0.3
    time.sleep(0.6)  # the cooldown
    before = server.fetches
    token = server.issuer.token("dave")
    with ThreadPoolExecutor(40) as pool:
        answers = [pool.submit(with_token, gateway, token, "rotated") for _ in range(40)]
        wait_until(lambda: server.fetches > before)
        assert gateway.get("/open").status == 200  # the others are not held up
        assert [answer.result() for answer in answers] == [200] * 40
    assert server.fetches == before + 1
    assert {record["principal"] for record in gateway.records("rotated", 40)} == {"dave"}
    assert with_token(gateway, old) == 401


def test_a_flood_of_unknown_keys(issuing: tuple[Gateway, KeySetServer]) -> None:
    """Invented key ids do not make us knock at the issuer's door each time."""
    gateway, server = issuing
    stranger = Issuer()
    before, started = server.fetches, time.monotonic()
    statuses = set()
    for number in range(60):
        stranger.kid = f"invented-{number}"
        statuses.add(with_token(gateway, stranger.token()))
    assert statuses == {401}
    assert server.fetches - before <= (time.monotonic() - started) / 0.5 + 1


def test_an_issuer_that_is_gone(issuing: tuple[Gateway, KeySetServer]) -> None:
    """Its known keys work on; unknown ones do not, and nobody hangs."""
    gateway, server = issuing
    server.broken = True
    time.sleep(0.6)  # the cooldown
    stranger = Issuer()
    stranger.kid = "unknown"
    assert with_token(gateway, stranger.token()) == 401
    assert with_token(gateway, server.issuer.token()) == 200


def test_a_client_that_leaves_while_the_issuer_is_asked(issuing: tuple[Gateway, KeySetServer]) -> None:
    gateway, server = issuing
    server.issuer.rotate()
    server.slow = 0.3
    time.sleep(0.6)  # the cooldown
    head = f"GET / HTTP/1.1\r\nHost: a\r\nX-Tag: left\r\nAuthorization: Bearer {server.issuer.token()}\r\n\r\n"
    before = server.fetches
    with Client(gateway.port) as client:
        client.send(head.encode())
        wait_until(lambda: server.fetches > before)
    assert gateway.record("left")["status"] == 499
    assert with_token(gateway, server.issuer.token()) == 200


# The log.


def test_a_full_disk(start: Start, echoing: Upstream) -> None:
    """Requests are served all the same; what was lost is counted, and /readyz says why."""
    begin = policy(api(echoing.port), log={"path": "/dev/full"})
    gateway = start(begin, environment={"PROBE_LOG": "5"})
    assert [gateway.get("/").status for _ in range(20)] == [200] * 20
    (error,) = wait_until(lambda: gateway.ready()["log_errors"])
    assert "/dev/full" in error
    assert "No space left" in error
    assert gateway.total("stockade_log_dropped_lines_total") >= 20 - 5 - 1
    assert gateway.ready()["ready"]
    assert gateway.total("stockade_requests_total") == 20
    assert gateway.stop() == 0


def test_a_log_that_is_rotated(tmp_path: Path, start: Start, echoing: Upstream) -> None:
    gateway = start(policy(api(echoing.port)))
    gateway.get("/", x_tag="first")
    assert gateway.record("first")
    (tmp_path / "decisions.jsonl").rename(tmp_path / "decisions.jsonl.1")
    gateway.get("/", x_tag="second")
    assert gateway.record("second")
    assert oct((tmp_path / "decisions.jsonl").stat().st_mode)[-3:] == "640"


def test_a_log_on_standard_output(start: Start, echoing: Upstream) -> None:
    gateway = start(policy(api(echoing.port), log={"path": "-"}, workers=2))
    for _ in range(20):
        gateway.get("/", x_tag="out")
    wait_until(lambda: gateway.stdout.count('"x-tag":"out"') == 20)


def test_the_last_records_are_written(start: Start, echoing: Upstream) -> None:
    """A stop at once after the last answer loses none."""
    gateway = start(policy(api(echoing.port)))
    for _ in range(50):
        gateway.get("/", x_tag="last")
    assert gateway.stop() == 0
    with contextlib.suppress(FileNotFoundError):
        assert sum(record["headers"].get("x-tag") == "last" for record in gateway.log()) == 50
