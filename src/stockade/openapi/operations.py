"""`Operation`: what a description demands of one kind of request, compiled."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, TypeAlias

from msgspec import Struct

from stockade.openapi.bodies.compiling import Body
from stockade.openapi.faults import NO_FAULTS, Fault, Unreadable
from stockade.openapi.parameters.percent import decoded
from stockade.openapi.parameters.readers import Reader, Text, Values
from stockade.openapi.unknown import ANYTHING, Known
from stockade.wire import Headers

Requirement: TypeAlias = tuple[tuple[str, frozenset[str]], ...]
"""One Security Requirement Object: schemes that must all be met, each with its scopes; () asks for nothing."""
_MOST_FAULTS = 20
_MOST_PAIRS = 2000  # of a query
_LONGEST_NAME = 64  # characters of a name that is repeated to its sender
_NOT_A_MEMBER = "is not a parameter of this operation"


class Operation(Struct, frozen=True):
    """What is checked is here as readers; what other controls may want to know as data."""

    name: str  # "GET /orders/{id}", the base path included
    method: str
    template: str
    pointer: str  # of the Operation Object
    id: str = ""
    path: tuple[tuple[int, Text], ...] = ()
    query: tuple[Reader, ...] = ()
    query_names: frozenset[str] = frozenset()  # which it is quicker to look up than to ask each reader
    headers: tuple[tuple[str, Text, bool, bool], ...] = ()  # name, reader, required, is a list
    cookies: tuple[Reader, ...] = ()
    body: Body | None = None
    strict: bool = False  # whether parameters and bodies that are not described are refused
    refused_headers: frozenset[str] = frozenset()
    security: tuple[Requirement, ...] = ()  # any one of them; none: nothing is asked
    lifetime: tuple[tuple[str, str], ...] = ()  # of one that is deprecated: header fields that say so
    harmless: frozenset[tuple[str, str]] = frozenset()
    known_query: bool = True  # whether the parameters of the query are described, be it that there are none
    covered: bool = False  # whether a JSON body that fits holds nothing that could do harm
    known_body: Known = ANYTHING  # what is described of a JSON body or form

    def check_head(self, captured: tuple[str, ...], query: str, headers: Headers) -> tuple[Fault, ...]:
        """captured: of the path, as sent. query: as sent, without its mark."""
        found: tuple[Fault, ...] = NO_FAULTS
        for place, text in self.path:
            found += text.faults(captured[place])
        if query or self.query:
            found += self._query_faults(query)
        if self.headers or self.refused_headers:
            found += self._header_faults(headers)
        if self.cookies:
            found += self._cookie_faults(headers)
        return found[:_MOST_FAULTS] if found else NO_FAULTS

    def check_body(self, content_type: str | None, body: bytes) -> tuple[Fault, ...]:
        if self.body is not None:
            return self.body.faults(body, content_type)
        if body and self.strict:
            return (Fault("body", "", "unknown-body", "this operation takes no body"),)
        return NO_FAULTS

    def permits(self, scopes: frozenset[str]) -> bool:
        """Whether a principal with these scopes meets one of the security requirements, as far as scopes go."""
        return not self.security or any(
            all(wanted <= scopes for _, wanted in requirement) for requirement in self.security
        )

    def _query_faults(self, query: str) -> tuple[Fault, ...]:
        try:
            values = split_query(query)
        except Unreadable as error:
            return (Fault("query", "", error.rule, error.message),)
        found = NO_FAULTS
        for reader in self.query:
            found += reader.faults(values)
        if self.strict and not values.keys() <= self.query_names:
            unknown = (name for name in values if not any(reader.claims(name) for reader in self.query))
            found += tuple(
                Fault(f"query:{name[:_LONGEST_NAME]}", "", "unknown-parameter", _NOT_A_MEMBER)
                for name in islice(unknown, _MOST_FAULTS)
            )
        return found

    def _header_faults(self, headers: Headers) -> tuple[Fault, ...]:
        found = NO_FAULTS
        names = headers.names()
        for name, text, required, is_list in self.headers:
            if name not in names:
                if required:
                    found += (Fault(text.where, "", "required", "is required"),)
            elif not is_list and len(headers.all(name)) > 1:
                found += (Fault(text.where, "", "duplicate-parameter", "is given more than once"),)
            else:
                found += text.faults(headers.get(name) or "")
        if not self.refused_headers.isdisjoint(names):
            found += tuple(
                Fault(f"header:{name}", "", "unknown-parameter", _NOT_A_MEMBER)
                for name in sorted(names & self.refused_headers)
            )
        return found

    def _cookie_faults(self, headers: Headers) -> tuple[Fault, ...]:
        values = split_cookies(headers.all("cookie"))
        found = NO_FAULTS
        for reader in self.cookies:
            found += reader.faults(values)
        return found


def split_query(query: str) -> Values:
    """The texts of each name (decoded), as sent. Raises Unreadable."""
    values: Values = {}
    pairs = query.split("&", _MOST_PAIRS) if query else ()
    if len(pairs) > _MOST_PAIRS:
        raise Unreadable("maxItems", f"has more than {_MOST_PAIRS} parameters")
    for pair in pairs:
        if not pair:
            continue
        name, _, text = pair.partition("=")
        if "%" in name or "+" in name:
            name = decoded(name, plus=True)
        known = values.get(name)
        if known is None:
            values[name] = [text]
        else:
            known.append(text)
    return values


def split_cookies(lines: Iterable[str]) -> Values:
    """The texts of each cookie (RFC 6265, section 4.2.1), as sent."""
    values: Values = {}
    for line in lines:
        for pair in line.split(";"):
            name, equals, text = pair.strip(" \t").partition("=")
            if equals:
                values.setdefault(name, []).append(text)
    return values


def requirements_of(raw: Any) -> tuple[Requirement, ...]:
    """A `security` list (OpenAPI 3.1, section 4.8.30) as data."""
    return tuple(
        tuple((str(name), frozenset(map(str, scopes or ()))) for name, scopes in item.items())
        for item in (raw if isinstance(raw, list) else ())
        if isinstance(item, dict) and all(isinstance(scopes, list | None) for scopes in item.values())
    )
