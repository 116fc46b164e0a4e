"""The Python half of the filter module: Envoy's hooks, by way of `filter/`, to the engine and back.

Imported by the interpreter that is embedded in Envoy, and only there. Each function runs on Envoy's worker thread and
must neither block nor raise: what raises is answered with 503 by `filter/`.
"""

from __future__ import annotations

import sys
import threading
from time import perf_counter, time
from typing import Any, NamedTuple

from stockade.controls.firewall import TOO_LARGE
from stockade.engine import (
    REQUEST_HEAD,
    Answer,
    Event,
    NotNow,
    Policy,
    RequestBody,
    ResponseBody,
    ResponseHead,
    Route,
    Session,
    drive,
    open_session,
    refuse_unread,
)
from stockade.gateway.envoy._filter import ffi, lib
from stockade.gateway.envoy.relay import open_request_stream, open_response_stream, sift_whole
from stockade.gateway.envoy.stream import (
    ANSWERED,
    FORWARD,
    STREAMS,
    SUSPENDED,
    Stream,
    answer,
    failed,
    pack_names,
    pack_pairs,
    replace_response,
)
from stockade.gateway.envoy.worker import Worker
from stockade.vocabulary import PASS, Ask, Pass, Shortcut, Stop, StoreError, Verdict
from stockade.wire import BadRequest, Headers, Peer, Response, read_request

READ_REQUEST_BODY, READ_RESPONSE, READ_RESPONSE_BODY = 1, 2, 4
READ_REQUEST_STREAM, MAY_READ_RESPONSE_STREAM, MAY_SIFT_RESPONSE = 8, 32, 64
_ROW = 4  # places of a row in the table of a batch
_PLACES = (
    8  # before the headers: direct peer, source, protocol, TLS version, certificate digest, its subject, its names
)

_worker: Worker
_unpack = ffi.unpack
_completions = ffi.new("completion[]", lib.MOST_COMPLETIONS)
_completing = threading.Lock()


@ffi.def_extern(error=-1, onerror=failed)
def stockade_configure(text: Any, length: int) -> int:
    """The filter's configuration: load the policy and connect to the supervisor.

    Envoy configures the filter for every listener, and anew for one that changed; the worker is the same for all.
    """
    global _worker
    if "_worker" not in globals():
        _worker = Worker(_unpack(text, length), complete)
    return FORWARD


@ffi.def_extern(error=-1, onerror=failed)
def stockade_requests(fields: Any, rows: Any, results: Any, count: int) -> int:
    """A batch of request heads; see `batch.h`. A request that fails keeps the result that filter/ gave it: failure."""
    row = iter(_unpack(rows, _ROW * count))
    data = _unpack(fields, rows[_ROW * count - 2])
    begin = 0
    for index in range(count):
        number, own, end, ends = next(row), next(row), next(row), next(row)
        try:
            results[index] = _judge_request(number, data[begin:own], data[own : end - 1], ends)
        except Exception:  # noqa: BLE001 - the others must not suffer
            failed(*sys.exc_info())
        begin = end
    return FORWARD


def _judge_request(number: int, own: bytes, block: bytes, ends: int) -> int:
    """`own` has the target and the id; `block` is read by `_head_of`."""
    started = perf_counter()
    runtime = _worker.runtime
    target, request_id, _ = own.decode("latin-1").split("\0")
    method, scheme, authority, headers, peer, version = _head_of(block, runtime.policy)
    request = read_request(request_id, time(), method, scheme, authority, target, headers, peer, version, not ends)
    if isinstance(request, BadRequest):
        session, stop = refuse_unread(runtime.policy, request.request, request.trouble)
        stream = STREAMS[number] = Stream(number, session)
        answer(stream, stop.response)
        return ANSWERED
    session = open_session(runtime.policy, request)
    stream = STREAMS[number] = Stream(number, session)
    try:
        verdict = drive(session.receive(REQUEST_HEAD), runtime.stores.answer)
    except NotNow as waiting:
        return _suspend(stream, waiting)
    result = _enact_request(stream, verdict)
    stream.engine = perf_counter() - started
    return result


class Head(NamedTuple):
    """What a client's requests have in common, as a rule. Being immutable, it may serve many requests."""

    method: str
    scheme: str
    authority: str
    headers: Headers
    peer: Peer
    version: str


_heads: dict[bytes, Head] = {}
_heads_policy: Policy | None = None  # the one under which the peers in `_heads` were believed
_MOST_HEADS, _LONGEST_HEAD = 512, 4096  # together a bound of a few MiB


def _head_of(block: bytes, policy: Policy) -> Head:
    global _heads_policy
    if policy is not _heads_policy or len(_heads) >= _MOST_HEADS:
        _heads.clear()
        _heads_policy = policy
    head = _heads.get(block)
    if head is None:
        head = _read_head(block.decode("latin-1").split("\0"), policy)
        if len(block) <= _LONGEST_HEAD:
            _heads[block] = head
    return head


