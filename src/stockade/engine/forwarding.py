"""Who the client is, and what the upstream is told of it: nothing that an untrusted hop wrote."""

from __future__ import annotations

from stockade.engine.editing import merged
from stockade.engine.policy import ROUTE, Route
from stockade.networks import client_address
from stockade.vocabulary import PRINCIPAL_HEADERS, Edits, Exchange
from stockade.wire import Request

# What the upstream learns of the caller, from us alone: what a client sends of these is removed.
_OURS = frozenset({*PRINCIPAL_HEADERS, ROUTE})
# What only a proxy may say of the client; removed unless the peer is a trusted one.
_PROXYS = frozenset(
    {
        "forwarded",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-original-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-server",
        "x-forwarded-prefix",
        "x-original-url",
        "x-rewrite-url",
        "true-client-ip",
        "cf-connecting-ip",
        "fastly-client-ip",
    }
)
_FORGEABLE = _OURS | _PROXYS


def client_of(request: Request, route: Route) -> str:
    if not route.behind_proxies:
        return request.peer.address
    return client_address(request.peer.address, request.headers.get("x-forwarded-for"), route.trusted_proxies)


def forwarding(exchange: Exchange, route: Route, kept: list[Edits]) -> Edits:
    """What the upstream is told of client and principal, with what the controls say; what the client forged goes."""
    peer = exchange.request.peer.address
    # The client, then the peer that brought its word, if another: nothing that an untrusted hop wrote.
    chain = peer if exchange.client == peer else f"{exchange.client}, {peer}"
    told: tuple[tuple[str, str], ...] = (route.mark, ("x-forwarded-for", chain))
    principal = exchange.principal
    if principal is not None:
        told += principal.told
    names = exchange.request.headers.names()
    removed: tuple[str, ...] = ()
    if not names.isdisjoint(_FORGEABLE):
        removed = tuple(names & (_OURS if peer in route.trusted_proxies else _FORGEABLE))
    if not kept:
        return Edits(told, removed)
    edits = merged(kept)
    return Edits(told + edits.set, removed + edits.remove)
