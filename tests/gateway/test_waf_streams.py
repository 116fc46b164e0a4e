"""The WAF over messages of streams: an attack ends the stream before it gets to the other side."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
import websockets.exceptions
from google.protobuf.struct_pb2 import Struct
from websockets.sync.client import ClientConnection, connect

from stockade.gateway.asgi import Message, Receive, Scope, Send, StockadeMiddleware
from tests.gateway.doors import serving
from tests.gateway.harness import Gateway, api, free_port, policy, running, wait_until

pytestmark = pytest.mark.envoy

SQL = "1' OR '1'='1' --"
SAID = {"text": "see you at the station, 5 o'clock?", "to": [1, 2]}
SECTIONS: dict[str, Any] = {
    "blocking": {"rules": "builtin", "streams": True, "body_limit": "10KiB"},
    "watching": {"rules": "builtin", "streams": True, "mode": "monitor"},
    "excused": {
        "rules": "builtin",
        "streams": True,
        "exclusions": [{"rules": ["1-9999999"], "targets": ["ARGS:json.text"], "operations": ["GET /ws"]}],
    },
    "unread": {"rules": "builtin"},
}


def guarded(behind: int, log: str, **fields: Any) -> dict[str, Any]:
    apis = [api(behind, name, hosts=[f"{name}.test"], waf=section, **fields) for name, section in SECTIONS.items()]
    return policy(*apis, log={"path": log})


async def talk(scope: Scope, receive: Receive, send: Send) -> None:
    """Echoes what it hears."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        echoed: Message = {"type": "websocket.send", "text": message.get("text"), "bytes": message.get("bytes")}
        await send(echoed)


@pytest.fixture(scope="module")
def envoy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    port, folder = free_port(), tmp_path_factory.mktemp("envoy")
    with (
        serving(talk, port, ws="websockets-sansio"),
        running(Gateway(folder, guarded(port, "decisions.jsonl"))) as gateway,
    ):
        yield gateway.port, folder / "decisions.jsonl"


@pytest.fixture(scope="module")
def asgi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    port, folder = free_port(), tmp_path_factory.mktemp("asgi")
    (folder / "stockade.yaml").write_text(json.dumps(guarded(9, str(folder / "asgi.jsonl"))))
    middleware = StockadeMiddleware(talk, folder / "stockade.yaml")
    with serving(middleware, port, ws="websockets-sansio"):
        yield port, folder / "asgi.jsonl"
    middleware.close()


@pytest.fixture(params=["envoy", "asgi"])
def door(request: pytest.FixtureRequest) -> tuple[int, Path]:
    found: tuple[int, Path] = request.getfixturevalue(request.param)
    return found


def connected(port: int, host: str) -> ClientConnection:
    found: ClientConnection = connect(f"ws://{host}.test/ws", sock=socket.create_connection(("127.0.0.1", port)))
    return found


def talked(door: tuple[int, Path], host: str, *messages: str | bytes | list[bytes]) -> tuple[list[Any], int, set[str]]:
    """What was answered, the code with which it ended, and the rules on record."""
    port, log = door
    before = len(log.read_text().splitlines()) if log.exists() else 0
    heard: list[Any] = []
    with connected(port, host) as client:
        try:
            for message in messages:
                client.send(message)
                heard.append(client.recv(10))
        except websockets.exceptions.ConnectionClosed:
            pass
    wait_until(lambda: log.exists() and len(log.read_text().splitlines()) > before, "the record")
    record = json.loads(log.read_text().splitlines()[-1])
    return heard, client.close_code or 0, {finding["rule"] for finding in record["findings"]}


