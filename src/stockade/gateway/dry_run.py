"""The engine without a network: what would be decided about a request, and why. For `explain` and `replay`."""

from __future__ import annotations

import asyncio
from typing import Any

from msgspec import Struct

from stockade.config import Built, Loaded
from stockade.engine import REQUEST_HEAD, Binding, RequestBody, Session, drive_async
from stockade.engine.policy import Route
from stockade.gateway.runtime import Runtime
from stockade.vocabulary import Action, Finding, Principal, Stop, Verdict
from stockade.wire import Request, Response


class Said(Struct, frozen=True):
    """What one control said. `verdict`: pass, stop, or "would stop" where it only watches."""

    control: str
    phase: str
    verdict: str
    findings: tuple[Finding, ...]
    policy: str


class Decision(Struct, frozen=True):
    """What would be done with a request, and who said what on the way; `unheard` controls were not reached."""

    action: Action
    status: int | None  # None: whatever the upstream answers
    control: str | None
    api: str
    operation: str
    client: str
    principal: str | None
    said: tuple[Said, ...]
    unheard: tuple[str, ...]
    response: Response | None


class DryRun:
    """A runtime that writes no log. Counters begin empty and then count what is decided here."""

    def __init__(self, loaded: Loaded, built: Built) -> None:
        self._runtime = Runtime(loaded, built, journal=False)
        self.policy = self._runtime.policy

    def decide(self, request: Request, body: bytes = b"", route: Route | None = None, who: Principal | None = None) -> Decision:
        """Decide about one request. `route` and `who` stand in for what a recording no longer tells."""
        return asyncio.run(self.decide_async(request, body, route, who))

    async def decide_async(
        self, request: Request, body: bytes = b"", route: Route | None = None, who: Principal | None = None
    ) -> Decision:
        said: list[Said] = []
        heard: set[int] = set()

        def observe(phase: str, binding: Binding, verdict: Verdict) -> None:
            heard.add(id(binding))
            said.append(_said(phase, binding, verdict))

        route = route or self.policy.route(request.authority, request.path)
        session = Session(self.policy, route, request, observe)
        session.exchange.principal = who
        answer = self._runtime.stores.answer_later
        verdict: Any = await drive_async(session.receive(REQUEST_HEAD), answer)
        if session.reads_request_body:
            verdict = await drive_async(session.receive(RequestBody(body)), answer)
        response = verdict.response if isinstance(verdict, Stop) else None
        return Decision(
            session.action,
            response.status if response is not None else None,
            session.control,
            session.exchange.api,
            session.exchange.operation,
            session.exchange.client,
            session.exchange.principal.id if session.exchange.principal is not None else None,
            tuple(said),
            _unheard(route, heard),
            response,
        )

    def close(self) -> None:
        self._runtime.close()


def _said(phase: str, binding: Binding, verdict: Verdict) -> Said:
    stops = isinstance(verdict, Stop)
    findings = verdict.findings
    line = binding.where(findings[-1].rule) if findings else binding.line
    text = "pass" if not stops else "would stop" if binding.monitor else "stop"
    return Said(binding.control.name, phase, text, findings, line)


def _unheard(route: Route | None, heard: set[int]) -> tuple[str, ...]:
    if route is None:
        return ()
    hooks = (*route.on_request, *route.on_request_body)
    return tuple(binding.control.name for binding, _ in hooks if id(binding) not in heard)
