"""What Cedar policies can speak of: the entities and the context that are made of an exchange.

    principal   Principal::"ann" in Role::…, or Anonymous::"anyone"
    action      see `actions`
    resource    Resource::"/orders/7", in the resources above it ("/orders", "/") and in Api::"shop"
    context     method, host, secure, query, body, client, now, hour, weekday, risk

Of all this only what the policies for the operation read is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from msgspec import Struct

from stockade.access import Reading, Roles, folded
from stockade.cedar import Entity, Policy, Set, Uid, Value, from_json
from stockade.cedar.extensions import Datetime, Ip
from stockade.cedar.guards import paths_in
from stockade.controls.authorization.actions import Action
from stockade.controls.authorization.arguments import read_body, read_query, spellings
from stockade.vocabulary import Exchange, Principal

ANONYMOUS = Uid("Anonymous", "anyone")
PRINCIPAL_ATTRIBUTES = ("id", "kind", "credential", "scopes", "roles", "claims", "acr", "amr", "auth_time")
RESOURCE_ATTRIBUTES = ("api", "operation", "path", "params")
CONTEXT_ATTRIBUTES = ("method", "host", "secure", "query", "body", "client", "now", "hour", "weekday", "risk")
TYPES = ("Principal", "Anonymous", "Role", "Action", "Resource", "Api")
_REMEMBERED = 4096
_MOST_ABOVE = 64  # segments: a path of thousands must not cost their square
_NOBODY = Entity({"id": "", "kind": "anonymous", "scopes": Set(), "roles": Set(), "claims": {}, "amr": Set()})
_NOWHERE = Uid("Resource", "")


class Wants(Struct, frozen=True):
    """What policies read. query, body: the names in them that are spoken of, by their plain form; whole_query: any
    other, too."""

    context: tuple[str, ...]
    query: Mapping[str, str]
    body: Mapping[str, str]
    whole_query: bool
    place: bool  # the resource's name, and what it lies in
    details: bool  # its attributes

    @classmethod
    def of(cls, policies: tuple[Policy, ...]) -> Wants:
        paths = frozenset(path for policy in policies for path in paths_in(policy))
        whole = ("context",) in paths
        scoped = any(policy.resource.within for policy in policies)
        return cls(
            tuple(name for name in CONTEXT_ATTRIBUTES if whole or any(path[:2] == ("context", name) for path in paths)),
            spellings(_below(paths, "query")),
            spellings(_below(paths, "body")),
            whole or ("context", "query") in paths,
            scoped or ("resource",) in paths,
            any(path[0] == "resource" for path in paths),
        )

    @property
    def reads_body(self) -> bool:
        return "body" in self.context


def _below(paths: frozenset[tuple[str, ...]], name: str) -> frozenset[str]:
    return frozenset(part for path in paths if path[:2] == ("context", name) for part in path[2:])


class Known(Mapping[Uid, Entity]):
    """The entities of one request before those of the policy."""

    __slots__ = ("_others", "_own")

    def __init__(self, own: dict[Uid, Entity], others: Mapping[Uid, Entity]) -> None:
        self._own = own
        self._others = others

    def get(self, uid: Uid, default: Any = None) -> Any:
        found = self._own.get(uid)
        return found if found is not None else self._others.get(uid, default)

    def __getitem__(self, uid: Uid) -> Entity:
        return self._own[uid] if uid in self._own else self._others[uid]

    def __iter__(self) -> Iterator[Uid]:
        return iter({**self._others, **self._own})

    def __len__(self) -> int:
        return len({**self._others, **self._own})


class Principals:
    """Principals as entities, each made once. others: the policy's own entities, that roles may be in."""

    def __init__(self, roles: Roles, others: Mapping[Uid, Entity]) -> None:
        self._roles = roles
        self._others = others
        self._made: dict[int, tuple[Principal, Uid, Entity]] = {}

    def of(self, principal: Principal | None) -> tuple[Uid, Entity]:
        if principal is None:
            return ANONYMOUS, _NOBODY
        made = self._made.get(id(principal))
        if made is not None and made[0] is principal:
            return made[1], made[2]
        uid, entity = self._make(principal)
        if len(self._made) >= _REMEMBERED:
            self._made.clear()
        self._made[id(principal)] = (principal, uid, entity)
        return uid, entity

    def _make(self, principal: Principal) -> tuple[Uid, Entity]:
        subject = self._roles.subject(principal)
        roles = subject.roles if subject is not None else frozenset()
        uid = Uid("Principal", principal.id)
        known = self._others.get(uid, Entity())
        attributes: dict[str, Value] = {
            **known.attributes,
            "id": principal.id,
            "kind": principal.kind,
            "credential": principal.credential,
            "scopes": Set.of_texts(principal.scopes),
            "roles": Set.of_texts(roles),
            "claims": from_json(principal.claims),
            "acr": principal.acr,
            "amr": Set.of_texts(principal.amr),
        }
        if principal.auth_time is not None:
            attributes["auth_time"] = Datetime(int(principal.auth_time * 1000))
        groups = {Uid("Role", role) for role in roles}
        above = {other for group in groups for other in self._others.get(group, Entity()).ancestors}
        return uid, Entity(attributes, known.ancestors | groups | above, known.tags)


