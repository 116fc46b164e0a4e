"""Requests, exchanges and small controls for the tests of engine, controls and journal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import GeneratorType
from typing import Any, ClassVar

from stockade.engine import (
    REQUEST_HEAD,
    Binding,
    Policy,
    RequestBody,
    ResponseBody,
    ResponseHead,
    Route,
    Session,
    Upstream,
    drive,
    open_session,
)
from stockade.vocabulary import Ask, Control, Exchange, Stop, Verdict
from stockade.wire import Headers, Peer, Request, Response

AT = 1_763_766_422.125  # 2025-11-21T23:07:02.125Z
CLIENT = "203.0.113.9"
Pairs = Iterable[tuple[str, str]]


def make_request(
    method: str = "GET",
    path: str = "/orders/7",
    headers: Pairs = (),
    *,
    peer: str = CLIENT,
    host: str = "api.example.com",
    **fields: Any,
) -> Request:
    """A request; the fields not named here are those of `Request`."""
    given: dict[str, Any] = {"id": "r-1", "at": AT, "scheme": "http", "query": "", **fields}
    return Request(method=method, path=path, headers=Headers.of(headers), authority=host, peer=Peer(peer), **given)


def make_exchange(request: Request | None = None, **fields: Any) -> Exchange:
    request = request or make_request()
    given: dict[str, Any] = {
        "api": "shop",
        "operation": f"{request.method} {request.path}",
        "client": request.peer.address,
    }
    return Exchange(request, **{**given, **fields})


def no_answer(ask: Ask[Any]) -> Any:
    raise AssertionError(f"nobody should have asked {type(ask).__name__}")


def judge(hook: Callable[[Exchange], Any], exchange: Exchange, answer: Callable[[Ask[Any]], Any] = no_answer) -> Any:
    """What a control's hook says, its Asks answered."""
    said = hook(exchange)
    return drive(said, answer) if isinstance(said, GeneratorType) else said


def make_control(called: str, rules: dict[str, str] | None = None, **hooks: Callable[[Exchange], Any]) -> Control:
    """A control of that name; each hook is a function of the exchange."""
    methods = {phase: lambda self, exchange, hook=hook: hook(exchange) for phase, hook in hooks.items()}
    kind: type[Control] = type(called, (Control,), {"name": called, "rules": rules or {}, **methods})
    return kind()


def says(verdict: Any) -> Callable[[Exchange], Any]:
    """A hook that always says this."""
    return lambda exchange: verdict


def make_route(*bindings: Binding | Control, **fields: Any) -> Route:
    given: dict[str, Any] = {
        "api": "shop",
        "hosts": ("*",),
        "prefix": "/",
        "upstream": Upstream("shop-1", "http://127.0.0.1:9000"),
    }
    bound = [item if isinstance(item, Binding) else Binding(item) for item in bindings]
    return Route.compile(bound, **{**given, **fields})


class Door:
    """A door without a network: it feeds a session what a door would and does what it answers."""

    def __init__(
        self, *routes: Route, answer: Callable[[Ask[Any]], Any] = no_answer, logged: Iterable[str] = ()
    ) -> None:
        self.policy = Policy(routes, logged_headers=logged)
        self.answer = answer
        self.session: Session

    def send(
        self, request: Request, body: bytes = b"", response: Response | None = None, reply: bytes = b""
    ) -> Verdict:
        """One exchange as far as it gets: the last verdict. `response` and `reply` are the upstream's."""
        self.session = session = open_session(self.policy, request)
        verdict = drive(session.receive(REQUEST_HEAD), self.answer)
        events: list[tuple[str, Any]] = [("reads_request_body", RequestBody(body))]
        if response is not None:
            events += [("reads_response", ResponseHead(response)), ("reads_response_body", ResponseBody(reply))]
        for wanted, event in events:  # what is wanted of a response depends on its head
            if not isinstance(verdict, Stop) and getattr(session, wanted):
                verdict = drive(session.receive(event), self.answer)
        return verdict


class Question(Ask[str], frozen=True, gc=False):
    """An Ask for tests."""

    text: ClassVar = "?"
    number: int
