"""Grants: what a caller must be or hold to be let through, and what it lacks.

Roles are a claim of the token (`roles`, RFC 9068, section 2.2.3.1, or a path such as `realm_access.roles`), or the
policy's own word for a principal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

_MOST_VALUES = 1000  # of one claim


class Subject(Struct, frozen=True, gc=False):
    """A caller as rules see it."""

    id: str
    scopes: frozenset[str]
    roles: frozenset[str]
    claims: Mapping[str, Any]


class Needs(Struct, frozen=True):
    """All of the scopes, one of the roles, one of the principals, one value of each claim; empty: asks nothing."""

    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    claims: tuple[tuple[str, frozenset[str]], ...] = ()
    principals: frozenset[str] = frozenset()
    anyone: bool = False  # even who has proved nothing

    def lacks(self, subject: Subject | None) -> str:
        """What is missing, for the record: "scope orders:write"; "" where nothing is."""
        if self.anyone:
            return ""
        if subject is None:
            return "a credential"
        if not self.scopes <= subject.scopes:
            return f"scope {' '.join(sorted(self.scopes - subject.scopes))}"
        if self.roles and self.roles.isdisjoint(subject.roles):
            return f"role {' or '.join(sorted(self.roles))}"
        if self.principals and subject.id not in self.principals:
            return "to be a principal that the rule names"
        for name, values in self.claims:
            if values.isdisjoint(claim(subject.claims, name)):
                return f"claim {name}"
        return ""


class Grant(Struct, frozen=True):
    """A rule as it applies to an operation. name: by which findings and explanations call it."""

    name: str
    needs: Needs


def claim(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """The values of a claim as texts: one, or those of a list. A dot leads into an object, where no claim is so named.

    What is no text, number or truth value is none.
    """
    value: Any = claims.get(name)
    if value is None and "." in name:
        value = claims
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
    values: Iterable[Any] = value[:_MOST_VALUES] if isinstance(value, list | tuple) else (value,)
    return frozenset(text for text in map(_text, values) if text)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else ""
