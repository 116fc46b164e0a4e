"""A control for tests that reads bodies, waits, and breaks on demand.

It is on every API whose name begins with `probe`; `probe-open` and `probe-monitor` are enforced as they say. A request
orders what goes wrong with `x-probe`.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from importlib import import_module
from typing import Any

from stockade.config.site import Site
from stockade.engine import Binding, Event, NotNow, Session
from stockade.stores import Stores
from stockade.vocabulary import (
    PASS,
    Ask,
    Asking,
    Control,
    Edits,
    Exchange,
    Finding,
    Pass,
    Stop,
    StoreError,
    Verdict,
)
from stockade.wire import Headers, Response

CANARY = "canary-in-an-exception"


class Pause(Ask[None], frozen=True, gc=False):
    """A question whose answer takes its time."""


class Probe(Control):
    name = "probe"

    def on_request(self, exchange: Exchange) -> Verdict | Asking[Verdict]:
        if exchange.request.headers.get("x-probe") == "peer":
            peer = exchange.request.peer
            said = f"{peer.tls} {peer.certificate} {peer.subject}"
            return Pass((Finding("peer", evidence=said, severity="info"),))
        return self._obey(exchange, "head")

    def on_request_body(self, exchange: Exchange) -> Verdict | Asking[Verdict]:
        body = exchange.request_body
        if b"forbidden" in body:
            return Stop(exchange.problem(403, "This body is forbidden."), (Finding("body-forbidden", where="body"),))
        return self._obey(exchange, "body", Pass((_saw("request-body", body),)))

    def on_response(self, exchange: Exchange) -> Verdict | Asking[Verdict]:
        return self._obey(exchange, "response")

    def on_response_body(self, exchange: Exchange) -> Verdict | Asking[Verdict]:
        body = exchange.response_body
        seen = (_saw("response-body", body),)
        if b"rewrite me" in body:
            assert exchange.response is not None
            kept = [pair for pair in exchange.response.headers if pair[0] != "content-length"]
            rewritten = Response(exchange.response.status, Headers.of(kept), body.replace(b"rewrite me", b"rewritten"))
            return Pass(seen, edits=Edits(replace=rewritten))
        if b"never say this" in body:
            return Stop(exchange.problem(502, "The answer was unfit."), (Finding("response-forbidden", where="body"),))
        return self._obey(exchange, "response-body", Pass(seen))

    def _obey(self, exchange: Exchange, phase: str, otherwise: Verdict = PASS) -> Verdict | Asking[Verdict]:
        orders = (exchange.request.headers.get("x-probe") or "").split()
        if f"raise-{phase}" in orders:
            raise RuntimeError(CANARY)
        if f"store-{phase}" in orders:
            raise StoreError(CANARY)
        if f"wait-{phase}" in orders:
            return self._wait(otherwise)
        return otherwise

    def _wait(self, otherwise: Verdict) -> Asking[Verdict]:
        yield Pause()
        found = Finding("waited", severity="info")
        assert isinstance(otherwise, Pass)
        return Pass((*otherwise.findings, found))


def _saw(rule: str, body: bytes) -> Finding:
    digest = hashlib.sha256(body).hexdigest()[:8]
    return Finding(rule, evidence=f"{len(body)} {digest}", severity="info")


def evidence(body: bytes) -> str:
    """What the control says of a body that it saw whole."""
    return _saw("", body).evidence


def _make(site: Site) -> list[Binding]:
    name = site.api.name
    if not name.startswith("probe"):
        return []
    return [Binding(Probe(), name == "probe-monitor", "open" if name == "probe-open" else "closed", site.where("name"))]


def install(put: Callable[[Any, str, Any], None] = setattr) -> None:
    """Add the control to the catalogue, and someone who answers its question."""
    answer, answer_later = Stores.answer, Stores.answer_later

    def answer_or_wait(self: Stores, ask: Ask[Any]) -> Any:
        if isinstance(ask, Pause):
            raise NotNow
        return answer(self, ask)

    async def wait(self: Stores, ask: Ask[Any]) -> Any:
        return await asyncio.sleep(0.02) if isinstance(ask, Pause) else await answer_later(self, ask)

    receive = Session.receive

    def receive_or_break(self: Session, event: Event) -> Any:
        """A bug outside of every control: `break-RequestHead` and so on."""
        if f"break-{type(event).__name__}" in (self.exchange.request.headers.get("x-probe") or "").split():
            raise RuntimeError(CANARY)
        return receive(self, event)

    building = import_module("stockade.config.build")  # the package has a function of that name
    put(building, "CATALOGUE", (*building.CATALOGUE, ("probe", _make)))
    put(Session, "receive", receive_or_break)
    put(Stores, "answer", answer_or_wait)
    put(Stores, "answer_later", wait)
