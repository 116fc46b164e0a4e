"""Sealed request bodies: schema, WAF and upstream get what was in them, through both doors, however the bytes come."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwe import JWERegistry
from joserfc.jwk import ECKey, RSAKey

from stockade.gateway.asgi import Message, Receive, Scope, Send
from stockade.sealing import Envelope, Seal, keys_of_jwks
from tests.gateway.client import Client, Reply, chunked
from tests.gateway.doors import AsgiDoor, Door, EnvoyDoor, Loop, Sent
from tests.gateway.harness import Gateway, api, free_port, policy, running
from tests.gateway.http2 import Http2Client
from tests.gateway.upstreams import upstream

pytestmark = pytest.mark.envoy

RSA = RSAKey.generate_key(2048, {"kid": "ours"})
OTHER = RSAKey.generate_key(2048, {"kid": "ours"})
EC = ECKey.generate_key("P-256", {"kid": "theirs"})
JOSE = ("content-type", "application/jose")
BODY = b'{"amount":7,"note":"tea"}'
SHAPE = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"amount": {"type": "integer"}, "note": {"type": "string"}},
    "required": ["amount"],
}


def key_set(*found: Any, private: bool) -> bytes:
    return json.dumps({"keys": [key.as_dict(private=private) for key in found]}).encode()


def sealed(body: bytes = BODY, key: RSAKey = RSA, **header: str) -> bytes:
    stated = {"alg": "RSA-OAEP-256", "enc": "A256GCM", "cty": "json", **header}
    registry = JWERegistry(algorithms=["RSA-OAEP-256", "A256GCM", "DEF"])
    return jwe.encrypt_compact(stated, body, key, registry=registry).encode()


SIGNING = Envelope(signing=Seal(keys_of_jwks(key_set(EC, private=True)), "ES256"))
OURS: dict[str, Any] = {"jwks": "ours.json", "algorithms": ["RSA-OAEP-256"]}
THEIRS: dict[str, Any] = {"jwks": "theirs.json", "algorithms": ["ES256"]}


def guarded(behind: int, folder: Path, log: str) -> dict[str, Any]:
    (folder / "ours.json").write_bytes(key_set(RSA, private=True))
    (folder / "theirs.json").write_bytes(key_set(EC, private=False))
    schema = {"operations": {"POST /probe/payments": {"request": SHAPE}}, "undocumented": "allow"}
    return policy(
        api(
            behind, "probe", prefix="/probe", schema=schema, waf={"rules": "builtin"},
            exposure={"envelopes": {"decrypt": OURS, "operations": ["POST /probe/payments"]}},
        ),
        api(behind, "signed", prefix="/signed", exposure={"envelopes": {"verify": THEIRS}}),
        api(behind, "both", prefix="/both", exposure={"envelopes": {"decrypt": OURS, "verify": THEIRS}}),
        log={"path": log},
    )  # fmt: skip


async def mirror(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what it was sent, as `upstreams.echo` does."""
    body, more = b"", True
    while more:
        message: Message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    content = json.dumps({"headers": headers, "body": body.decode("latin-1")}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": content})


@pytest.fixture(scope="module")
def envoy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnvoyDoor]:
    folder = tmp_path_factory.mktemp("envoy")
    with ExitStack() as stack:
        port = stack.enter_context(upstream(free_port())).port
        gateway = Gateway(folder, guarded(port, folder, "decisions.jsonl"), environment={"PROBE": "yes"})
        yield EnvoyDoor(stack.enter_context(running(gateway)))


@pytest.fixture(scope="module")
def asgi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsgiDoor]:
    folder, loop = tmp_path_factory.mktemp("asgi"), Loop()
    (folder / "stockade.yaml").write_text(json.dumps(guarded(free_port(), folder, str(folder / "asgi.jsonl"))))
    door = AsgiDoor(loop, folder, mirror)
    yield door
    door.close()
    loop.close()


@pytest.fixture(params=["envoy", "asgi"])
def door(request: pytest.FixtureRequest) -> Door:
    found: Door = request.getfixturevalue(request.param)
    return found


def opened(reply: Reply, body: bytes = BODY) -> None:
    """The upstream got the open body, once, and a head that is true of it."""
    assert reply.status == 200, reply
    seen = reply.json()
    assert seen["body"].encode() == body
    headers = [tuple(pair) for pair in seen["headers"]]
    assert [value for name, value in headers if name == "content-type"] == ["application/json"]
    assert [value for name, value in headers if name == "content-length"] == [str(len(body))]
    assert not {"transfer-encoding", "content-digest"} & {name for name, _ in headers}


def pay(*body: bytes, path: str = "/probe/payments", headers: tuple[tuple[str, str], ...] = ()) -> Sent:
    return Sent("POST", path, (JOSE, *headers), body)


