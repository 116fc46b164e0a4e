"""Verification keys from a real HTTP server: cached, kept fresh, and never lost because the server is."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
import struct
from typing import Any

import pytest

from stockade.engine import NotNow
from stockade.stores import KeySources, Source
from stockade.stores import jwks as jwks_module
from stockade.tokens import VerificationKeys, parse_jwks
from stockade.vocabulary import FindVerificationKeys, StoreError
from tests.stores.servers import sends, serving

AT = 1_763_766_422.0


def jwk(kid: str) -> dict[str, str]:
    """The public key of RFC 7517, appendix A.1."""
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        "kid": kid,
    }


def jwks(*kids: str) -> bytes:
    return json.dumps({"keys": [jwk(kid) for kid in kids]}).encode()


class Clock:
    """Stands in for the module's `time`, and for nobody else's: the event loop has its own."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(jwks_module, "time", clock)
    return clock


@pytest.fixture
def server():
    with serving() as server:
        server.answer = sends(jwks("k1"))
        yield server


@pytest.fixture
def sources(server, clock):
    return KeySources([Source("issuer", url=server.url)])


def ask(kid: str | None = None, source: str = "issuer") -> FindVerificationKeys:
    return FindVerificationKeys(source, kid, AT)


def find(sources: KeySources, kid: str | None = None, source: str = "issuer") -> VerificationKeys:
    """The answer, waiting where that is needed, as `Stores.answer_later` does."""

    async def answer() -> VerificationKeys:
        try:
            return sources.find(ask(kid, source))
        except NotNow:
            return await sources.find_later(ask(kid, source))

    return asyncio.run(answer())


def kids(keys: VerificationKeys) -> list[str | None]:
    return [key.kid for key in keys]


# Keys that came with the policy.


def test_keys_of_a_file_are_at_hand():
    sources = KeySources([Source("file", keys=parse_jwks(jwks("k1")))])
    keys = sources.find(ask("k1", "file"))
    assert kids(keys) == ["k1"]
    assert sources.find(ask("other", "file")) is keys  # there is nowhere to look again
    assert asyncio.run(sources.refresh()) == []


def test_a_source_that_nobody_configured():
    with pytest.raises(StoreError, match="no source of keys is called nobody"):
        KeySources().find(ask(source="nobody"))


# Looking.


def test_the_first_question_looks_and_the_next_do_not(sources, server):
    first = find(sources, "k1")
    assert kids(first) == ["k1"]
    assert find(sources, "k1") is first
    assert find(sources) is first
    assert server.asked == ["/jwks.json"]


def test_a_machine_that_has_just_started_may_look_at_once(sources, clock):
    """The monotonic clock counts from boot: less than the cooldown since then is no reason to refuse."""
    clock.now = 0.5
    assert kids(find(sources)) == ["k1"]


def test_an_unknown_key_id_looks_once_in_a_cooldown(sources, server, clock):
    find(sources, "k1")
    server.answer = sends(jwks("k1", "k2"))
    clock.now += 9.9
    assert kids(find(sources, "k2")) == ["k1"]  # too soon: the token is refused with what is at hand
    clock.now += 0.2
    assert kids(find(sources, "k2")) == ["k1", "k2"]
    assert len(server.asked) == 2
    for number in range(20):
        find(sources, f"made up {number}")
    assert len(server.asked) == 2
    clock.now += 10
    find(sources, "made up")
    assert len(server.asked) == 3


def test_a_known_key_id_or_none_never_looks(sources, server, clock):
    find(sources, "k1")
    clock.now += 1000
    assert kids(sources.find(ask("k1"))) == ["k1"]
    assert kids(sources.find(ask(None))) == ["k1"]
    assert len(server.asked) == 1


def test_withdrawn_keys_are_gone(sources, server, clock):
    find(sources, "k1")
    server.answer = sends(b'{"keys": []}')
    clock.now += 11
    assert kids(find(sources, "k2")) == []


def test_many_that_wait_share_one_look(sources, server):
    """Also those that ask while it is under way: what it finds is not known yet, so nobody is refused."""

    async def crowd() -> Any:
        began, go_on = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def answer(handler):
            loop.call_soon_threadsafe(began.set)
            asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(5)
            sends(jwks("k1"))(handler)

        server.answer = answer
        early = [asyncio.create_task(sources.find_later(ask("k1"))) for _ in range(30)]
        await asyncio.wait_for(began.wait(), 5)
        for _ in range(3):
            with pytest.raises(NotNow):
                sources.find(ask("k1"))
        late = [asyncio.create_task(sources.find_later(ask("k1"))) for _ in range(30)]
        await asyncio.sleep(0)
        go_on.set()
        return await asyncio.gather(*early, *late)

    answers = asyncio.run(crowd())
    assert len(answers) == 60
    assert all(keys is answers[0] for keys in answers)
    assert kids(answers[0]) == ["k1"]
    assert len(server.asked) == 1