def _read_head(places: list[str], policy: Policy) -> Head:
    direct, source, version, tls, certificate, subject, dns, uri = places[:_PLACES]
    names, values = places[_PLACES::2], places[_PLACES + 1 :: 2]
    pseudo = 0
    while names[pseudo][0] == ":":
        pseudo += 1
    special = dict(zip(names[:pseudo], values[:pseudo], strict=True))
    # Who the PROXY protocol says it is (`source`) is believed only where the peer is a trusted proxy of an API.
    believed = source != direct and any(direct in route.trusted_proxies for route in policy.routes)
    return Head(
        special[":method"],
        "https" if tls else "http",  # not what an HTTP/2 client says of it
        special.get(":authority", ""),
        Headers(names[pseudo:], values[pseudo:]),
        Peer(source if believed else direct, tls, certificate, subject, dns, uri),
        version,
    )


def _enact_request(stream: Stream, verdict: Verdict) -> int:
    session = stream.session
    if type(verdict) is Stop:
        answer(stream, verdict.response)
        return ANSWERED
    assert isinstance(verdict, Pass)
    assert verdict.edits is not None
    plan = _plan_of(session)
    limit = 0 if session.exchange.request.is_upgrade else plan.max_body
    flags = plan.flags if session.reads_request_body else plan.flags & ~READ_REQUEST_BODY
    if flags & READ_REQUEST_STREAM:
        if open_request_stream(stream):
            limit = 0  # what is bounded is each message
        else:
            flags &= ~READ_REQUEST_STREAM
    sets, removes = pack_pairs(verdict.edits.set), pack_names(verdict.edits.remove)
    lib.stockade_forward(stream.number, flags, plan.way, limit, sets, len(sets), removes, len(removes))
    return FORWARD


class Plan(NamedTuple):
    """What filter/ must know of a route. It holds the route, whose identity is the key under which it is kept."""

    route: Route
    flags: int
    way: int
    max_body: int


_plans: dict[tuple[int, bool, bool], Plan] = {}
_ways: dict[Shortcut, int] = {}
_MOST_PLANS = 4096


def _plan_of(session: Session) -> Plan:
    route = session.route
    assert route is not None
    exchange = session.exchange
    key = (id(route), exchange.request.scheme == "https", exchange.principal is not None)
    plan = _plans.get(key)
    if plan is None:
        if len(_plans) >= _MOST_PLANS:  # routes of policies long gone
            _plans.clear()
        plan = _plans[key] = _make_plan(route, session.shortcut)
    return plan


def _make_plan(route: Route, shortcut: Shortcut | None) -> Plan:
    flags = (
        (READ_REQUEST_BODY if route.on_request_body else 0)
        | (READ_RESPONSE if route.on_response else 0)
        | (READ_RESPONSE_BODY if route.on_response_body else 0)
        | (READ_REQUEST_STREAM if route.on_request_stream else 0)
        | (MAY_READ_RESPONSE_STREAM if route.on_response_stream else 0)
        | (MAY_SIFT_RESPONSE if route.on_response_pieces else 0)
    )
    if shortcut is None:
        return Plan(route, flags, -1, route.max_body)
    if shortcut not in _ways:
        edits = shortcut.edits
        lists = (pack_pairs(edits.set), *map(pack_names, (edits.remove, shortcut.absent, shortcut.not_media)))
        _ways[shortcut] = lib.stockade_add_shortcut(
            shortcut.below, *(part for text in lists for part in (text, len(text)))
        )
    return Plan(route, flags, _ways[shortcut], route.max_body)


@ffi.def_extern(error=-1, onerror=failed)
def stockade_request_body(number: int, body: Any, length: int) -> int:
    """The whole request body, for controls that read it."""
    started = perf_counter()
    stream = STREAMS[number]
    stream.phase = "body"
    try:
        verdict = drive(stream.session.receive(RequestBody(_unpack(body, length))), _worker.runtime.stores.answer)
    except NotNow as waiting:
        return _suspend(stream, waiting)
    result = _enact_request_body(stream, verdict)
    stream.engine += perf_counter() - started
    return result


def _enact_request_body(stream: Stream, verdict: Verdict) -> int:
    if isinstance(verdict, Stop):
        answer(stream, verdict.response)
        return ANSWERED
    edits = verdict.edits
    if edits is None:
        return FORWARD
    pairs = edits.set
    if edits.body is not None:
        pairs = (*pairs, ("content-length", str(len(edits.body))))
    sets, removes = pack_pairs(pairs), pack_names(edits.remove)
    lib.stockade_edit_request(stream.number, sets, len(sets), removes, len(removes))
    if edits.body is not None:
        lib.stockade_replace_request_body(stream.number, edits.body, len(edits.body))
    return FORWARD


