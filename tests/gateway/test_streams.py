"""What must not be held up: events, WebSockets, gRPC, large downloads and uploads."""

from __future__ import annotations

import json
import queue
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
import websockets.exceptions
from h2.events import DataReceived
from websockets.sync.client import ClientConnection, connect

from tests.gateway.client import Client
from tests.gateway.conftest import Start
from tests.gateway.credentials import keys_in
from tests.gateway.harness import Gateway, api, free_port, policy, running
from tests.gateway.http2 import Http2Client
from tests.gateway.upstreams import Connection, Seen, Upstream

pytestmark = pytest.mark.envoy

MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def before_shop(tmp_path_factory: pytest.TempPathFactory, shop: int) -> Iterator[Gateway]:
    firewall = {"max_body": "100MiB"}
    with running(Gateway(tmp_path_factory.mktemp("streams"), policy(api(shop, firewall=firewall)))) as gateway:
        yield gateway


def memory(gateway: Gateway) -> tuple[int, int]:
    """Of the worker, in bytes: now, and the most since `forget_peak`."""
    (pid,) = gateway.workers()
    fields = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    now, peak = (int(fields[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    return now, peak


def forget_peak(gateway: Gateway) -> None:
    (pid,) = gateway.workers()
    Path(f"/proc/{pid}/clear_refs").write_text("5")


# Bodies that do not fit into memory.


def test_download(before_shop: Gateway) -> None:
    size = 200 * MEBIBYTE
    forget_peak(before_shop)
    before, _ = memory(before_shop)
    with Client(before_shop.port) as client:
        client.send(b"GET /download?size=%d HTTP/1.1\r\nHost: a\r\n\r\n" % size)
        head = client.head()
        assert head.status == 200
        assert sum(len(piece) for piece in client.body(head)) == size
    assert memory(before_shop)[1] - before < 32 * MEBIBYTE


def test_download_to_a_client_that_does_not_read(before_shop: Gateway) -> None:
    """The upstream is held up, not our memory filled."""
    forget_peak(before_shop)
    before, _ = memory(before_shop)
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(before_shop.port)) for _ in range(8)]
        for client in clients:
            client.send(b"GET /download?size=%d HTTP/1.1\r\nHost: a\r\n\r\n" % (200 * MEBIBYTE))
        for client in clients:
            assert client.head().status == 200
        assert before_shop.get("/health").status == 200
        assert memory(before_shop)[1] - before < 64 * MEBIBYTE


def test_upload(before_shop: Gateway) -> None:
    size = 50 * MEBIBYTE
    forget_peak(before_shop)
    before, _ = memory(before_shop)
    with Client(before_shop.port) as client:
        client.send(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(50):
            client.send(b"x" * MEBIBYTE)
        assert client.reply().json() == {"bytes": size}
    assert memory(before_shop)[1] - before < 32 * MEBIBYTE


# Piece by piece. Each side goes on only when the other has what was sent: what buffers hangs here.


@pytest.fixture
def scripted(start: Start, serve: Callable[..., Upstream]) -> tuple[Gateway, queue.Queue[bytes], queue.Queue[bytes]]:
    """An upstream that sends what is put into the first queue, and puts into the second what it gets."""
    to_send: queue.Queue[bytes] = queue.Queue()
    got: queue.Queue[bytes] = queue.Queue()

    def play(connection: Connection, seen: Seen) -> bool:
        if seen.method == "POST":
            while not (data := connection.file.read1(65536)).endswith(b"0\r\n\r\n"):
                got.put(data)
            connection.socket.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            return True
        connection.socket.sendall(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        while (event := to_send.get(timeout=20)) != b"":
            connection.socket.sendall(b"%x\r\n%b\r\n" % (len(event), event))
        connection.socket.sendall(b"0\r\n\r\n")
        return True

    server = serve(play)
    server.reads_bodies = False
    return start(policy(api(server.port))), to_send, got


def test_events_arrive_one_by_one(scripted: tuple[Gateway, queue.Queue[bytes], queue.Queue[bytes]]) -> None:
    gateway, to_send, _ = scripted
    with Client(gateway.port) as client, Http2Client(gateway.port) as client2:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n")
        head = client.head()
        assert (head.status, head.header("content-type")) == (200, "text/event-stream")
        assert head.header("x-content-type-options") == "nosniff"
        body = client.body(head)
        for number in range(10):
            to_send.put(b"data: %d\n\n" % number)
            assert next(body) == b"data: %d\n\n" % number
        to_send.put(b"")
        assert list(body) == []
        stream = client2.send(client2.head("GET", "/", ("accept", "text/event-stream")))
        for number in range(3):
            to_send.put(b"data: %d\n\n" % number)
            assert client2.next(stream, DataReceived).data == b"data: %d\n\n" % number
        to_send.put(b"")


def test_a_request_body_arrives_piece_by_piece(
    scripted: tuple[Gateway, queue.Queue[bytes], queue.Queue[bytes]],
) -> None:
    gateway, _, got = scripted
    with Client(gateway.port) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(5):
            client.send(b"1\r\n%d\r\n" % number)
            assert b"%d" % number in got.get(timeout=10)
        client.send(b"0\r\n\r\n")
        assert client.reply().status == 204


# WebSocket.


def websocket(gateway: Gateway, **fields: Any) -> ClientConnection:
    connection: ClientConnection = connect(f"ws://127.0.0.1:{gateway.port}/ws", **fields)
    return connection


def test_websocket(before_shop: Gateway) -> None:
    with websocket(before_shop, additional_headers={"x-tag": "ws"}) as socket:
        for message in ("hello", b"bytes", "é" * 1000, b"x" * 500_000):
            socket.send(message)
            assert socket.recv(10) == message
        socket.ping().wait(10)
    record = before_shop.record("ws")
    assert (record["status"], record["action"], record["path"]) == (101, "allow", "/ws")


def test_more_than_a_body_through_a_websocket(start: Start, shop: int) -> None:
    """`max_body` bounds bodies, and frames are none."""
    gateway = start(policy(api(shop, firewall={"max_body": "1KiB"})))
    with websocket(gateway) as socket:
        for _ in range(20):
            socket.send(b"x" * 1000)
            assert len(socket.recv(10)) == 1000


def test_a_refused_websocket(tmp_path: Path, start: Start, shop: int) -> None:
    with keys_in(tmp_path) as ring:
        gateway = start(policy(api(shop, authentication={"any_of": [{"api_key": {}}]})))
        with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
            websocket(gateway)
        assert refused.value.response.status_code == 401
        assert json.loads(refused.value.response.body or b"")["status"] == 401
        with websocket(gateway, additional_headers={"x-api-key": ring.issue("alice")}) as socket:
            socket.send("hello")
            assert socket.recv(10) == "hello"


def test_a_websocket_whose_client_is_gone(before_shop: Gateway) -> None:
    with websocket(before_shop, additional_headers={"x-tag": "ws gone"}) as connection:
        connection.send("hello")
        connection.recv(10)
        connection.socket.shutdown(socket.SHUT_RDWR)
    assert before_shop.record("ws gone")["status"] == 101


# gRPC.


class Service(grpc.GenericRpcHandler):  # type: ignore[misc] # grpc has no types
    """Calls of every kind; messages are bytes."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        return {
            "/test.Echo/Unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "/test.Echo/Down": grpc.unary_stream_rpc_method_handler(self.down),
            "/test.Echo/Up": grpc.stream_unary_rpc_method_handler(self.up),
            "/test.Echo/Both": grpc.stream_stream_rpc_method_handler(self.both),
            "/test.Echo/Fail": grpc.unary_unary_rpc_method_handler(self.fail),
        }.get(details.method)

    def unary(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        context.set_trailing_metadata([("x-after", "all")])
        principal = dict(context.invocation_metadata()).get("x-stockade-principal", "")
        return f"{request.decode()} {principal}".encode()

    def down(self, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        for number in range(int(request)):
            yield b"%d" % number

    def up(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        return b"".join(requests)

    def both(self, requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        yield from requests

    def fail(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        context.abort(grpc.StatusCode.NOT_FOUND, "no such thing")
        raise AssertionError


@pytest.fixture(scope="module")
def calling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, grpc.Channel, str]]:
    """A gateway before a gRPC server, a channel to it, and a key."""
    folder, port = tmp_path_factory.mktemp("grpc"), free_port()
    with ThreadPoolExecutor(8) as pool, keys_in(folder) as ring:
        server = grpc.server(pool)
        server.add_generic_rpc_handlers([Service()])
        server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        apis = [
            api(
                port,
                upstream={"http2": True},
                authentication={"any_of": [{"api_key": {}}], "anonymous": ["POST /test.Echo/Down"]},
            ),
            api(port, "probe", hosts=["probed.test"], upstream={"http2": True}),
        ]
        gateway = Gateway(folder, policy(*apis), environment={"PROBE": "yes"})
        try:
            with running(gateway), grpc.insecure_channel(f"127.0.0.1:{gateway.port}") as channel:
                yield gateway, channel, ring.issue("alice")
        finally:
            server.stop(0).wait()


def test_grpc_unary(calling: tuple[Gateway, grpc.Channel, str]) -> None:
    _, channel, key = calling
    call = channel.unary_unary("/test.Echo/Unary")
    reply, rpc = call.with_call(b"hello", timeout=10, metadata=[("x-api-key", key), ("x-stockade-principal", "admin")])
    assert reply == b"hello alice"
    assert dict(rpc.trailing_metadata())["x-after"] == "all"
    assert rpc.code() is grpc.StatusCode.OK


def test_grpc_streams(calling: tuple[Gateway, grpc.Channel, str]) -> None:
    _, channel, key = calling
    with_key = {"timeout": 10, "metadata": [("x-api-key", key)]}
    assert list(channel.unary_stream("/test.Echo/Down")(b"100", **with_key)) == [
        b"%d" % number for number in range(100)
    ]
    assert channel.stream_unary("/test.Echo/Up")(iter([b"a", b"b", b"c"]), **with_key) == b"abc"
    said: queue.Queue[bytes] = queue.Queue()
    answers = channel.stream_stream("/test.Echo/Both")(iter(said.get, b""), **with_key)
    for number in range(10):  # each is answered before the next is said
        said.put(b"%d" % number)
        assert next(answers) == b"%d" % number
    said.put(b"")
    assert list(answers) == []


def test_grpc_failures(calling: tuple[Gateway, grpc.Channel, str]) -> None:
    """The service's own, and ours, which the protocol maps (gRPC over HTTP/2, appendix on statuses)."""
    _, channel, key = calling
    with pytest.raises(grpc.RpcError) as theirs:
        channel.unary_unary("/test.Echo/Fail")(b"", timeout=10, metadata=[("x-api-key", key)])
    assert (theirs.value.code(), theirs.value.details()) == (grpc.StatusCode.NOT_FOUND, "no such thing")
    with pytest.raises(grpc.RpcError) as ours:
        channel.unary_unary("/test.Echo/Unary")(b"", timeout=10)
    assert ours.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_bodies_before_trailers_are_read(calling: tuple[Gateway, grpc.Channel, str]) -> None:
    """A control that reads response bodies reads those that trailers follow, too; of a gRPC request, which may be a
    stream without end, controls see the head alone."""
    gateway, _, _ = calling
    options = [("grpc.default_authority", "probed.test")]
    with grpc.insecure_channel(f"127.0.0.1:{gateway.port}", options) as channel:
        assert channel.unary_unary("/test.Echo/Unary")(b"hi", timeout=10, metadata=[("x-tag", "grpc")]) == b"hi "
        found = {finding["rule"]: finding["evidence"] for finding in gateway.record("grpc")["findings"]}
        assert found["request-body"].startswith("0 ")
        assert found["response-body"].startswith("8 ")
