"""`Roles`: callers as rules see them, with the roles that their token or the policy gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from stockade.access.grants import Subject, claim

_REMEMBERED = 4096


class Caller(Protocol):
    """What is needed of a principal."""

    @property
    def id(self) -> str: ...
    @property
    def scopes(self) -> frozenset[str]: ...
    @property
    def claims(self) -> Mapping[str, Any]: ...
    @property
    def roles(self) -> frozenset[str]: ...


class Roles:
    """The roles of principals: from a claim, and as the policy gives them out. claim: its name, "" for none."""

    def __init__(self, claim: str = "roles", members: Mapping[str, Iterable[str]] | None = None) -> None:
        self._claim = claim
        self._given: dict[str, frozenset[str]] = {}
        for role, principals in (members or {}).items():
            for principal in principals:
                self._given[principal] = self._given.get(principal, frozenset()) | {role}
        self._known: dict[int, tuple[Caller, Subject]] = {}  # principals come again and again, as they are

    def subject(self, principal: Caller | None) -> Subject | None:
        if principal is None:
            return None
        known = self._known.get(id(principal))
        if known is not None and known[0] is principal:
            return known[1]
        stated = claim(principal.claims, self._claim) if self._claim else frozenset()
        roles = principal.roles | stated | self._given.get(principal.id, frozenset())
        subject = Subject(principal.id, principal.scopes, roles, principal.claims)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[id(principal)] = (principal, subject)
        return subject
