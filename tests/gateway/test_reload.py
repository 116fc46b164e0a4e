"""Another policy while traffic flows: no request fails, no connection is dropped, and a bad policy changes nothing."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.gateway.certificates import Authority
from tests.gateway.client import Client, ask
from tests.gateway.conftest import Start
from tests.gateway.credentials import Issuer, scheme
from tests.gateway.harness import Gateway, Policy, api, free_port, policy, running, wait_until
from tests.gateway.load import Load, load
from tests.gateway.upstreams import Connection, Seen, Upstream, after, plain, upstream

pytestmark = pytest.mark.envoy

STRANGER = "127.0.0.2"


@pytest.fixture(scope="module")
def other() -> Iterator[Upstream]:
    """A second upstream."""
    with upstream(free_port()) as server:
        yield server


@pytest.fixture(scope="module")
def first(echoing: Upstream) -> Policy:
    """The policy from which every test begins."""
    return policy(api(echoing.port, "moving", prefix="/moving"), api(echoing.port, "steady"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, first: Policy) -> Iterator[Gateway]:
    with running(Gateway(tmp_path_factory.mktemp("reload"), first)) as gateway:
        yield gateway


@pytest.fixture
def gateway(shared: Gateway, first: Policy) -> Iterator[Gateway]:
    """Runs the first policy, before the test and after it."""
    yield shared
    if shared.policy != first:
        assert shared.reload(first)["policy_errors"] == []


@contextlib.contextmanager
def undisturbed(gateway: Gateway) -> Iterator[Load]:
    """Load on both APIs, of which nothing may fail."""
    workers = gateway.workers()
    with load(gateway.port, "/steady", "/moving", clients=2) as state:
        wait_until(lambda: state.answered > 20)
        yield state
        answered = state.answered
        wait_until(lambda: state.answered > answered + 20)
    assert state.failures == []
    assert gateway.workers() == workers


def changed(first: Policy, *apis: Policy, **fields: Any) -> Policy:
    return {**first, "apis": [*apis, *first["apis"]], **fields}


def with_api(first: Policy, name: str, **fields: Any) -> Policy:
    """The policy with fields of one API changed."""
    return {**first, "apis": [{**each, **fields} if each["name"] == name else each for each in first["apis"]]}


def from_stranger(gateway: Gateway) -> int:
    with Client(gateway.port, source=STRANGER) as client:
        return client.ask("GET", "/steady").status


@pytest.mark.parametrize("by_signal", [True, False], ids=["SIGHUP", "changed file"])
def test_deny_list(gateway: Gateway, first: Policy, by_signal: bool) -> None:
    assert from_stranger(gateway) == 200
    with undisturbed(gateway):
        status = gateway.reload(with_api(first, "steady", firewall={"deny": [STRANGER]}), by_signal=by_signal)
        assert status["policy_errors"] == []
        assert from_stranger(gateway) == 403
        gateway.reload(first, by_signal=by_signal)
        assert from_stranger(gateway) == 200


def test_limits(gateway: Gateway, first: Policy) -> None:
    limited = api(int(first["apis"][0]["upstream"]["url"].rpartition(":")[2]), "limited", prefix="/limited")
    limit = {"name": "few", "key": "address", "rate": "1/h", "burst": 2}
    with undisturbed(gateway):
        gateway.reload(changed(first, {**limited, "limits": [limit]}))
        assert [gateway.get("/limited").status for _ in range(3)] == [200, 200, 429]
        # What was counted outlives the reload, where the limit is the same.
        gateway.reload(changed(first, {**limited, "limits": [limit]}, connections=9000))
        assert gateway.get("/limited").status == 429
        gateway.reload(changed(first, {**limited, "limits": []}))
        assert gateway.get("/limited").status == 200


def test_a_new_api(gateway: Gateway, first: Policy, other: Upstream) -> None:
    with undisturbed(gateway):
        gateway.reload(changed(first, api(other.port, "fresh", prefix="/fresh")))
        before = len(other.seen)
        assert gateway.get("/fresh/a").status == 200
        assert len(other.seen) == before + 1
        gateway.reload(first)
        gateway.get("/fresh/a")
        assert len(other.seen) == before + 1


def test_a_moved_upstream(gateway: Gateway, first: Policy, other: Upstream) -> None:
    """From the reload on, requests go to the new place; those under way end at the old one."""
    with undisturbed(gateway):
        for _ in range(3):
            gateway.reload(with_api(first, "moving", upstream={"url": other.url}))
            before = len(other.seen)
            assert gateway.get("/moving/here").status == 200
            assert any(seen.target == "/moving/here" for seen in other.seen[before:])
            gateway.reload(first)


def test_a_request_under_way_when_its_upstream_moves(
    gateway: Gateway, first: Policy, other: Upstream, serve: Callable[..., Upstream]
) -> None:
    slow = serve(after(2.0))
    gateway.reload(with_api(first, "moving", upstream={"url": slow.url}))
    with Client(gateway.port) as client:
        client.send(b"GET /moving HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: slow.seen)
        gateway.reload(with_api(first, "moving", upstream={"url": other.url}))
        assert client.reply().status == 200
        assert client.ask("GET", "/moving").status == 200
    assert len(slow.seen) == 1


def test_a_body_under_way_when_its_upstream_moves(gateway: Gateway, first: Policy, other: Upstream) -> None:
    with Client(gateway.port) as client:
        client.send(b"POST /moving HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
        gateway.reload(with_api(first, "moving", upstream={"url": other.url}))
        client.send(b"hello")
        assert client.reply().status == 200


def test_listeners_come_and_go(gateway: Gateway, first: Policy) -> None:
    added = free_port()
    both = {**first, "listen": [*first["listen"], {"address": f"127.0.0.1:{added}"}]}
    with undisturbed(gateway):
        for _ in range(2):
            assert gateway.reload(both)["policy_errors"] == []
            assert ask(added, "GET", "/steady").status == 200
            # A policy reaches every listener.
            denied = with_api(both, "steady", firewall={"deny": [STRANGER]})
            assert gateway.reload(denied)["policy_errors"] == []
            for port in (gateway.port, added):
                with Client(port, source=STRANGER) as client:
                    assert client.ask("GET", "/steady").status == 403
            assert gateway.reload(first)["policy_errors"] == []
            wait_until(lambda: not listens(added))
    # What was counted before a listener came or went is still there.
    assert gateway.total("stockade_requests_total", api="steady") > 20


def listens(port: int) -> bool:
    try:
        Client(port).close()
    except ConnectionRefusedError:
        return False
    return True


def test_listeners_that_change(gateway: Gateway, first: Policy) -> None:
    """Clients are asked to come again; none is cut off."""
    with undisturbed(gateway):
        for idle in ("50s", "51s", "52s"):
            assert gateway.reload({**first, "timeouts": {"idle": idle}})["policy_errors"] == []


def test_streams_outlive_a_listener_that_changes(
    gateway: Gateway, first: Policy, shop: int, serve: Callable[..., Upstream]
) -> None:
    """Whatever was begun before goes on as if nothing had happened: a slow answer, a WebSocket."""
    slow = serve(after(4.0))
    with_both = changed(first, api(slow.port, "slow", prefix="/slow"), api(shop, "shop", prefix="/ws"))
    gateway.reload(with_both)
    with connect(f"ws://127.0.0.1:{gateway.port}/ws") as socket, Client(gateway.port) as client:
        socket.send("before")
        assert socket.recv(10) == "before"
        client.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: slow.seen)
        assert gateway.reload({**with_both, "timeouts": {"idle": "55s"}})["policy_errors"] == []
        assert client.reply().status == 200
        socket.send("after")
        assert socket.recv(10) == "after"


def test_the_log_moves(gateway: Gateway, first: Policy) -> None:
    """Not a record is lost on the way: each request is in one of the files."""

    def logged() -> int:
        files = [gateway.folder / name for name in ("decisions.jsonl", "elsewhere.jsonl")]
        return sum(file.read_text().count("\n") for file in files if file.exists())

    gateway.get("/steady", x_tag="before")
    gateway.record("before")
    before = logged()
    with undisturbed(gateway) as state:
        gateway.reload({**first, "log": {**first["log"], "path": "elsewhere.jsonl"}})
        gateway.get("/steady", x_tag="elsewhere")
        assert gateway.record("elsewhere")
    wait_until(lambda: logged() - before == state.answered + 1, "every record")


def test_a_body_that_is_read_while_its_upstream_moves(
    start: Start, echoing: Upstream, other: Upstream, serve: Callable[..., Upstream]
) -> None:
    """Where a body is read before the request is sent on, the old upstream is remembered for as long as that takes."""
    begin = policy(api(echoing.port, "probe"), timeouts={"request": "2s"})
    gateway = start(begin, environment={"PROBE": "yes"})
    before = len(echoing.seen)
    with Client(gateway.port) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello")
        gateway.reload(with_api(begin, "probe", upstream={"url": other.url}))
        client.send(b"hello")
        assert client.reply().status == 200
        assert len(echoing.seen) == before + 1
        # Then it is forgotten, and what is asked anew goes elsewhere.
        assert client.ask("GET", "/").status == 200
    assert len(echoing.seen) == before + 1


# Policies that are refused.


def is_refused(gateway: Gateway, first: Policy, status: Policy, *words: str) -> None:
    """Said in /readyz, on stderr and in the metrics; the old policy runs on, and a good one is taken again."""
    (error, *_) = status["policy_errors"]
    for word in words:
        assert word in error
        assert word in gateway.stderr
    assert status["ready"]
    assert gateway.metrics()["stockade_policy_valid"] == 0
    assert gateway.get("/steady").status == 200
    after_that = gateway.reload(first)
    assert after_that["policy_errors"] == []
    assert after_that["generation"] == status["generation"] + 1
    assert gateway.metrics()["stockade_policy_valid"] == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version: 1\nlisten: [", ("stockade.yaml:", "YAML")),
        ("", ("stockade.yaml",)),
        ("\0\1\2", ("stockade.yaml",)),
    ],
)
def test_no_policy_at_all(gateway: Gateway, first: Policy, text: str, words: tuple[str, ...]) -> None:
    with undisturbed(gateway):
        said = gateway.stderr.count("policy refused")
        (gateway.folder / "stockade.yaml").write_text(text)
        wait_until(lambda: gateway.stderr.count("policy refused") > said)
        is_refused(gateway, first, gateway.ready(), *words)


def test_a_policy_that_is_gone(gateway: Gateway, first: Policy) -> None:
    with undisturbed(gateway):
        (gateway.folder / "stockade.yaml").unlink()
        gateway.process.send_signal(signal.SIGHUP)
        errors = wait_until(lambda: gateway.ready()["policy_errors"])
        assert "cannot be read" in errors[0]
        is_refused(gateway, first, gateway.ready())


def test_policies_that_cannot_run(gateway: Gateway, first: Policy, authority: Authority) -> None:
    used = {"address": f"127.0.0.1:{gateway.admin_port}"}
    taken = free_port()
    lost = {"certificate": "nowhere.pem", "key": "nowhere.key"}
    a, b = authority.issue("mismatch-a"), authority.issue("mismatch-b")
    mismatch = {"certificate": str(a.certificate), "key": str(b.key)}
    jwt = {"jwks": f"http://127.0.0.1:{free_port()}/keys", "issuer": "i", "audience": "a", "algorithms": ["ES256"]}
    with upstream(taken), undisturbed(gateway):
        for bad, words in [
            (with_api(first, "steady", firewal={}), ("firewal", "did you mean", "stockade.yaml:")),
            (with_api(first, "steady", firewall={"deny": ["nonsense"]}), ("nonsense",)),
            ({**first, "listen": [*first["listen"], used]}, (str(gateway.admin_port), "twice")),
            ({**first, "listen": [*first["listen"], {"address": f"127.0.0.1:{taken}"}]}, (str(taken), "in use")),
            (
                {**first, "listen": [*first["listen"], {"address": f"127.0.0.1:{free_port()}", "tls": lost}]},
                ("nowhere.pem",),
            ),
            (
                {**first, "listen": [*first["listen"], {"address": f"127.0.0.1:{free_port()}", "tls": mismatch}]},
                ("does not belong",),
            ),
            (with_api(first, "steady", authentication={"any_of": [{"jwt": jwt}]}), ("key set cannot be fetched",)),
            ({**first, "log": {"path": "/nowhere/at/all"}}, ("/nowhere/at/all", "cannot be written")),
            ({**first, "admin": {"address": f"127.0.0.1:{free_port()}"}}, ("admin address",)),
        ]:
            is_refused(gateway, first, gateway.reload(bad), *words)


def test_the_same_policy_again(gateway: Gateway, first: Policy) -> None:
    with undisturbed(gateway):
        for _ in range(5):
            assert gateway.reload(first)["policy_errors"] == []


def test_many_reloads_at_once(gateway: Gateway, first: Policy) -> None:
    """Signals come faster than policies can be loaded; in the end the last one runs."""
    with undisturbed(gateway):
        for number in range(20):
            gateway.write(with_api(first, "steady", firewall={"deny": [STRANGER] if number == 19 else []}))
            gateway.process.send_signal(signal.SIGHUP)
        wait_until(lambda: from_stranger(gateway) == 403)


def test_a_change_while_a_reload_is_under_way(gateway: Gateway, first: Policy, serve: Callable[..., Upstream]) -> None:
    """Is not overlooked: here the first reload waits for the keys of a slow issuer."""
    issuer = Issuer()

    def slow(connection: Connection, seen: Seen) -> bool:
        connection.closing.wait(1)
        connection.socket.sendall(plain(200, issuer.key_set()))
        return True

    server = serve(slow)
    section = {"any_of": [scheme(f"{server.url}/keys")]}
    gateway.write(changed(first, api(1, "issuing", prefix="/issuing", authentication=section)))
    wait_until(lambda: server.connections)
    gateway.write(with_api(first, "steady", firewall={"deny": [STRANGER]}))
    wait_until(lambda: from_stranger(gateway) == 403)


def test_with_two_workers(start: Start, echoing: Upstream, other: Upstream) -> None:
    """A policy is taken by all workers or by none."""
    begin = policy(api(echoing.port, "moving", prefix="/moving"), api(echoing.port, "steady"), workers=2)
    gateway = start(begin)
    with undisturbed(gateway):
        gateway.reload(with_api(begin, "steady", firewall={"deny": [STRANGER]}))
        assert {from_stranger(gateway) for _ in range(20)} == {403}
        gateway.reload(with_api(begin, "moving", upstream={"url": other.url}))
        assert {from_stranger(gateway) for _ in range(20)} == {200}
