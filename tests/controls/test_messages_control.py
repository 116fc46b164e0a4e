"""Messages: bounds of what streams carry."""

from __future__ import annotations

from typing import Any

import pytest

from stockade.controls.messages import Bounds, Messages, StreamRule
from stockade.messages import Message, MessageSchema
from stockade.operations import OperationTable
from stockade.vocabulary import PASS, Edits, Pass, Stop, Watcher
from stockade.wire import Headers, Response
from tests.exchanges import AT, judge, make_exchange, make_request
from tests.messages.strictly import strictly

UPGRADE = [("upgrade", "websocket"), ("sec-websocket-extensions", "permessage-deflate")]
BOUNDS = Bounds(10, (0.5, 2), MessageSchema({"type": "integer"}, strictly))


def make(client: Bounds | None = BOUNDS, upstream: Bounds | None = None, *operations: str) -> Messages:
    table = OperationTable(operations) if operations else None
    return Messages([StreamRule(client, upstream, table)], [StreamRule(None, client, table)])


def watcher(control: Messages, protocol: Any, *, request: bool = True, response: Response | None = None) -> Watcher:
    exchange = make_exchange(make_request(headers=UPGRADE), response=response)
    hook = control.on_request_stream if request else control.on_response_stream
    found = hook(exchange, protocol)
    assert found is not None
    return found


def rule(verdict: Any) -> tuple[str, int, int]:
    assert isinstance(verdict, Stop)
    return verdict.findings[-1].rule, verdict.response.status, verdict.closing.code


REFUSED = {
    "too long": (Message("text", 11, too_long=True), ("websocket-size", 413, 1009)),
    "of another shape": (Message("text", 3, b'"x"'), ("websocket-schema", 422, 1008)),
    "no JSON": (Message("binary", 1, b"{"), ("websocket-schema", 422, 1008)),
    "malformed": (Message("malformed", 0, trouble="a frame is odd"), ("websocket-malformed", 400, 1002)),
    "no text": (Message("malformed", 0, trouble="no text", code=1007), ("websocket-malformed", 400, 1007)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    message, told = REFUSED[name]
    verdict = watcher(make(), "websocket").judge(message, AT)
    assert rule(verdict) == told
    assert isinstance(verdict, Stop)
    assert verdict.closing.reason[0].isupper()
    assert verdict.closing.reason[-1] == "."


def test_rate() -> None:
    """Two at once, one each half second, for each connection its own."""
    control = make()
    first, second = watcher(control, "websocket"), watcher(control, "websocket")
    good = Message("text", 1, b"1")
    assert [first.judge(good, AT) for _ in range(2)] == [PASS, PASS]
    assert rule(first.judge(good, AT)) == ("websocket-rate", 429, 1008)
    assert second.judge(good, AT) is PASS
    assert first.judge(good, AT + 0.6) is PASS


def test_control_frames_have_a_bound_of_their_own() -> None:
    found = watcher(make(Bounds(10)), "websocket")
    verdicts = [found.judge(Message("ping", 0), AT) for _ in range(100)]
    assert verdicts[:50] == [PASS] * 50
    assert rule(verdicts[99]) == ("websocket-rate", 429, 1008)
    assert found.judge(Message("text", 1), AT) is PASS


def test_what_a_watcher_asks_for() -> None:
    for bounds, wants in ((BOUNDS, (10, True)), (Bounds(7), (7, False)), (None, (None, False))):
        found = watcher(make(bounds), "websocket")
        assert (found.limit, found.keep) == wants
    reply = watcher(make(BOUNDS), "websocket", request=False, response=Response(101))
    assert (reply.limit, reply.judge(Message("text", 1 << 20), AT)) == (None, PASS)


def test_events() -> None:
    found = watcher(make(), "events", request=False, response=Response(200))
    assert rule(found.judge(Message("event", 11, too_long=True), AT))[0] == "event-size"
    assert rule(found.judge(Message("event", 2, b"{}"), AT))[0] == "event-schema"
    assert found.judge(Message("event", 1, b"1"), AT) is PASS


@pytest.mark.parametrize(
    ("protocol", "header", "told"),
    [
        ("events", ("content-encoding", "gzip"), "event-encoded"),
        ("events", ("content-encoding", "identity"), None),
        ("websocket", ("sec-websocket-extensions", "permessage-deflate"), "websocket-extension"),
    ],
)
def test_what_cannot_be_read(protocol: str, header: tuple[str, str], told: str | None) -> None:
    response = Response(200, Headers.of([header]))
    verdict = watcher(make(), protocol, request=False, response=response).judge(Message("text", 1, b"1"), AT)
    assert (rule(verdict)[0] if told else verdict) == (told or PASS)


@pytest.mark.parametrize(
    ("headers", "removed"),
    [
        (UPGRADE, "sec-websocket-extensions"),
        (UPGRADE[:1], ""),
        ([("accept", "Text/Event-Stream"), ("accept-encoding", "gzip")], "accept-encoding"),
        ([("accept", "application/json"), ("accept-encoding", "gzip")], ""),
    ],
)
def test_what_is_not_offered(headers: list[tuple[str, str]], removed: str) -> None:
    verdict = judge(make().on_request, make_exchange(make_request(headers=headers)))
    assert verdict == (Pass(edits=Edits(remove=(removed,))) if removed else PASS)


def test_operations() -> None:
    control = make(BOUNDS, None, "GET /live/{id}")
    for path, read in (("/live/7", True), ("/other", False)):
        exchange = make_exchange(make_request(path=path, headers=UPGRADE))
        assert (control.on_request_stream(exchange, "websocket") is not None) is read
        assert (control.on_response_stream(exchange, "events") is not None) is read
        assert (judge(control.on_request, exchange) is not PASS) is read


def test_grpc_is_no_business_of_it() -> None:
    exchange = make_exchange()
    assert make().on_request_stream(exchange, "grpc") is make().on_response_stream(exchange, "grpc") is None
