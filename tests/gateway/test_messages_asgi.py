"""Messages in streams through the ASGI door, behind a real server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websockets.exceptions
from websockets.sync.client import connect

from stockade.gateway.asgi import Message, Receive, Scope, Send, StockadeMiddleware
from tests.gateway.client import Client
from tests.gateway.doors import Loop, Sent, call, serving
from tests.gateway.harness import api, free_port, policy, wait_until

NUMBERED = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
HEARD: list[Message] = []


async def talk(scope: Scope, receive: Receive, send: Send) -> None:
    """Echoes what it hears; a text `big` it answers with much."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            text = message.get("text")
            await send({"type": "websocket.send", "text": "x" * 5000 if text == "big" else text or "bytes"})
        HEARD.append(message)
    elif scope["path"] == "/events":
        body = b'data: {"n": 1}\n\ndata: {"n": 2}\n\ndata: {"n": "three"}\n\ndata: {"n": 4}\n\n'
        headers = [(b"content-type", b"text/event-stream"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for index in range(0, len(body), 5):
            await send({"type": "http.response.body", "body": body[index : index + 5], "more_body": True})
            await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b""})
    else:
        await _grpc(receive, send)


async def _grpc(receive: Receive, send: Send) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the client is gone")
        body += message["body"]
        more = message["more_body"]
    headers = [(b"content-type", b"application/grpc"), (b"grpc-status", b"0")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, StockadeMiddleware, Path]]:
    folder, port = tmp_path_factory.mktemp("asgi"), free_port()
    sections: dict[str, Any] = {
        "sized": {"websocket": {"size": "10B", "replies": {"size": "1KiB"}}},
        "shaped": {"websocket": {"schema": NUMBERED}, "events": {"schema": NUMBERED}},
        "paced": {"websocket": {"rate": "3/min", "burst": 2}},
        "watched": {"mode": "monitor", "websocket": {"size": "3B"}, "events": {"size": "3B"}},
    }
    apis = [api(9, name, hosts=[f"{name}.test"], messages=section) for name, section in sections.items()]
    apis.append(api(9, "grpc", hosts=["grpc.test"], grpc={"methods": ["/a.B/C"], "message_size": "10B"}))
    (folder / "stockade.yaml").write_text(json.dumps(policy(*apis)))
    middleware = StockadeMiddleware(talk, folder / "stockade.yaml")
    with serving(middleware, port, ws="websockets-sansio"):
        yield port, middleware, folder / "decisions.jsonl"
    middleware.close()


def talked(port: int, host: str, *messages: str | bytes) -> tuple[list[str | bytes], int, str]:
    """What was answered, and the code and reason with which it ended; 1000 when it did not."""
    heard: list[str | bytes] = []
    sock = socket.create_connection(("127.0.0.1", port))
    left = contextlib.suppress(websockets.exceptions.ConnectionClosed)
    with connect(f"ws://{host}.test/ws", sock=sock) as client, left:
        for message in messages:
            client.send(message)
            heard.append(client.recv(10))
    return heard, client.close_code or 0, client.close_reason or ""


CASES: dict[str, tuple[str, list[str | bytes], int, int, int, str]] = {
    "fits": ("sized", ["0123456789", b"x"], 2, 1000, 0, ""),
    "too large": ("sized", ["ok", "0123456789a"], 1, 1009, 1009, "websocket-size"),
    "too large a reply": ("sized", ["ok", "big"], 1, 1009, 1009, "websocket-size"),
    "of another shape": ("shaped", ['{"n": 1}', "{}"], 1, 1008, 1008, "websocket-schema"),
    "too many": ("paced", ["a", "b", "c"], 2, 1008, 1008, "websocket-rate"),
    "watched": ("watched", ["long", "ok", "longer"], 3, 1000, 0, "websocket-size"),
}


@pytest.mark.parametrize("name", CASES)
def test_websocket(door: tuple[int, StockadeMiddleware, Path], name: str) -> None:
    port, _, log = door
    host, messages, answered, code, told, rule = CASES[name]
    HEARD.clear()
    before = len(log.read_text().splitlines()) if log.exists() else 0
    heard, ended_with, reason = talked(port, host, *messages)
    assert (len(heard), ended_with) == (answered, code)
    assert bool(reason) == bool(told)
    wait_until(lambda: log.exists() and len(log.read_text().splitlines()) > before, "the record")
    record = json.loads(log.read_text().splitlines()[-1])
    assert {finding["rule"] for finding in record["findings"]} == ({rule} if rule else set())
    assert record["status"] == 101
    if told:
        wait_until(lambda: HEARD, "the application to hear of it")
        assert (HEARD[0]["type"], HEARD[0]["code"]) == ("websocket.disconnect", told)


def test_events(door: tuple[int, StockadeMiddleware, Path]) -> None:
    port, _, _ = door
    for host, count in (("shaped", 2), ("watched", 4)):
        with Client(port) as client:
            reply = client.ask("GET", "/events", {"host": f"{host}.test"})
        assert (reply.status, reply.body.count(b"\n\n")) == (200, count)


def test_grpc(door: tuple[int, StockadeMiddleware, Path]) -> None:
    _, middleware, _ = door
    loop = Loop()
    headers = (("host", "grpc.test"), ("content-type", "application/grpc"))
    try:
        for body, path, status in (
            ((b"\0\0\0\0", b"\3abc"), "/a.B/C", "0"),
            ((b"\0\0\0\0", b"\x0babc"), "/a.B/C", "8"),
            ((b"\0\0\0\0", b"\3ab"), "/a.B/C", "13"),
            ((b"\0\0\0\0\0",), "/a.B/D", "12"),
        ):
            reply = loop.run(call(middleware, Sent("POST", path, headers, body)))
            assert (reply.status, reply.header("grpc-status")) == (200, status)
    finally:
        loop.close()
