"""gRPC through Envoy: a real server, a real client, and a client that lies."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_reflection.v1alpha import reflection
from h2.events import DataReceived, ResponseReceived, TrailersReceived
from typer.testing import CliRunner

from stockade.cli.main import app
from stockade.config.sections.grpc import read_methods
from tests.gateway.client import Client
from tests.gateway.harness import Gateway, api, free_port, policy, running
from tests.gateway.http2 import Fields, Http2Client

pytestmark = pytest.mark.envoy

MOST = 1000
Status = grpc.StatusCode


class Service(grpc.GenericRpcHandler):  # type: ignore[misc] # grpc has no types
    """Methods of every kind; messages are bytes."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        return {
            "/test.Echo/Unary": grpc.unary_unary_rpc_method_handler(lambda request, context: request),
            "/test.Echo/Hidden": grpc.unary_unary_rpc_method_handler(lambda request, context: b"never"),
            "/test.Echo/Down": grpc.unary_stream_rpc_method_handler(self.down),
            "/test.Echo/Up": grpc.stream_unary_rpc_method_handler(lambda requests, context: b"".join(requests)),
            "/test.Echo/Both": grpc.stream_stream_rpc_method_handler(lambda requests, context: requests),
        }.get(details.method)

    def down(self, request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        for size in request.split():
            yield b"x" * int(size)


def descriptor(*methods: str) -> bytes:
    """A FileDescriptorSet with the service test.Echo."""
    described = FileDescriptorSet()
    file = described.file.add(name="echo.proto", package="test", syntax="proto3")
    file.message_type.add(name="Any")
    service = file.service.add(name="Echo")
    for name in methods:
        service.method.add(name=name, input_type=".test.Any", output_type=".test.Any")
    return described.SerializeToString()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder, port = tmp_path_factory.mktemp("grpc"), free_port()
    (folder / "echo.binpb").write_bytes(descriptor("Unary", "Down", "Up", "Both", "Hidden"))
    open_methods = [f"/test.Echo/{name}" for name in ("Unary", "Down", "Up", "Both")]
    described = {"descriptor": "echo.binpb", "methods": open_methods, "message_size": f"{MOST}B"}
    sections: dict[str, Any] = {
        "strict": described,
        "replies": {**described, "reply_size": f"{MOST}B", "reflection": True, "compressed": True},
        "watched": {**described, "mode": "monitor"},
        "large": {"descriptor": "echo.binpb"},
    }
    apis = [
        api(port, name, hosts=[f"{name}.test"], upstream={"http2": True}, grpc=section)
        for name, section in sections.items()
    ]
    with ThreadPoolExecutor(8) as pool:
        server = grpc.server(pool, options=[("grpc.max_receive_message_length", -1)])
        server.add_generic_rpc_handlers([Service()])
        reflection.enable_server_reflection(("test.Echo",), server)
        server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        try:
            with running(Gateway(folder, policy(*apis))) as gateway:
                yield gateway
        finally:
            server.stop(0).wait()


@pytest.fixture
def channel(guarded: Gateway, request: pytest.FixtureRequest) -> Iterator[grpc.Channel]:
    """To the API that the test names, or to the strict one."""
    host = getattr(request, "param", "strict")
    options = [("grpc.default_authority", f"{host}.test"), ("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(f"127.0.0.1:{guarded.port}", options) as open_channel:
        yield open_channel


def failure(call: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as failed:
        call()
    return failed.value.code(), failed.value.details()


def tagged(tag: str) -> dict[str, Any]:
    return {"timeout": 10, "metadata": [("x-tag", tag)]}


def test_calls_of_every_kind(channel: grpc.Channel) -> None:
    assert channel.unary_unary("/test.Echo/Unary")(b"a" * MOST, timeout=10) == b"a" * MOST
    assert [len(reply) for reply in channel.unary_stream("/test.Echo/Down")(b"1 0 2000", timeout=10)] == [1, 0, 2000]
    assert channel.stream_unary("/test.Echo/Up")(iter([b"a" * MOST, b"", b"c"]), timeout=10) == b"a" * MOST + b"c"
    said: queue.Queue[bytes] = queue.Queue()
    answers = channel.stream_stream("/test.Echo/Both")(iter(said.get, b"end"), timeout=10)
    for number in range(10):  # each is answered before the next is said
        said.put(b"%d" % number)
        assert next(answers) == b"%d" % number
    said.put(b"end")
    assert list(answers) == []


@pytest.mark.parametrize("channel", ["large"], indirect=True)
def test_more_than_a_body(channel: grpc.Channel) -> None:
    """`max_body` (1 MiB) bounds bodies; of a stream it is the messages that are bounded."""
    assert len(channel.unary_unary("/test.Echo/Unary")(b"x" * (3 << 20), timeout=10)) == 3 << 20
    assert len(channel.stream_unary("/test.Echo/Up")(iter([b"x" * 1_000_000] * 3), timeout=10)) == 3_000_000
    code, _ = failure(lambda: channel.unary_unary("/test.Echo/Unary")(b"x" * (5 << 20), timeout=10))
    assert code is Status.RESOURCE_EXHAUSTED


METHODS = {
    "unknown": ("/test.Echo/None", Status.UNIMPLEMENTED, "method-unknown"),
    "of an unknown service": ("/other.Echo/Unary", Status.UNIMPLEMENTED, "method-unknown"),
    "in other letters": ("/test.Echo/unary", Status.UNIMPLEMENTED, "method-unknown"),
    "denied": ("/test.Echo/Hidden", Status.PERMISSION_DENIED, "method-denied"),
    "reflection": (
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        Status.UNIMPLEMENTED,
        "reflection-denied",
    ),
}


@pytest.mark.parametrize("name", METHODS)
def test_methods(guarded: Gateway, channel: grpc.Channel, name: str) -> None:
    method, code, rule = METHODS[name]
    assert failure(lambda: channel.unary_unary(method)(b"", **tagged(name)))[0] is code
    record = guarded.record(name)
    assert (record["status"], record["action"], record["control"]) == (200, "deny", "grpc")
    assert [finding["rule"] for finding in record["findings"]] == [rule]


def test_too_large(guarded: Gateway, channel: grpc.Channel) -> None:
    call = channel.unary_unary("/test.Echo/Unary")
    found = failure(lambda: call(b"a" * (MOST + 1), **tagged("too large")))
    assert found == (Status.RESOURCE_EXHAUSTED, "A message may have 1000 bytes at most.")
    (finding,) = guarded.record("too large")["findings"]
    assert (finding["rule"], finding["evidence"]) == ("message-size", "1001 bytes")


def test_too_large_in_the_midst_of_a_call(guarded: Gateway, channel: grpc.Channel) -> None:
    """The response has begun: its trailers say it."""
    said: queue.Queue[bytes] = queue.Queue()
    answers = channel.stream_stream("/test.Echo/Both")(iter(said.get, b"end"), **tagged("midst"))
    said.put(b"first")
    assert next(answers) == b"first"
    said.put(b"x" * (MOST + 1))
    assert failure(lambda: next(answers)) == (Status.RESOURCE_EXHAUSTED, "A message may have 1000 bytes at most.")
    said.put(b"end")
    assert guarded.record("midst")["action"] == "deny"
    assert channel.unary_unary("/test.Echo/Unary")(b"still there", timeout=10) == b"still there"


@pytest.mark.parametrize("channel", ["replies"], indirect=True)
def test_a_reply_too_large(guarded: Gateway, channel: grpc.Channel) -> None:
    answers = channel.unary_stream("/test.Echo/Down")(b"10 1000 1001 5", **tagged("reply"))
    assert [len(next(answers)), len(next(answers))] == [10, 1000]
    assert failure(lambda: next(answers))[0] is Status.RESOURCE_EXHAUSTED
    assert guarded.record("reply")["findings"][0]["rule"] == "message-size"
    call = channel.unary_stream("/test.Echo/Down")(b"1001", timeout=10)  # head, message and trailers at once
    assert failure(lambda: next(call))[0] is Status.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("channel", ["replies"], indirect=True)
def test_what_is_allowed_here(channel: grpc.Channel) -> None:
    method = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
    assert list(channel.stream_stream(method)(iter([b"\x3a\0"]), timeout=10))
    call = channel.unary_unary("/test.Echo/Unary")
    assert call(b"a" * 900, timeout=10, compression=grpc.Compression.Gzip) == b"a" * 900


def test_compressed(guarded: Gateway, channel: grpc.Channel) -> None:
    call = channel.unary_unary("/test.Echo/Unary")
    code, _ = failure(lambda: call(b"a" * 900, compression=grpc.Compression.Gzip, **tagged("gzip")))
    assert code is Status.UNIMPLEMENTED
    assert guarded.record("gzip")["findings"][0]["rule"] == "compressed"


@pytest.mark.parametrize("channel", ["watched"], indirect=True)
def test_watched(guarded: Gateway, channel: grpc.Channel) -> None:
    assert channel.unary_unary("/test.Echo/Hidden")(b"a" * 5000, **tagged("watched")) == b"never"
    record = guarded.record("watched")
    assert (record["action"], record["status"]) == ("allow", 200)
    assert [finding["rule"] for finding in record["findings"]] == ["method-denied", "message-size"]


def test_describe(guarded: Gateway, tmp_path: Path) -> None:
    """`stockade grpc describe`, through a gateway that lets reflection pass."""
    pool = descriptor_pool.Default()
    try:
        pool.FindFileByName("echo.proto")
    except KeyError:
        pool.AddSerializedFile(FileDescriptorSet.FromString(descriptor("Unary", "Down")).file[0].SerializeToString())
    upstream = urlsplit(guarded.policy["apis"][0]["upstream"]["url"])
    out = tmp_path / "services.binpb"
    result = CliRunner().invoke(app, ["grpc", "describe", f"http://{upstream.netloc}", "-o", str(out)])
    assert (result.exit_code, result.stdout) == (0, "/test.Echo/Down\n/test.Echo/Unary\n"), result.output
    assert read_methods(out.read_bytes()) == {"/test.Echo/Down", "/test.Echo/Unary"}
    for url, said in (
        # No API has that host; whether grpcio reads the 404 or the end of its stream first is a race.
        (f"http://127.0.0.1:{guarded.port}", ("no reflection", "INTERNAL")),
        (f"http://127.0.0.1:{free_port()}", ("UNAVAILABLE",)),
        ("127.0.0.1:80", ("not a URL",)),
    ):
        result = CliRunner().invoke(app, ["grpc", "describe", url, "-o", str(out)])
        assert result.exit_code == 2
        assert any(text in result.output for text in said)


# A client that lies.


def lie(gateway: Gateway, data: bytes, *, ends: bool = True, path: str = "/test.Echo/Unary") -> dict[str, str]:
    """Head and trailers of what is answered to this body."""
    fields: Fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "strict.test"),
        (":path", path),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ]
    with Http2Client(gateway.port) as client:
        stream = client.send(fields, data, ends=ends)
        told = dict(client.next(stream, ResponseReceived).headers)
        if "grpc-status" not in told:
            told |= dict(client.next(stream, TrailersReceived).headers)
        return told


LIES = {
    "four gibibytes": (b"\0\xff\xff\xff\xff", Status.RESOURCE_EXHAUSTED),
    "more than follows": (b"\0\0\0\0\x0aabc", Status.INTERNAL),
    "half a head": (b"\0\0\0", Status.INTERNAL),
    "an unknown flag": (b"\x80\0\0\0\0", Status.INTERNAL),
    "compressed": (b"\1\0\0\0\1a", Status.UNIMPLEMENTED),
    "less than follows": (b"\0\0\0\0\1abcdefgh", Status.INTERNAL),
}


@pytest.mark.parametrize("name", LIES)
def test_lies(guarded: Gateway, name: str) -> None:
    data, code = LIES[name]
    told = lie(guarded, data)
    assert (told[":status"], told["grpc-status"]) == ("200", str(code.value[0]))


def test_a_size_is_refused_at_its_header(guarded: Gateway) -> None:
    """Nothing of the message need arrive."""
    told = lie(guarded, b"\0\0\0\x03\xe9", ends=False)
    assert told["grpc-status"] == str(Status.RESOURCE_EXHAUSTED.value[0])


def test_a_slow_drip_arrives(guarded: Gateway) -> None:
    fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "strict.test"),
        (":path", "/test.Echo/Unary"),
        ("content-type", "application/grpc+proto"),
        ("te", "trailers"),
    ]
    body = b"\0\0\0\0\5hello"
    with Http2Client(guarded.port) as client:
        stream = client.send(fields, ends=False)
        for index in range(len(body)):
            client.send_body(stream, body[index : index + 1], ends=index == len(body) - 1)
        data = b""
        while len(data) < len(body):
            data += client.next(stream, DataReceived).data
        assert data == body
        assert dict(client.next(stream, TrailersReceived).headers)["grpc-status"] == "0"


@pytest.mark.parametrize(
    "kind", ["application/json", "application/grpc-web", "application/grpc-web-text+proto", "application/proto", ""]
)
def test_what_is_no_grpc(guarded: Gateway, kind: str) -> None:
    """gRPC-Web and Connect would reach the service past its list of methods."""
    with Client(guarded.port) as client:
        headers = {"host": "strict.test", **({"content-type": kind} if kind else {})}
        assert client.ask("POST", "/test.Echo/Hidden", headers, b"{}").status == 415
