"""`Session`: the fold of one exchange over its route's controls.

Mode (`block`, `monitor`) and failure (`closed`, `open`) live here alone, so that no control can forget them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from msgspec import UNSET, Struct
from msgspec.structs import replace

from stockade.engine.bodies import has_whole_body, is_sifted, wants_body, wants_request_body
from stockade.engine.editing import joined, merged, with_headers
from stockade.engine.events import Event, RequestBody, RequestHead, ResponseHead
from stockade.engine.flow import Flow
from stockade.engine.forwarding import client_of, forwarding
from stockade.engine.policy import Binding, Hook, Phase, Policy, Route, StreamHook
from stockade.engine.records import logged, shown, shown_method, timestamp
from stockade.engine.sifting import Sifting
from stockade.messages import Protocol, request_protocol, response_protocol
from stockade.operations import method_name
from stockade.redaction import excerpt, redact_path
from stockade.vocabulary import (
    PASS,
    Action,
    Asking,
    Closing,
    Edits,
    Exchange,
    Finding,
    Pass,
    Record,
    Shortcut,
    Stop,
    Verdict,
)
from stockade.wire import Request, Response

_VERDICTS = frozenset((Pass, Stop))
_MOST_HEARD = 20  # findings of the messages of a stream that the record tells; the rest is counted
_INTERNAL_ERROR = 1011  # of a WebSocket (RFC 6455, section 7.4.1)

Observer: TypeAlias = Callable[[str, Binding, Verdict], None]
Steps: TypeAlias = Asking[Verdict]


def open_session(
    policy: Policy, request: Request, observe: Observer | None = None, route: Route | None = None
) -> Session:
    """Pick the request's route (unless it is given), once, and begin.

    observe: is told each control's verdict (see `stockade explain`).
    """
    route = route or policy.route(request.authority, request.path)
    if route is None:
        return _unrouted(policy, request)
    operation = route.operations.name(request.method, request.path)
    return Session(policy, route, Exchange(request, route.api, operation, client_of(request, route)), observe)


def _unrouted(policy: Policy, request: Request) -> Session:
    return Session(policy, None, Exchange(request, "", method_name(request.method), request.peer.address))


def refuse_unread(policy: Policy, request: Request, trouble: str) -> tuple[Session, Stop]:
    """Refuse a request whose target is ambiguous: it has no route, but it has a record."""
    session = _unrouted(policy, request)
    finding = Finding("bad-target", where="target", evidence=excerpt(redact_path(request.path)), severity="medium")
    detail = f"{trouble[0].upper()}{trouble[1:]}."
    return session, session.refuse("routing", finding, session.exchange.problem(400, detail))


class Session(Struct, eq=False):
    """One exchange. Feed it events with `receive`, run what comes back with a driver, `close` it at the end."""

    _policy: Policy
    route: Route | None
    exchange: Exchange
    _observe: Observer | None = None
    action: Action = "allow"
    control: str | None = None
    stopped: bool = False
    _decided: str = ""
    _findings: list[Finding] = []
    _heard: int = 0  # findings of messages
    _sifting: Sifting | None = None

    @property
    def reads_request_body(self) -> bool:
        """Whether the door must collect the request body and feed it as `RequestBody`."""
        route = self.route
        if route is None or not route.on_request_body or self.stopped:
            return False
        if not has_whole_body(self.exchange, route):
            return False
        return any(wants_request_body(binding.control, self.exchange) for binding, _ in route.on_request_body)

    @property
    def reads_response(self) -> bool:
        """Whether the door must feed the response head."""
        route = self.route
        return route is not None and bool(route.on_response or route.on_response_body) and not self.stopped

    @property
    def shortcut(self) -> Shortcut | None:
        """What `on_response` would say of an ordinary response, where all its controls promise it."""
        route = self.route
        if route is None:
            return None
        scheme = "https" if self.exchange.request.scheme == "https" else "http"
        return route.shortcuts.get((scheme, self.exchange.principal is not None))

    @property
    def reads_response_body(self) -> bool:
        """Whether the door must hold the response, whose head it has fed, and feed its body."""
        route = self.route
        return route is not None and bool(route.on_response_body) and not self.stopped and bool(self._readers(route))

    def _readers(self, route: Route) -> tuple[tuple[Binding, Hook], ...]:
        """Who wants the body of the response. A control that cannot say is asked, and its answer judged like any."""
        return tuple(hook for hook in route.on_response_body if wants_body(hook[0].control, self.exchange))

    def receive(self, event: Event) -> Steps:
        """The steps that this event sets off: a generator of Asks that ends in the verdict for the door.

        `Pass.edits` are for the head of the message that is passed on; `Stop.response` is to be sent instead.
        """
        route = self.route
        if route is None:
            return self._nowhere()
        kind = type(event)
        if kind is RequestHead:
            if route.on_request_body and not has_whole_body(self.exchange, route):
                return self._fold(route, route.on_request_alone, "on_request")
            return self._fold(route, route.on_request, "on_request")
        if kind is ResponseHead:
            self.exchange.response = event.response  # type: ignore[union-attr]
            return self._fold(route, route.on_response, "on_response")
        if kind is RequestBody:
            self.exchange.request_body = event.body  # type: ignore[union-attr]
            return self._fold(route, route.on_request_body, "on_request_body")
        self.exchange.response_body = event.body  # type: ignore[union-attr]
        readers = self._readers(route)
        if any(binding.control.seals for binding, _ in readers):
            return self._fold_and_seal(route, readers)
        return self._fold(route, readers, "on_response_body")

    def _nowhere(self) -> Steps:
        finding = Finding("no-api", where="path", severity="low", control="routing")
        self._findings.append(finding)
        return self._end("routing", Stop(self.exchange.problem(404, "No API is served here."), ()))
        yield  # a generator like every other, though it asks nothing

    def _fold(self, route: Route, hooks: tuple[tuple[Binding, Hook], ...], phase: Phase) -> Steps:
        """Ask each control in turn; the first Stop that is enforced ends it."""
        kept: list[Edits] = []
        exchange, observe = self.exchange, self._observe
        for binding, hook in hooks:
            try:
                verdict = hook(exchange)
                if verdict is not PASS and type(verdict) not in _VERDICTS:
                    verdict = yield from verdict
                    if verdict is not PASS and type(verdict) not in _VERDICTS:
                        raise TypeError("a hook must return Pass or Stop")  # noqa: TRY301 - the control's error
            except Exception as error:  # noqa: BLE001 - whatever a control does wrong, the policy says what follows
                verdict = self._control_error(binding, error)
            if observe is not None:
                observe(phase, binding, verdict)
            if verdict is PASS:
                continue
            if type(verdict) is Stop:
                ended = self._stop(binding, verdict)
                if ended is not None:
                    return ended
            else:
                assert isinstance(verdict, Pass)
                self._pass(phase, binding, verdict, kept)
        if phase == "on_request":
            return Pass((), None, forwarding(self.exchange, route, kept))
        return PASS if not kept else Pass((), None, merged(kept))

    def _fold_and_seal(self, route: Route, hooks: tuple[tuple[Binding, Hook], ...]) -> Steps:
        """Those that seal come after the sieves; what is sent in place of the body that came is not sealed."""
        exchange = self.exchange
        first = tuple(hook for hook in hooks if not hook[0].control.seals)
        verdict: Verdict = yield from self._fold(route, first, "on_response_body")
        edits = (verdict.edits or Edits()) if isinstance(verdict, Pass) else None
        if edits is None or edits.replace is not None:
            return verdict
        assert exchange.response is not None
        body, stop = self.sift(exchange.response_body, exchange.response, exchange.request.at)
        if stop is not None:
            return stop
        if body != exchange.response_body:
            exchange.response_body = body
            edits = joined((edits, Edits(body=body)))
        last = tuple(hook for hook in hooks if hook[0].control.seals)
        verdict = yield from self._fold(route, last, "on_response_body")
        if isinstance(verdict, Stop):
            return verdict
        return Pass(edits=joined((edits, verdict.edits or Edits())))

    def _pass(self, phase: Phase, binding: Binding, verdict: Pass, kept: list[Edits]) -> None:
        self._learn(verdict)
        if verdict.decided:
            self._decided += f" {binding.control.name}:{verdict.decided}"
        if verdict.edits is not None and not binding.monitor:
            kept.append(verdict.edits)
            if verdict.request is not None or verdict.edits.body is not None:
                self._change(phase, verdict, verdict.edits)
        if verdict.findings:
            self._note(binding, verdict.findings)

    def _learn(self, verdict: Pass) -> None:
        """What a control has found out, for those after it."""
        exchange = self.exchange
        if verdict.principal is not None:
            exchange.principal = verdict.principal
        if verdict.operation is not None:
            exchange.operation, exchange.calls = verdict.operation, verdict.calls
        if verdict.proofs is not None:
            exchange.proofs = verdict.proofs
        if verdict.texts is not None:
            exchange.texts = verdict.texts
        if verdict.unknown is not None:
            exchange.unknown = verdict.unknown
        if verdict.risk > exchange.risk:
            exchange.risk = verdict.risk

    def _change(self, phase: Phase, verdict: Pass, edits: Edits) -> None:
        """What the next control judges."""
        exchange = self.exchange
        if verdict.request is not None:
            exchange.request = verdict.request
        if edits.body is not None and phase == "on_response_body":
            exchange.response_body = edits.body
        elif edits.body is not None:
            exchange.request_body = edits.body

    def _stop(self, binding: Binding, verdict: Stop) -> Stop | None:
        """The Stop for the door, or None where the control only watches."""
        self._note(binding, verdict.findings)
        if verdict.operation is not None:
            self.exchange.operation = verdict.operation
        return None if binding.monitor else self._end(binding.control.name, verdict)

    def _end(self, control: str, verdict: Stop) -> Stop:
        self.stopped = True
        self.action = verdict.action
        self.control = control
        route = self.route
        if route is not None and (route.own_headers or route.dressers):
            request = self.exchange.request
            more = tuple(pair for control in route.dressers for pair in control.own_response_headers(request))
            verdict = replace(verdict, response=with_headers(verdict.response, (*more, *route.own_headers)))
        return verdict

    def _note(self, binding: Binding, findings: tuple[Finding, ...]) -> None:
        name, monitor = binding.control.name, binding.monitor
        for finding in findings:
            self._findings.append(replace(finding, control=name, monitor=monitor, policy=binding.where(finding.rule)))

    def _control_error(self, binding: Binding, error: Exception) -> Verdict:
        """A control that broke, or whose store did: a finding, and the outcome that the policy chose."""
        finding = Finding("control-error", evidence=type(error).__name__, severity="critical")
        if binding.failure == "open" or binding.monitor:
            return Pass(findings=(finding,))
        detail = "The request could not be checked. Try again later."
        response = self.exchange.problem(503, detail, ("retry-after", "5"))
        return Stop(response, (finding,), closing=Closing(_INTERNAL_ERROR, detail))

    # Streams.

    def open_request_stream(self) -> Flow | None:
        """Past which watchers the client's messages must go, once its head has passed; None: past none."""
        route = self.route
        if route is None or not route.on_request_stream or self.stopped:
            return None
        return self._watch(route.on_request_stream, request_protocol(self.exchange.request), from_client=True)

    def open_response_stream(self, response: Response) -> Flow | Sifting | None:
        """The same for the upstream's, whose head this is; a body that comes in pieces goes past sieves as well.

        A body that controls read whole is sifted after them: see `sift`.
        """
        route = self.route
        if route is None or self.stopped or not (route.on_response_stream or route.on_response_pieces):
            return None
        exchange = self.exchange
        exchange.response = exchange.response or response
        protocol = response_protocol(exchange.request, exchange.response)
        flow = self._watch(route.on_response_stream, protocol, from_client=False)
        if not is_sifted(exchange, protocol) or (protocol is None and self.reads_response_body):
            return flow
        self._sifting = Sifting.open(self, route.on_response_pieces, flow)
        return self._sifting or flow

    def sift(self, body: bytes, response: Response, at: float) -> tuple[bytes, Stop | None]:
        """A body that controls have read whole, or have made, past the sieves. `response` has its head."""
        route = self.route
        if route is None or self.stopped or not route.on_response_pieces or self._sifting is not None:
            return body, None
        was, self.exchange.response = self.exchange.response, response
        self._sifting = Sifting.open(self, route.on_response_pieces, None)
        self.exchange.response = was
        return self._sifting.receive(body, True, at) if self._sifting is not None else (body, None)

    def _watch(
        self, hooks: tuple[tuple[Binding, StreamHook], ...], protocol: Protocol | None, *, from_client: bool
    ) -> Flow | None:
        if protocol is None:
            return None
        return Flow.open(self, hooks, protocol, from_client=from_client)

    def weigh(self, binding: Binding, verdict: Verdict | Exception) -> Stop | None:
        """What is done after a watcher spoke, or broke: the Stop for the door, or None."""
        if isinstance(verdict, Exception):
            verdict = self._control_error(binding, verdict)
        if isinstance(verdict, Stop) and not binding.monitor:
            return self._stop(binding, verdict)
        self._heard += len(verdict.findings)
        if self._heard <= _MOST_HEARD:
            self._note(binding, verdict.findings)
        return None

    def refuse(self, control: str, finding: Finding, response: Response) -> Stop:
        """A door's own refusal (a body over the limit, say), on the record like a control's."""
        bindings = self.route.bindings if self.route is not None else ()
        lines = [binding.where(finding.rule) for binding in bindings if binding.control.name == control]
        self._findings.append(replace(finding, control=control, policy=lines[0] if lines else ""))
        return self._end(control, Stop(response, ()))

    def close(self, status: int, duration_ms: float, upstream_ms: float | None = None, worker: int = 0) -> Record:
        """The record of what happened; the exchange is over."""
        exchange = self.exchange
        request, principal = exchange.request, exchange.principal
        for binding, noticed in self._sifting.tally() if self._sifting is not None else ():
            self._note(binding, noticed)
        if self._heard > _MOST_HEARD:
            more = f"{self._heard - _MOST_HEARD} more"
            self._findings.append(Finding("more-findings", evidence=more, severity="info", control="messages"))
        return Record(
            timestamp(request.at),
            request.id,
            exchange.api,
            exchange.operation,
            exchange.client,
            shown(principal.id) if principal is not None else None,
            shown_method(request.method),
            redact_path(request.path),
            status,
            self.action,
            self.control,
            tuple(self._findings),
            logged(request.headers, self._policy.logged_headers),
            duration_ms,
            upstream_ms,
            worker,
            self._decided[1:] or UNSET,
        )