ATTACKS: dict[str, str | bytes | list[bytes]] = {
    "text": SQL,
    "JSON": json.dumps({"text": SQL}),
    "deep JSON": json.dumps({"a": [{"b": {"c": SQL}}]}),
    "JSON, escaped": '{{"text": "{}"}}'.format("".join(f"\\u{ord(letter):04x}" for letter in SQL)),
    "bad JSON": f'{{"text": "{SQL}",}}',
    "Socket.IO": f'42["say","{SQL}"]',
    "binary": json.dumps({"text": SQL}).encode(),
    "packed": b"\x81\xa4text" + bytes([0xA0 | len(SQL)]) + SQL.encode(),
    "fragments": [b'{"text": "1\' OR', b" '1'='1' --", b'"}'],
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_ends_the_stream(door, name):
    honest = json.dumps(SAID)
    heard, code, rules = talked(door, "blocking", honest, ATTACKS[name], honest)
    assert (len(heard), code) == (1, 1008)
    assert rules


def test_honest_messages_pass(door):
    messages: list[str | bytes | list[bytes]] = [
        json.dumps(SAID),
        "hello",
        "",
        b"\0\1\2\3",
        b"",
        json.dumps([SAID] * 20),
        "{",
        "42",
    ]
    heard, code, rules = talked(door, "blocking", *messages)
    assert (heard, code, rules) == (messages, 1000, set())


def test_a_message_that_is_too_long_is_not_taken_on_trust(door):
    heard, code, rules = talked(door, "blocking", "x" * 10_240, "x" * 10_241)
    assert (len(heard), code, rules) == (1, 1009, {"body-too-long"})


def test_who_watches_refuses_nothing(door):
    attack = json.dumps({"text": SQL})
    heard, code, rules = talked(door, "watching", attack, attack)
    assert (heard, code) == ([attack, attack], 1000)
    assert rules


def test_exclusions_and_apis_without(door):
    attack = json.dumps({"text": SQL})
    assert talked(door, "excused", attack) == ([attack], 1000, set())
    assert talked(door, "excused", json.dumps({"note": SQL}))[:2] == ([], 1008)
    assert talked(door, "unread", attack) == ([attack], 1000, set())


class Service(grpc.GenericRpcHandler):  # type: ignore[misc] # grpc has no types
    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        return {
            "/test.Echo/Unary": grpc.unary_unary_rpc_method_handler(lambda request, context: request),
            "/test.Echo/Both": grpc.stream_stream_rpc_method_handler(lambda requests, context: requests),
        }.get(details.method)


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[grpc.Channel]:
    port, methods = free_port(), {"methods": ["/test.Echo/Unary", "/test.Echo/Both"]}
    with ThreadPoolExecutor(4) as pool:
        server = grpc.server(pool)
        server.add_generic_rpc_handlers([Service()])
        server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        made = guarded(port, "decisions.jsonl", upstream={"http2": True}, grpc=methods)
        try:
            with running(Gateway(tmp_path_factory.mktemp("grpc"), made)) as gateway:
                options = [("grpc.default_authority", "blocking.test")]
                with grpc.insecure_channel(f"127.0.0.1:{gateway.port}", options) as open_channel:
                    yield open_channel
        finally:
            server.stop(0).wait()


def packed(value: Any) -> bytes:
    """A message with texts in messages in messages."""
    made = Struct()
    made.update(value)
    return made.SerializeToString()


def test_grpc(channel: grpc.Channel) -> None:
    unary, both = channel.unary_unary("/test.Echo/Unary"), channel.stream_stream("/test.Echo/Both")
    good, bad = packed(SAID), packed({"a": {"b": [SAID, SQL]}})
    assert unary(good, timeout=10) == good
    assert unary(b"", timeout=10) == b""
    with pytest.raises(grpc.RpcError) as failed:
        unary(bad, timeout=10)
    assert failed.value.code() == grpc.StatusCode.PERMISSION_DENIED
    heard: list[bytes] = []
    with pytest.raises(grpc.RpcError) as failed:
        heard.extend(both(iter([good, good, bad, good]), timeout=10))
    assert failed.value.code() == grpc.StatusCode.PERMISSION_DENIED
    assert bad not in heard
    with pytest.raises(grpc.RpcError) as failed:
        unary(b"x" * 10_241, timeout=10)
    assert failed.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