def test_one_that_leaves_does_not_end_the_look_of_the_others(sources, server):
    async def impatient() -> Any:
        began, go_on = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def answer(handler):
            loop.call_soon_threadsafe(began.set)
            asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(5)
            sends(jwks("k1"))(handler)

        server.answer = answer
        first, second = (asyncio.create_task(sources.find_later(ask("k1"))) for _ in range(2))
        await asyncio.wait_for(began.wait(), 5)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        go_on.set()
        return await second

    assert kids(asyncio.run(impatient())) == ["k1"]
    assert len(server.asked) == 1


def test_when_all_have_left_a_failed_look_is_nobodys(sources, server, caplog):
    """And no "exception was never retrieved" in the log of the gateway."""

    async def everyone_leaves() -> None:
        began, go_on = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def answer(handler):
            loop.call_soon_threadsafe(began.set)
            asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(5)
            sends(b"", 500)(handler)

        server.answer = answer
        only = asyncio.create_task(sources.find_later(ask("k1")))
        await asyncio.wait_for(began.wait(), 5)
        look = sources._looking["issuer"]
        only.cancel()
        go_on.set()
        await asyncio.wait([look])

    asyncio.run(everyone_leaves())
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_the_request_asks_for_keys_and_for_nothing_compressed(sources, server):
    find(sources)
    assert server.heard["accept-encoding"] == "identity"
    assert "json" in server.heard["accept"]
    assert "authorization" not in server.heard


def test_as_much_as_may_be(sources, server):
    server.answer = sends(jwks("k1").ljust(1 << 20))
    assert kids(find(sources, "k1")) == ["k1"]


def test_no_proxy_of_the_environment_is_asked(sources, server, monkeypatch):
    """It would decide which keys we trust."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert kids(find(sources, "k1")) == ["k1"]


# What can go wrong.


def hangs_up(handler):
    handler.connection.close()


def resets(handler):
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def sends_too_much(handler):
    handler.send_response(200)
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b" " * 65536)


def breaks_off(handler):
    handler.send_response(200)
    handler.send_header("content-length", "5000")
    handler.end_headers()
    handler.wfile.write(jwks("k1"))


BOMB = gzip.compress(b'{"keys": []' + b" " * 50_000_000 + b"}", 1)
PRIVATE = json.dumps({"keys": [{**jwk("k1"), "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}]}).encode()
TROUBLES = [
    ("an error", sends(b"{}", 500), "answered 500"),
    ("not found", sends(jwks("k1"), 404), "answered 404"),
    ("no content", sends(b"", 204), "answered 204"),
    ("a redirect, even to good keys", sends(b"", 302, location="/elsewhere"), "answered 302"),
    ("nothing", sends(b""), "not a valid JSON object"),
    ("a page", sends(b"<!doctype html><title>Log in</title>", content_type="text/html"), "not a valid JSON object"),
    ("garbage", sends(bytes(range(256))), "not a valid JSON object"),
    ("another document", sends(b'{"issuer": "x"}'), 'no list "keys"'),
    ("a private key", sends(PRIVATE), "this is a private key"),
    ("too much", sends_too_much, "more than 1048576 bytes"),
    ("too much, well declared", sends(b"x" * 1_048_577), "more than 1048576 bytes"),
    ("a bomb", sends(BOMB, content_encoding="gzip"), "not a valid JSON object"),
    ("half of it", breaks_off, "without sending complete message body"),
    ("no answer", hangs_up, "disconnected"),
    ("a reset, for which the client has no words", resets, ": ReadError"),
]


@pytest.mark.parametrize(("answer", "trouble"), [row[1:] for row in TROUBLES], ids=[row[0] for row in TROUBLES])
def test_trouble(server, clock, answer, trouble):
    server.answer = answer
    sources = KeySources([Source("issuer", url=server.url)])
    with pytest.raises(StoreError, match="the keys of issuer cannot be had"):
        find(sources, "k1")
    (told,) = asyncio.run(sources.refresh())
    assert told.startswith(f"{server.url}: ")
    assert trouble in told
    assert "870MB6gf" not in told
    assert "/elsewhere" not in server.asked
    server.answer = sends(jwks("k1"))
    clock.now += 10
    assert kids(find(sources, "k1")) == ["k1"]


@pytest.mark.parametrize("answer", [row[1] for row in TROUBLES], ids=[row[0] for row in TROUBLES])
def test_in_trouble_the_keys_at_hand_stay(sources, server, clock, answer):
    keys = find(sources, "k1")
    server.answer = answer
    clock.now += 11
    assert find(sources, "k2") is keys
    assert len(asyncio.run(sources.refresh())) == 1
    assert find(sources, "k1") is keys


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.mark.parametrize("url", ["http://127.0.0.1:{closed}/", "https://127.0.0.1:x/", "http://[::1", "http://"])
def test_a_url_behind_which_nobody_is(clock, url):
    url = url.replace("{closed}", str(closed_port()))
    sources = KeySources([Source("issuer", url=url)])
    with pytest.raises(StoreError, match="cannot be had"):
        find(sources)
    (told,) = asyncio.run(sources.refresh())
    assert told.startswith(f"{url}: ")


def test_a_dead_server_is_not_asked_by_every_request(server, clock):
    server.answer = sends(b"", 500)
    sources = KeySources([Source("issuer", url=server.url)])
    for _ in range(20):
        with pytest.raises(StoreError):
            find(sources, "k1")
    assert len(server.asked) == 1


def test_a_server_that_drips_is_left_in_time(sources, server, monkeypatch):
    """A byte now and then keeps a socket's timeout from ever running out."""

    def drips(handler):
        handler.send_response(200)
        handler.end_headers()
        while not server.over.wait(0.02):
            handler.wfile.write(b" ")

    server.answer = drips
    monkeypatch.setattr(jwks_module, "_TIMEOUT", 0.1)
    with pytest.raises(StoreError, match="cannot be had"):
        find(sources)
    assert asyncio.run(sources.refresh()) == [f"{server.url}: no answer within 0.1 s"]


