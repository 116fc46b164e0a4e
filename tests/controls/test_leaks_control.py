"""The control `leaks` in a session, without a door."""

from __future__ import annotations

from typing import Any

import pytest

from stockade.controls.leaks import LeakRule, Leaks
from stockade.detectors import DETECTORS, Action
from stockade.engine import (
    REQUEST_HEAD,
    Binding,
    Policy,
    ResponseHead,
    Route,
    Session,
    Sifting,
    Upstream,
    drive,
    open_session,
)
from stockade.operations import OperationTable
from stockade.vocabulary import Record, Sieve, Stop, Verdict
from stockade.wire import Headers, Response
from tests.exchanges import make_request

SECRET = b"AKIA" + b"IOSFODNN7EXAMPLE"
MASK: dict[str, Action] = dict.fromkeys(DETECTORS, "mask")
BLOCK: dict[str, Action] = dict.fromkeys(DETECTORS, "block")


def route(binding: Binding) -> Route:
    return Route.compile([binding], api="shop", hosts=("*",), prefix="/", upstream=Upstream("shop", "http://shop.test"))


def leaks(actions: dict[str, Action], **fields: Any) -> Leaks:
    return Leaks([LeakRule(actions)], hold=1000, **fields)


def session(control: Leaks, method: str = "GET", **fields: Any) -> Session:
    binding = Binding(control, **fields)
    return open_session(Policy([route(binding)]), make_request(method, "/users/1"))


def answered(of: Session, status: int = 200, **headers: str) -> tuple[Verdict, Any]:
    """What is said of a head, and the stream that its body goes past."""
    drive(of.receive(REQUEST_HEAD), lambda ask: None)
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    response = Response(status, Headers.of(pairs))
    return drive(of.receive(ResponseHead(response)), lambda ask: None), of.open_response_stream(response)


def closed(of: Session) -> Record:
    return of.close(200, 1.0)


def test_a_body_in_pieces_is_masked_and_counted() -> None:
    one = session(leaks(MASK))
    _, stream = answered(one, content_type="application/json")
    assert isinstance(stream, Sifting)
    passed = b"".join(stream.receive(piece, False, 0.0)[0] for piece in (b'{"a":"AKIAIOSFO', b"DNN7EXAMPLE", b'"}'))
    rest, stop = stream.receive(b"", True, 0.0)
    assert (passed + rest, stop) == (b'{"a":"' + b"*" * 20 + b'"}', None)
    (finding,) = closed(one).findings
    assert (finding.rule, finding.evidence, finding.offset) == ("tokens", "mask: 1 time, 20 bytes", 6)


def test_a_block_stops_and_says_why() -> None:
    one = session(leaks(BLOCK))
    _, stream = answered(one)
    passed, stop = stream.receive(SECRET, True, 0.0)
    assert passed == b""
    assert stop.response.status == 502
    record = closed(one)
    assert (record.action, record.control) == ("deny", "leaks")
    assert [finding.rule for finding in record.findings] == ["tokens"]


def test_a_watching_control_changes_nothing() -> None:
    one = session(leaks(BLOCK), monitor=True)
    _, stream = answered(one)
    assert stream.hold == 0
    assert stream.receive(SECRET, True, 0.0) == (SECRET, None)
    (finding,) = closed(one).findings
    assert finding.monitor


@pytest.mark.parametrize(("failure", "passes"), [("closed", b""), ("open", b"abc")])
def test_a_sieve_that_breaks(failure: str, passes: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Sieve):
        def feed(self, data: bytes, ends: bool) -> tuple[bytes, Stop | None]:
            raise ValueError("a bug")

    monkeypatch.setattr(Leaks, "on_response_pieces", lambda self, exchange: Broken())
    one = session(leaks(MASK), failure=failure)
    _, stream = answered(one)
    passed, stop = stream.receive(b"abc", False, 0.0)
    assert passed == passes
    assert (stop is None) == (failure == "open")
    assert [finding.rule for finding in closed(one).findings] == ["control-error"]


@pytest.mark.parametrize(
    ("status", "headers"),
    [(204, {}), (304, {}), (200, {"content_type": "image/png"}), (200, {"content_type": "application/grpc"})],
)
def test_what_passes_unread(status: int, headers: dict[str, Any]) -> None:
    assert answered(session(leaks(MASK)), status, **headers)[1] is None
    assert answered(session(leaks(MASK), "HEAD"), **headers)[1] is None


@pytest.mark.parametrize(
    ("coding", "encoded", "status"), [("br", "block", 502), ("zstd", "pass", None), ("gzip, br", "block", 502)]
)
def test_codings_that_cannot_be_read(coding: str, encoded: Any, status: int | None) -> None:
    one = session(leaks(MASK, encoded=encoded))
    verdict, stream = answered(one, content_encoding=coding)
    assert (verdict.response.status if isinstance(verdict, Stop) else None) == status
    assert stream is None
    assert [finding.rule for finding in closed(one).findings] == ["encoded"]


def test_the_first_rule_that_fits_counts() -> None:
    own = LeakRule({}, OperationTable(["GET /users/{id}"]))
    control = Leaks([own, LeakRule(MASK)], hold=0)
    assert answered(session(control))[1] is None
    other = open_session(Policy([route(Binding(control))]), make_request("GET", "/orders"))
    assert isinstance(answered(other)[1], Sifting)


def test_a_body_that_was_read_whole() -> None:
    one = session(leaks(MASK))
    drive(one.receive(REQUEST_HEAD), lambda ask: None)
    body, stop = one.sift(b'{"a":"%s"}' % SECRET, Response(200, Headers.of([])), 0.0)
    assert (body, stop) == (b'{"a":"' + b"*" * 20 + b'"}', None)