def resource_of(
    exchange: Exchange, action: Action, reading: Reading, captured: tuple[str, ...], wants: Wants
) -> tuple[Uid, Entity]:
    if not wants.place and not wants.details:
        return _NOWHERE, Entity()
    attributes: dict[str, Any] = {}
    if wants.details:
        attributes = {
            "api": exchange.api,
            "operation": action.uid.id,
            "path": "/" + "/".join(reading),
            "params": dict(zip(action.parameters, captured, strict=False)),
        }
    if not wants.place:
        return _NOWHERE, Entity(attributes)
    api = Uid("Api", exchange.api)
    above, path = {api, Uid("Resource", "/")}, ""
    for segment in reading[:_MOST_ABOVE]:
        path += "/" + folded(segment)
        above.add(Uid("Resource", path))
    uid = Uid("Resource", place_named("/".join(reading)))
    return uid, Entity(attributes, frozenset(above - {uid}))


def place_named(path: str) -> str:
    """The one way to write a resource: without case, empty segments and a slash at the end."""
    return "/" + "/".join(folded(part) for part in path.split("/") if part)


# The context.


def context_of(exchange: Exchange, wants: Wants) -> dict[str, Any]:
    """Raises Ambiguous where two servers could read an argument differently, UnreadableBody."""
    context: dict[str, Any] = {}
    for name in wants.context:
        value = _MAKERS[name](exchange, wants)
        if value is not None:
            context[name] = value
    return context


def _now(exchange: Exchange, _: Wants) -> Value:
    return Datetime(int(exchange.request.at * 1000))


def _hour(exchange: Exchange, _: Wants) -> Value:
    return int(exchange.request.at) // 3600 % 24


def _weekday(exchange: Exchange, _: Wants) -> Value:
    return datetime.fromtimestamp(exchange.request.at, UTC).isoweekday()


@lru_cache(maxsize=_REMEMBERED)
def address(text: str) -> Ip | None:
    """None of what is no address, a socket's name say."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if found.version == 6 else None
    found = mapped or found
    return Ip(found.max_prefixlen, int(found), found.max_prefixlen)


_MAKERS: dict[str, Callable[[Exchange, Wants], Value | None]] = {
    "method": lambda exchange, _: exchange.request.method,
    "host": lambda exchange, _: exchange.request.authority.lower(),
    "secure": lambda exchange, _: exchange.request.scheme == "https",
    "query": lambda exchange, wants: read_query(exchange.request.query, wants.query, whole=wants.whole_query),
    "body": lambda exchange, wants: read_body(exchange.request, exchange.request_body, wants.body),
    "client": lambda exchange, _: address(exchange.client),
    "now": _now,
    "hour": _hour,
    "weekday": _weekday,
    "risk": lambda exchange, _: exchange.risk,
}
