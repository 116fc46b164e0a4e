"""What runs: a `Policy` of precompiled `Route`s. What the operator writes is `stockade.config`; `build.py` bridges."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from stockade.engine.editing import joined
from stockade.engine.paths import Paths
from stockade.messages import Protocol
from stockade.networks import NetworkSet
from stockade.operations import OperationTable
from stockade.vocabulary import Control, Edits, Exchange, Failure, Shortcut, Sieve, Watcher

Phase: TypeAlias = Literal["on_request", "on_request_body", "on_response", "on_response_body"]
PHASES: tuple[Phase, ...] = ("on_request", "on_request_body", "on_response", "on_response_body")
STREAMS: tuple[str, ...] = ("on_request_stream", "on_response_stream", "on_response_pieces")
ROUTE = "x-stockade-route"  # the request header by which the data plane knows where a request goes
Hook: TypeAlias = Callable[[Exchange], Any]
StreamHook: TypeAlias = Callable[[Exchange, Protocol], Watcher | None]
SieveHook: TypeAlias = Callable[[Exchange], Sieve | None]


class Binding(Struct, frozen=True, gc=False):
    """A control in its place on a route: how it is enforced, and which line of the policy put it there."""

    control: Control
    monitor: bool = False
    failure: Failure = "closed"
    line: str = ""  # file:line of the control's section
    lines: dict[str, str] = {}  # file:line by rule, where the policy has a line for it

    def where(self, rule: str) -> str:
        return self.lines.get(rule, self.line)


class Upstream(Struct, frozen=True, gc=False):
    """Where a route's requests go. `cluster` is the name by which the data plane knows it."""

    cluster: str
    url: str


class Route(Struct, frozen=True, gc=False):
    """One API: which requests are its own, and the hooks per phase, precompiled."""

    api: str
    hosts: tuple[str, ...]
    prefix: str
    upstream: Upstream
    bindings: tuple[Binding, ...]
    operations: OperationTable = field(default_factory=OperationTable)
    trusted_proxies: NetworkSet = field(default_factory=NetworkSet)
    max_body: int = 1 << 20
    speaks_grpc: bool = False  # else a body that says it is gRPC is read like any other
    also: frozenset[str] = frozenset()  # paths that are its own besides
    own_headers: tuple[tuple[str, str], ...] = ()  # on responses that Stockade itself makes
    on_request: tuple[tuple[Binding, Hook], ...] = ()
    on_request_body: tuple[tuple[Binding, Hook], ...] = ()
    on_request_alone: tuple[tuple[Binding, Hook], ...] = ()  # both, for a request that has no body
    on_response: tuple[tuple[Binding, Hook], ...] = ()
    on_response_body: tuple[tuple[Binding, Hook], ...] = ()
    on_request_stream: tuple[tuple[Binding, StreamHook], ...] = ()
    on_response_stream: tuple[tuple[Binding, StreamHook], ...] = ()
    on_response_pieces: tuple[tuple[Binding, SieveHook], ...] = ()
    behind_proxies: bool = False  # whether any are trusted
    mark: tuple[str, str] = ("", "")  # the header that sends a request to the upstream
    shortcuts: dict[tuple[str, bool], Shortcut | None] = {}  # by scheme, and whether there is a principal
    dressers: tuple[Control, ...] = ()  # those that have headers for responses that Stockade itself makes

    @classmethod
    def compile(cls, bindings: Iterable[Binding], **fields: Any) -> Route:
        """A route whose hooks are those that its controls override, in the order of `bindings`."""
        bound = tuple(bindings)
        hooks: dict[str, Any] = {
            phase: tuple(
                (binding, getattr(binding.control, phase))
                for binding in bound
                if getattr(type(binding.control), phase) is not getattr(Control, phase)
            )
            for phase in (*PHASES, *STREAMS)
        }
        return cls(
            bindings=bound,
            **fields,
            **hooks,
            on_request_alone=_alone(hooks),
            behind_proxies=len(fields.get("trusted_proxies", ())) > 0,
            mark=(ROUTE, fields["upstream"].cluster),
            shortcuts={
                (scheme, known): _shortcut(hooks, scheme, known)
                for scheme in ("http", "https")
                for known in (False, True)
            },
            dressers=tuple(binding.control for binding in bound if not binding.monitor and _dresses(binding.control)),
        )

    def without(self, control: str) -> Route:
        """The same route less one control, for replaying what that control has decided already."""
        kept: dict[str, Any] = {
            phase: tuple(hook for hook in getattr(self, phase) if hook[0].control.name != control)
            for phase in (*PHASES, *STREAMS)
        }
        bindings = tuple(binding for binding in self.bindings if binding.control.name != control)
        changes: dict[str, Any] = {"bindings": bindings, **kept, "on_request_alone": _alone(kept)}
        return replace(self, **changes)