@ffi.def_extern(error=-1, onerror=failed)
def stockade_too_large(number: int) -> int:
    """More of a body arrived than the route takes."""
    stream = STREAMS[number]
    session = stream.session
    assert session.route is not None
    detail = f"The body may have {session.route.max_body} bytes at most."
    verdict = session.refuse("firewall", TOO_LARGE, session.exchange.problem(413, detail))
    answer(stream, verdict.response)
    return ANSWERED


@ffi.def_extern(error=-1, onerror=failed)
def stockade_resume(number: int) -> int:
    """The answer that a suspended stream waited for is there."""
    started = perf_counter()
    stream = STREAMS[number]
    verdict, stream.verdict = stream.verdict, None
    if isinstance(verdict, Exception) or verdict is None:
        raise verdict or RuntimeError("a stream was woken without a verdict")
    if stream.phase == "response":
        result = _enact_response(stream, verdict)
    elif stream.phase == "head":
        result = _enact_request(stream, verdict)
    else:
        result = _enact_request_body(stream, verdict)
    stream.engine += perf_counter() - started
    return result


def _suspend(stream: Stream, waiting: NotNow) -> int:
    _worker.wait(waiting, stream, lib.stockade_scheduler(stream.number))
    return SUSPENDED


@ffi.def_extern(error=-1, onerror=failed)
def stockade_response(number: int, fields: Any, length: int, may_wait: int) -> int:
    """The response head, for controls that read it."""
    stream = STREAMS[number]
    places = _unpack(fields, length).decode("latin-1").split("\0")
    # Envoy keeps pseudo-headers in front, and a response has just one: ":status".
    response = Response(int(places[1]), Headers(places[2::2], places[3::2]))
    stream.response = response
    return _judge_response(stream, ResponseHead(response), may_wait)


def _judge_response(stream: Stream, event: Event, may_wait: int) -> int:
    started = perf_counter()
    stream.phase = "response"
    answer = _worker.runtime.stores.answer
    try:
        verdict = drive(stream.session.receive(event), answer if may_wait else _at_once(answer))
    except NotNow as waiting:
        return _suspend(stream, waiting)
    result = _enact_response(stream, verdict)
    stream.engine += perf_counter() - started
    return result


def _at_once(answer: Answer) -> Answer:
    """The same where Envoy can be kept waiting no more (see `may_wait` in filter/): the store counts as dead."""

    def answer_at_once(ask: Ask[Any]) -> Any:
        try:
            return answer(ask)
        except NotNow:
            raise StoreError("there is no time to wait for an answer") from None

    return answer_at_once


def _enact_response(stream: Stream, verdict: Verdict) -> int:
    response, stream.response = stream.response, None
    if response is None:
        verdict = sift_whole(stream, verdict)
    elif not (isinstance(verdict, Stop) or (verdict.edits is not None and verdict.edits.replace is not None)):
        open_response_stream(stream, response)
        route = stream.session.route
        if route is not None and route.on_response_body and not stream.session.reads_response_body:
            lib.stockade_let_response_go(stream.number)
    if verdict is PASS:
        return FORWARD
    if isinstance(verdict, Stop):
        return replace_response(stream, verdict.response)
    edits = verdict.edits
    if edits is None:
        return FORWARD
    if edits.replace is not None:
        return replace_response(stream, edits.replace)
    pairs = edits.set
    if edits.body is not None:
        pairs = (*pairs, ("content-length", str(len(edits.body))))
    sets, removes = pack_pairs(pairs), pack_names(edits.remove)
    lib.stockade_edit_response(stream.number, sets, len(sets), removes, len(removes))
    if edits.body is not None and lib.stockade_replace_body(stream.number, edits.body, len(edits.body)) != 0:
        return -1
    return FORWARD


@ffi.def_extern(error=-1, onerror=failed)
def stockade_response_body(number: int, body: Any, length: int, may_wait: int) -> int:
    """The whole response body, for controls that read it. Its head is not sent yet."""
    return _judge_response(STREAMS[number], ResponseBody(_unpack(body, length)), may_wait)


@ffi.def_extern(onerror=failed)
def stockade_completed() -> None:
    """So many streams are over that it is worth the visit."""
    complete(wait=True)


def complete(wait: bool = False) -> None:
    """Close the sessions of the streams that are over, well or badly. From either thread; one at a time is enough."""
    if not _completing.acquire(blocking=wait):
        return
    try:
        count = lib.stockade_take_completions(_completions)
        for index in range(count):
            done = _completions[index]
            stream = STREAMS.pop(done.number, None)
            if stream is None:
                continue
            upstream_ms = round(done.upstream_ns / 1e6, 3) if done.upstream_ns >= 0 else None
            duration_ms = round(done.duration_ns / 1e6, 3)
            _worker.runtime.finish(stream.session, done.status or 499, duration_ms, upstream_ms, stream.engine)
    finally:
        _completing.release()