def test_the_upstream_gets_what_was_sealed(door):
    opened(door.send(pay(sealed(), headers=(("content-digest", "sha-256=:AAAA:"),))))
    both = Envelope(SIGNING.signing, Seal(keys_of_jwks(key_set(RSA, private=False)), "RSA-OAEP-256", "A256GCM"))
    opened(door.send(pay(both.seal(BODY), path="/both/x")))
    opened(door.send(pay(SIGNING.seal(BODY), path="/signed/x")))


def test_bodies_in_pieces_and_large_ones(door):
    token = sealed()
    opened(door.send(pay(token[:9], token[9:400], token[400:])))
    large = b'{"amount":7,"note":"' + b"tea " * 60_000 + b'"}'
    signed = SIGNING.seal(large)
    opened(door.send(pay(signed, path="/signed/x")), large)
    pieces = [signed[at : at + 50_000] for at in range(0, len(signed), 50_000)]
    opened(door.send(pay(*pieces, path="/signed/x")), large)


@pytest.mark.parametrize("orders", ["wait-head", "wait-body", "wait-head wait-body"])
def test_over_http_1_while_somebody_waits(envoy, orders):
    for body in (sealed(), sealed() + b"\n"):
        opened(envoy.send(pay(body, headers=(("x-probe", orders),))))
        opened(envoy.send(pay(body[:100], body[100:], headers=(("x-probe", orders),))))


def test_over_one_connection_after_another(envoy):
    """What is left of a sealed body must not run into the next request."""
    with Client(envoy.gateway.port) as client:
        for number in range(5):
            body = b'{"amount":%d}' % number
            opened(client.ask("POST", "/probe/payments", dict([JOSE]), sealed(body)), body)


def test_with_trailers(envoy):
    token = sealed()
    head = b"POST /probe/payments HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/jose\r\n"
    with Client(envoy.gateway.port) as client:
        body = chunked(token[:50], token[50:])[:-2] + b"x-end: 1\r\n\r\n"
        client.send(head + b"transfer-encoding: chunked\r\n\r\n" + body)
        opened(client.reply("POST"))


def test_over_http_2(envoy):
    with Http2Client(envoy.gateway.port) as client:
        opened(client.ask("POST", "/probe/payments", JOSE, body=sealed()))
        waits = ("x-probe", "wait-body")
        opened(client.ask("POST", "/probe/payments", JOSE, waits, body=sealed()))
        token = sealed()
        stream = client.send(client.head("POST", "/probe/payments", JOSE), ends=False)
        client.send_body(stream, token[:100], ends=False)
        client.send_body(stream, token[100:], ends=False)
        client.h2.end_stream(stream)  # an empty last frame
        client.flush()
        opened(client.reply(stream))
        lying = client.ask("POST", "/probe/payments", JOSE, body=b"")
        assert lying.status in (200, 400)


SQL = b'{"amount":7,"note":"1\' OR \'1\'=\'1\' --"}'
ATTACKS: dict[str, tuple[Callable[[], Sent], int]] = {
    "not sealed": (lambda: Sent("POST", "/probe/payments", (("content-type", "application/json"),), (BODY,)), 415),
    "not sealed, says it is": (lambda: pay(BODY), 400),
    "no type": (lambda: Sent("POST", "/probe/payments", (), (BODY,)), 415),
    "for another": (lambda: pay(sealed(key=OTHER)), 400),
    "a zip bomb": (lambda: pay(sealed(b" " * 200_000, zip="DEF")), 400),
    "another type in it": (lambda: pay(sealed(cty="xml")), 400),
    "compressed outside": (lambda: pay(sealed(), headers=(("content-encoding", "gzip"),)), 415),
    "against the schema": (lambda: pay(sealed(b'{"amount":"7"}')), 400),
    "an attack in it": (lambda: pay(sealed(SQL)), 403),
    "signed where it must be encrypted": (lambda: pay(SIGNING.seal(BODY)), 400),
    "encrypted where it must be signed too": (lambda: pay(sealed(), path="/both/x"), 400),
    "an unsigned body": (lambda: pay(b"eyJhbGciOiJub25lIn0." + b"e30.", path="/signed/x"), 400),
    "twice": (lambda: pay(sealed(sealed(), cty="json")), 400),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_else_comes_through(door, name):
    make, status = ATTACKS[name]
    reply = door.send(make())
    assert reply.status == status, reply
    assert reply.problem()
    assert b"tea" not in reply.body


def test_other_operations_are_left_alone(door):
    reply = door.send(Sent("POST", "/probe/other", (("content-type", "application/json"),), (BODY,)))
    assert reply.json()["body"].encode() == BODY