def _alone(hooks: dict[str, Any]) -> tuple[tuple[Binding, Hook], ...]:
    """Who judges a request that has no body."""
    of_body = (hook for hook in hooks["on_request_body"] if not hook[0].control.bodies_alone)
    return (*hooks["on_request"], *of_body)


def _dresses(control: Control) -> bool:
    return type(control).own_response_headers is not Control.own_response_headers


def _shortcut(hooks: dict[str, tuple[tuple[Binding, Hook], ...]], scheme: str, known: bool) -> Shortcut | None:
    """The one promise that holds for all of a route's response hooks; None when one of them makes none."""
    promises = []
    readers = {id(binding) for binding, _ in hooks["on_response_body"]}
    # Who reads bodies is asked for its promise even where it does nothing about heads.
    asked = {id(binding): binding for phase in ("on_response", "on_response_body") for binding, _ in hooks[phase]}
    for number, binding in asked.items():
        promise = binding.control.on_response_shortcut(scheme, known=known)
        if promise is None or (number in readers and not promise.bodies):
            return None
        promises.append(replace(promise, edits=Edits()) if binding.monitor else promise)
    if not promises:
        return None
    return Shortcut(
        joined(promise.edits for promise in promises),
        min(promise.below for promise in promises),
        frozenset().union(*(promise.absent for promise in promises)),
        tuple(prefix for promise in promises for prefix in promise.not_media),
    )


class Policy:
    """All routes, found by host and path: exact host before `*.suffix` before `*`, longest prefix first."""

    def __init__(self, routes: Iterable[Route], *, logged_headers: Iterable[str] = ()) -> None:
        self.routes = tuple(routes)
        self.logged_headers = frozenset(logged_headers)
        self._exact: dict[str, Paths[Route]] = {}
        self._suffix: dict[str, Paths[Route]] = {}
        self._any: Paths[Route] = Paths()
        for route in self.routes:
            for host in route.hosts:
                self._paths_of(host).add(route, route.prefix, route.also)
        self._lengths = sorted({len(suffix) for suffix in self._suffix}, reverse=True)

    def _paths_of(self, host: str) -> Paths[Route]:
        if host == "*":
            return self._any
        if host.startswith("*."):
            return self._suffix.setdefault(host[1:].lower(), Paths())
        return self._exact.setdefault(host.lower(), Paths())

    def route(self, authority: str, path: str) -> Route | None:
        """The route for a request; None when no API claims it."""
        if self._exact or self._lengths:
            host = host_of(authority)
            exact = self._exact.get(host)
            route = exact.find(path) if exact is not None else None
            if route is not None:
                return route
            for length in self._lengths:  # never every dot of a host that a client made up of dots
                paths = self._suffix.get(host[-length:]) if len(host) > length else None
                if paths is not None and (route := paths.find(path)) is not None:
                    return route
        return self._any.find(path)


def host_of(authority: str) -> str:
    """The host of an authority (RFC 3986, section 3.2): lower case, without port, trailing dot or brackets."""
    if authority.startswith("["):
        return authority[1:].partition("]")[0].lower()
    return authority.partition(":")[0].lower().rstrip(".")