def test_keys_do_not_outlive_a_silent_issuer_for_ever(sources, server, clock):
    find(sources, "k1")
    server.answer = sends(b"", 500)
    clock.now += 86400
    assert kids(sources.find(ask("k1"))) == ["k1"]
    clock.now += 1
    with pytest.raises(StoreError, match="the keys of issuer are too old"):
        sources.find(ask("k1"))
    server.answer = sends(jwks("k1"))
    assert asyncio.run(sources.refresh()) == []
    assert kids(sources.find(ask("k1"))) == ["k1"]


# Keeping fresh.


def test_keys_are_looked_at_again_after_a_while(sources, server, clock):
    find(sources, "k1")
    server.answer = sends(jwks("k2"))
    clock.now += 299
    asyncio.run(sources.refresh_stale())
    assert kids(sources.find(ask())) == ["k1"]
    clock.now += 2
    asyncio.run(sources.refresh_stale())
    assert kids(sources.find(ask())) == ["k2"]
    assert len(server.asked) == 2


def test_one_source_in_trouble_does_not_keep_the_others_from_being_looked_at(server, clock):
    sources = KeySources([Source("bad", url="http://[::1"), Source("good", url=server.url), Source("file")])
    assert len(asyncio.run(sources.refresh())) == 1
    assert kids(sources.find(ask("k1", "good"))) == ["k1"]


def test_a_new_policy_keeps_the_keys_of_the_same_url_and_of_no_other(sources, server):
    keys = find(sources, "k1")
    known = sources.all()
    assert find(KeySources([Source("issuer", url=server.url)], known), "k1") is keys
    assert len(server.asked) == 1
    moved = KeySources([Source("issuer", url=server.url + "?tenant=2")], known)
    assert find(moved, "k1") is not keys
    assert server.asked[1:] == ["/jwks.json?tenant=2"]


def test_a_new_policys_file_is_never_taken_for_an_old_one():
    """Sources of files have no URL to be known by: their keys came with the policy that names them."""
    old = Source("api.0", keys=parse_jwks(jwks("old")))
    new = Source("api.0", keys=parse_jwks(jwks("new")))
    assert kids(KeySources([new], [old]).find(ask(None, "api.0"))) == ["new"]


def test_sources_are_looked_at_apart(clock):
    with serving() as one, serving() as two:
        one.answer, two.answer = sends(jwks("one")), sends(jwks("two"))
        sources = KeySources([Source("one", url=one.url), Source("two", url=two.url)])
        assert kids(find(sources, "one", "one")) == ["one"]
        assert two.asked == []
        assert kids(find(sources, "two", "two")) == ["two"]
        assert (len(one.asked), len(two.asked)) == (1, 1)
