"""The engine without a network: what would be decided about a request, and why. For `explain` and `replay`."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from msgspec import Struct

from stockade.config import Built, Loaded
from stockade.engine import (
    REQUEST_HEAD,
    Binding,
    NotNow,
    RequestBody,
    Session,
    drive,
    open_session,
    refuse_unread,
    resume,
)
from stockade.engine.policy import Route
from stockade.gateway.onlooker import Onlooker
from stockade.gateway.runtime import Runtime
from stockade.vocabulary import Action, Ask, Asking, Finding, Pass, Principal, Stop, Verdict
from stockade.wire import BadRequest, Request, Response


class Said(Struct, frozen=True):
    """What one control said. `verdict`: pass, stop, or "would stop" where it only watches."""

    control: str
    phase: str
    verdict: str
    findings: tuple[Finding, ...]
    policy: str
    decided: str = ""  # the rule that let it pass


class Decision(Struct, frozen=True):
    """What would be done with a request, and who said what on the way; `unheard` controls were not reached."""

    action: Action
    status: int | None  # None: whatever the upstream answers
    control: str | None
    api: str
    operation: str
    template: str  # the operation as method and path have it, even where the body says more (GraphQL)
    client: str
    principal: str | None
    said: tuple[Said, ...]
    unheard: tuple[str, ...]
    response: Response | None


class Answering(Protocol):
    """Who answers what controls ask, at once or later."""

    def answer(self, ask: Ask[Any]) -> Any: ...
    async def answer_later(self, ask: Ask[Any]) -> Any: ...


class DryRun:
    """A runtime that writes no log, and nothing into a store (see `onlooker`), and makes no database.

    Counters begin empty and then count what is decided here: rates, and the nonces and ids that are good once.

    Must not be used inside an event loop: it has one of its own, for answers that must be waited for.
    """

    def __init__(self, loaded: Loaded, built: Built) -> None:
        """loaded: passive, else building has made the keys that were missing.

        Raises StoreError when the key store cannot be opened.
        """
        self._runtime = Runtime(loaded, built, passive=True)
        self._answers: Answering = Onlooker(self._runtime.stores)
        self._loop = asyncio.Runner()
        self.policy = self._runtime.policy

    def decide(
        self, request: Request, body: bytes = b"", route: Route | None = None, who: Principal | None = None
    ) -> Decision:
        """Decide about one request. `route` and `who` stand in for what a recording no longer tells."""
        said: list[Said] = []
        heard: set[int] = set()

        def observe(phase: str, binding: Binding, verdict: Verdict) -> None:
            heard.add(id(binding))
            said.append(_said(phase, binding, verdict))

        session = open_session(self.policy, request, observe, route)
        session.exchange.principal = who
        verdict = self._drive(session.receive(REQUEST_HEAD))
        if session.reads_request_body:
            verdict = self._drive(session.receive(RequestBody(body)))
        # Who wants no such body is not asked: that is no matter where the request goes on.
        unheard = _unheard(session.route, heard) if isinstance(verdict, Stop) else ()
        return _decision(session, verdict, tuple(said), unheard)

    def refuse(self, bad: BadRequest) -> Decision:
        """What is done with a request that two servers could read differently: it has no route."""
        session, stop = refuse_unread(self.policy, bad.request, bad.trouble)
        finding = session.close(stop.response.status, 0.0).findings[-1]
        return _decision(session, stop, (Said("routing", "on_request", "stop", (finding,), ""),), ())

    def _drive(self, steps: Asking[Verdict]) -> Verdict:
        try:
            return drive(steps, self._answers.answer)
        except NotNow as waiting:
            verdict: Verdict = self._loop.run(resume(waiting, self._answers.answer_later))
            return verdict

    def close(self) -> None:
        self._loop.close()
        self._runtime.close()


def _decision(session: Session, verdict: Verdict, said: tuple[Said, ...], unheard: tuple[str, ...]) -> Decision:
    response = verdict.response if isinstance(verdict, Stop) else None
    exchange = session.exchange
    return Decision(
        action=session.action,
        status=response.status if response is not None else None,
        control=session.control,
        api=exchange.api,
        operation=exchange.operation,
        template=_template(session),
        client=exchange.client,
        principal=exchange.principal.id if exchange.principal is not None else None,
        said=said,
        unheard=unheard,
        response=response,
    )


def _template(session: Session) -> str:
    request, route = session.exchange.request, session.route
    return session.exchange.operation if route is None else route.operations.name(request.method, request.path)


def _said(phase: str, binding: Binding, verdict: Verdict) -> Said:
    stops = isinstance(verdict, Stop)
    findings = verdict.findings
    decided = verdict.decided if isinstance(verdict, Pass) else ""
    line = binding.where(findings[-1].rule if findings else decided)
    text = "pass" if not stops else "would stop" if binding.monitor else "stop"
    return Said(binding.control.name, phase, text, findings, line, decided)


def _unheard(route: Route | None, heard: set[int]) -> tuple[str, ...]:
    if route is None:
        return ()
    bindings = {id(binding): binding for binding, _ in (*route.on_request, *route.on_request_body)}
    return tuple(binding.control.name for key, binding in bindings.items() if key not in heard)
