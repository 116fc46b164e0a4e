"""Streams past their watchers: what goes on, who stops it, and what the record says."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.engine import Binding, Flow, Session, open_session
from stockade.messages import Message
from stockade.vocabulary import PASS, Control, Exchange, Finding, Pass, Stop, Verdict, Watcher
from stockade.wire import Headers, Response, problem
from tests.exchanges import Door, make_request, make_route
from tests.messages.frames import frame

NO = Stop(problem(422, "No.", "r-1"), (Finding("refused"),))
SAW = Pass((Finding("saw"),))
UPGRADE = make_request(headers=[("upgrade", "websocket")])
CALL = make_request("POST", headers=[("content-type", "application/grpc")], has_body=True)
EVENTS = Response(200, Headers.of([("content-type", "text/event-stream")]))
Say = Callable[[Message], Any]


class Listener(Watcher):
    def __init__(self, say: Say, limit: int | None = None, keep: bool = False) -> None:
        self.say, self.limit, self.keep = say, limit, keep

    def judge(self, message: Message, at: float) -> Verdict:
        verdict: Verdict = self.say(message)
        return verdict


class Listening(Control):
    """Reads both directions of every stream."""

    name = "listening"

    def __init__(self, say: Say, **fields: Any) -> None:
        self.say, self.fields = say, fields

    def on_request_stream(self, exchange: Exchange, protocol: str) -> Watcher | None:
        return Listener(self.say, **self.fields)

    def on_response_stream(self, exchange: Exchange, protocol: str) -> Watcher | None:
        return Listener(self.say, **self.fields)


def opened(*bindings: Binding | Control, request: Any = CALL, response: Response | None = None) -> tuple[Session, Flow]:
    session = open_session(Door(make_route(*bindings)).policy, request)
    flow = session.open_request_stream() if response is None else session.open_response_stream(response)
    assert isinstance(flow, Flow)
    return session, flow


def refuse(word: str) -> Say:
    def say(message: Message) -> Verdict:
        return NO if message.size == len(word) or message.kind == "malformed" or message.too_long else PASS

    return say


def breaks(message: Message) -> Verdict:
    raise RuntimeError("the canary in a message")


def call(size: int) -> bytes:
    return b"\0" + size.to_bytes(4, "big") + bytes(size)


def findings(session: Session) -> list[str]:
    return [f"{finding.control}:{finding.rule}{'?' * finding.monitor}" for finding in session.close(200, 1.0).findings]


def test_nobody_listens() -> None:
    session = open_session(Door(make_route(Control())).policy, CALL)
    assert session.open_request_stream() is session.open_response_stream(EVENTS) is None


@pytest.mark.parametrize(
    ("request_", "response", "protocols"),
    [
        (make_request("POST", has_body=True), Response(200), (None, None)),
        (CALL, Response(200, CALL.headers), ("grpc", "grpc")),
        (CALL, Response(200), ("grpc", None)),
        (make_request("POST", headers=CALL.headers), Response(200), (None, None)),
        (make_request(), EVENTS, (None, "events")),
        (make_request("HEAD"), EVENTS, (None, None)),
        (UPGRADE, Response(101), ("websocket", "websocket")),
        (UPGRADE, Response(403), ("websocket", None)),
        (UPGRADE, EVENTS, ("websocket", "events")),
    ],
    ids=["a body", "gRPC", "an error of gRPC", "gRPC without a body", "events", "HEAD", "WebSocket", "none", "other"],
)
def test_what_is_a_stream(request_: Any, response: Response, protocols: tuple[str | None, str | None]) -> None:
    session = open_session(Door(make_route(Listening(lambda message: PASS, limit=9))).policy, request_)
    flows = session.open_request_stream(), session.open_response_stream(response)
    assert tuple(flow.protocol if flow else None for flow in flows) == protocols


def test_what_was_good_goes_on() -> None:
    session, flow = opened(Listening(refuse("12345")))
    good, bad = call(3) + call(4), call(5) + call(1)
    assert flow.receive(good + bad, False, 0.0) == (good, NO)
    assert flow.receive(call(1), True, 0.0) == (b"", None)  # once it is stopped nothing does
    assert (session.action, session.control, session.stopped) == ("deny", "listening", True)
    assert findings(session) == ["listening:refused"]


def test_malformed() -> None:
    session, flow = opened(Listening(refuse("")))
    assert flow.receive(call(3) + b"\xff", False, 0.0) == (call(3), NO)
    session, flow = opened(Listening(refuse("")))
    assert flow.receive(call(3)[:-1], False, 0.0) == (call(3)[:-1], None)
    assert flow.receive(b"", True, 0.0) == (b"", NO)
    assert findings(session) == ["listening:refused"]


def test_monitored() -> None:
    """All that was sent arrives, whatever it is."""
    session, flow = opened(Binding(Listening(refuse("12345"), limit=100, keep=True), monitor=True), request=UPGRADE)
    sent = frame(b"12345") + frame(b"x" * 500) + frame(b"half", final=False) + b"\xff\xffno frame"
    assert flow.receive(sent, False, 0.0) == (sent, None)
    assert flow.receive(b"more", False, 0.0) == (b"more", None)
    assert not flow.between
    assert findings(session) == ["listening:refused?"] * 3


@given(st.binary(max_size=50), st.lists(st.integers(0, 50), max_size=5))
def test_monitored_anything(data: bytes, cuts: list[int]) -> None:
    for request, response in ((UPGRADE, None), (CALL, None), (make_request(), EVENTS)):
        _, flow = opened(Binding(Listening(refuse("12345"), limit=9), monitor=True), request=request, response=response)
        places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
        passed = [flow.receive(data[begin:end], False, 0.0) for begin, end in pairwise(places)]
        passed.append(flow.receive(b"", True, 0.0))
        assert b"".join(part for part, _ in passed) == data
        assert {stop for _, stop in passed} == {None}


def test_a_watcher_that_breaks() -> None:
    session, flow = opened(Listening(breaks))
    passed, stop = flow.receive(call(3), False, 0.0)
    assert (passed, stop and (stop.response.status, stop.closing.code)) == (b"", (503, 1011))
    assert findings(session) == ["listening:control-error"]
    session, flow = opened(Binding(Listening(breaks), failure="open"))
    assert flow.receive(call(3), False, 0.0) == (call(3), None)
    assert findings(session) == ["listening:control-error"]


def test_a_control_that_breaks() -> None:
    class Broken(Control):
        name = "broken"

        def on_request_stream(self, exchange: Exchange, protocol: str) -> Watcher | None:
            raise RuntimeError("the canary in a message")

    _, flow = opened(Broken())
    assert flow.receive(call(3), False, 0.0)[1] is not None


@pytest.mark.parametrize("verdict", [None, True, "pass"])
def test_what_is_no_verdict(verdict: Any) -> None:
    session, flow = opened(Listening(lambda message: verdict))
    assert flow.receive(call(3), False, 0.0)[1] is not None
    assert findings(session) == ["listening:control-error"]


def test_several_watchers() -> None:
    """The least limit holds, and content is kept if one of them reads it."""
    heard: list[Message] = []

    def hears(message: Message) -> Verdict:
        heard.append(message)
        return SAW

    _, flow = opened(Listening(hears, limit=9), Listening(hears, limit=4, keep=True), request=UPGRADE)
    assert flow.limit == 4
    flow.receive(frame(b"1234"), False, 0.0)
    flow.receive(frame(b"12345"), False, 0.0)
    four = Message("text", 4, b"1234")
    assert heard == [four, four, *[Message("text", 5, too_long=True)] * 2]


def test_the_record_tells_of_few() -> None:
    session, flow = opened(Listening(lambda message: SAW))
    flow.receive(call(1) * 100, False, 0.0)
    told = session.close(200, 1.0).findings
    assert len(told) == 21
    assert (told[-1].rule, told[-1].evidence) == ("more-findings", "80 more")


def test_the_reason_is_always_told() -> None:
    session, flow = opened(Listening(lambda message: NO if message.size == 9 else SAW))
    flow.receive(call(1) * 100 + call(9), False, 0.0)
    assert [finding.rule for finding in session.close(200, 1.0).findings[-2:]] == ["refused", "more-findings"]
