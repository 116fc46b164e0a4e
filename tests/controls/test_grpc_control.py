"""gRPC: methods by name, messages by size."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from stockade.controls.grpc import Grpc, GrpcReplies
from stockade.messages import Message
from stockade.vocabulary import PASS, Stop
from tests.exchanges import AT, judge, make_exchange, make_request

KNOWN = frozenset({"/shop.Orders/Get", "/shop.Orders/List", "/shop.Orders/Delete"})
REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"


def make(kind: type[Grpc] = Grpc, **fields: Any) -> Grpc:
    given = {"allowed": KNOWN - {"/shop.Orders/Delete"}, "known": KNOWN, "message_size": 10}
    return kind(**{**given, **fields})


def call(path: str = "/shop.Orders/Get", method: str = "POST", kind: str = "application/grpc", **fields: Any) -> Any:
    headers = [("content-type", kind), *fields.pop("headers", [])]
    return make_exchange(make_request(method, path, headers, has_body=True, **fields))


def told(verdict: Any) -> tuple[str, str | None]:
    """The rule, and the gRPC status or the HTTP status of what is answered."""
    assert isinstance(verdict, Stop)
    response = verdict.response
    status = response.headers.get("grpc-status")
    if status is not None:
        assert (response.status, response.body) == (200, b"")
        assert response.headers.get("content-type") == "application/grpc"
        assert unquote(response.headers.get("grpc-message") or "").endswith(".")
    return verdict.findings[-1].rule, status or str(response.status)


@pytest.mark.parametrize(
    "exchange",
    [call(), call("/shop.Orders/List", kind="application/grpc+proto"), call(headers=[("grpc-encoding", "identity")])],
    ids=["listed", "by its full type", "not compressed"],
)
def test_allowed(exchange: Any) -> None:
    assert judge(make().on_request, exchange) is PASS


REFUSED: dict[str, tuple[Any, tuple[str, str]]] = {
    "known, not listed": (call("/shop.Orders/Delete"), ("method-denied", "7")),
    "unknown": (call("/shop.Orders/Drop"), ("method-unknown", "12")),
    "in other letters": (call("/shop.orders/get"), ("method-unknown", "12")),
    "with a query": (call(query="x=1"), ("method-unknown", "12")),
    "by GET": (call(method="GET"), ("method-unknown", "12")),
    "reflection": (call(REFLECTION), ("reflection-denied", "12")),
    "old reflection": (call(REFLECTION.replace("v1", "v1alpha")), ("reflection-denied", "12")),
    "compressed": (call(headers=[("grpc-encoding", "gzip")]), ("compressed", "12")),
    "gRPC-Web": (call(kind="application/grpc-web"), ("not-grpc", "415")),
    "gRPC-Web in base64, elsewhere": (call("/other", kind="application/grpc-web-text"), ("not-grpc", "415")),
    "Connect": (call("/shop.Orders/Delete", kind="application/json"), ("not-grpc", "415")),
    "Connect by GET": (call("/shop.Orders/Get", "GET", kind=""), ("not-grpc", "415")),
    "Connect streaming, elsewhere": (call("/other.A/B", kind="application/connect+proto"), ("not-grpc", "415")),
    "Connect unary, elsewhere": (call("/other.A/B", kind="application/proto"), ("not-grpc", "415")),
    "Connect by its header": (
        call("/other.A/B", kind="application/json", headers=[("connect-protocol-version", "1")]),
        ("not-grpc", "415"),
    ),
    "Connect to reflection": (call(REFLECTION, kind="application/json"), ("not-grpc", "415")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    exchange, wanted = REFUSED[name]
    assert told(judge(make().on_request, exchange)) == wanted


def test_what_is_no_grpc_and_goes_elsewhere() -> None:
    assert judge(make().on_request, make_exchange(make_request(path="/health"))) is PASS


def test_reflection_where_it_is_wanted() -> None:
    assert judge(make(reflection=True).on_request, call(REFLECTION)) is PASS
    assert told(judge(make(reflection=True).on_request, call("/shop.Orders/Drop")))[0] == "method-unknown"


MESSAGES = {
    "fits": (Message("call", 10), None),
    "too long": (Message("call", 11, too_long=True), ("message-size", "8")),
    "compressed": (Message("call", 1, compressed=True), ("compressed", "12")),
    "malformed": (Message("malformed", 0, trouble="odd"), ("malformed", "13")),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_messages(name: str) -> None:
    message, wanted = MESSAGES[name]
    watcher = make().on_request_stream(call(), "grpc")
    assert watcher is not None
    assert (watcher.limit, watcher.keep) == (10, False)
    verdict = watcher.judge(message, AT)
    assert (told(verdict) if wanted else verdict) == (wanted or PASS)


def test_compressed_where_it_is_wanted() -> None:
    control = make(compressed=True)
    assert judge(control.on_request, call(headers=[("grpc-encoding", "gzip")])) is PASS
    watcher = control.on_request_stream(call(), "grpc")
    assert watcher is not None
    assert watcher.judge(Message("call", 1, compressed=True), AT) is PASS


def test_replies() -> None:
    watcher = make(GrpcReplies, reply_size=5).on_response_stream(call(), "grpc")
    assert watcher is not None
    assert watcher.limit == 5
    assert watcher.judge(Message("call", 5, compressed=True), AT) is PASS
    assert make().on_response_stream(call(), "grpc") is None


def test_other_streams_are_no_business_of_it() -> None:
    assert make().on_request_stream(call(), "websocket") is None
