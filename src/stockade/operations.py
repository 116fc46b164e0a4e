"""Names for what a request does: `GET /orders/{id}`. A name must have few values, for limits, logs and metrics.

Where the policy states operations the name is the template that fits; else that of the API's description; elsewhere it
is guessed from the path: segments that look like identifiers become `{id}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

# RFC 9110, section 9, and RFC 5789; any other is guessed as "_OTHER" (OpenTelemetry's word), for a client can make up
# as many as it likes.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"})
OVERRIDES = ("x-http-method-override", "x-http-method", "x-method-override")
"""Headers that let some frameworks take another method than the one that was checked."""
_REMEMBERED = 4096
_SHORT = 512  # characters of a path that is remembered, so that nobody can fill the memory with long ones
_MOST_GUESSED = 500  # distinct guessed names in one table; what comes later is "<METHOD> {other}"
_MOST_SEGMENTS = 32
_is_parameter = re.compile(r"\{[^{}]+\}").fullmatch


class BadOperation(ValueError):
    """Text that is not `METHOD /path/{parameter}`."""


class OperationTable:
    """From method and path to the operation's name. Static segments win over templated ones (OpenAPI 3.1, 4.8.8.2).

    >>> table = OperationTable(["GET /orders/{order_id}", "GET /orders/mine"])
    >>> table.name("GET", "/orders/7"), table.name("GET", "/orders/mine"), table.name("GET", "/users/7")
    ('GET /orders/{order_id}', 'GET /orders/mine', 'GET /users/{id}')
    """

    def __init__(
        self, operations: Iterable[str] = (), described: Callable[[str, str], str | None] = lambda _, __: None
    ) -> None:
        """described: the name that a description has for a method and path; None where it has none."""
        self._root = _Node()
        self._described = described
        self._names: dict[tuple[str, str], str] = {}
        self._guessed: set[str] = set()
        self._stated = 0
        for operation in operations:
            self._stated += 1
            method, segments = parse_operation(operation)
            self._root.insert(method, segments, f"{method} /{'/'.join(segments)}")

    def name(self, method: str, path: str) -> str:
        """The name; remembered, for the same few paths come again and again."""
        if len(path) > _SHORT:
            return self._find(method, path)
        key = (method, path)
        name = self._names.get(key)
        if name is None:
            name = self._find(method, path)
            if len(self._names) >= _REMEMBERED:
                self._names.clear()
            self._names[key] = name
        return name

    def __len__(self) -> int:
        return self._stated

    def matches(self, method: str, path: str) -> bool:
        """Whether a stated operation (not a guess) fits."""
        return self._root.find(method, path[1:].split("/")) is not None

    def _find(self, method: str, path: str) -> str:
        known = self._root.find(method, path[1:].split("/")) or self._described(method, path)
        if known is not None:
            return known
        method = method_name(method)
        guessed = f"{method} {guess_template(path)}"
        if guessed not in self._guessed:
            if len(self._guessed) >= _MOST_GUESSED:
                return f"{method} {{other}}"
            self._guessed.add(guessed)
        return guessed


class _Node:
    """A tree by segment; `*` as the last segment takes all that follows."""

    __slots__ = ("names", "rest", "static", "variable")

    def __init__(self) -> None:
        self.static: dict[str, _Node] = {}
        self.variable: _Node | None = None
        self.names: dict[str, str] = {}  # by method
        self.rest: dict[str, str] = {}

    def insert(self, method: str, segments: list[str], name: str) -> None:
        if segments == ["*"]:
            self.rest[method] = name
        elif not segments:
            self.names[method] = name
        elif segments[0].startswith("{"):
            self.variable = self.variable or _Node()
            self.variable.insert(method, segments[1:], name)
        else:
            self.static.setdefault(segments[0], _Node()).insert(method, segments[1:], name)

    def find(self, method: str, segments: list[str], start: int = 0) -> str | None:
        if start == len(segments):
            return self.names.get(method) or self.names.get("*")
        if start > _MOST_SEGMENTS:
            return None
        segment = segments[start]
        static = self.static.get(segment)
        found = static.find(method, segments, start + 1) if static is not None else None
        if found is None and self.variable is not None and segment:
            found = self.variable.find(method, segments, start + 1)
        return found or self.rest.get(method) or self.rest.get("*")


def parse_operation(text: str) -> tuple[str, list[str]]:
    """`"GET /orders/{id}"` as method and segments; the method `*` means any. Raises BadOperation."""
    method, _, path = text.strip().partition(" ")
    path = path.strip()
    if not method or not path.startswith("/") or not (method == "*" or method.isalpha()):
        raise BadOperation(f'{text!r} is not an operation such as "GET /orders/{{id}}" ("*" for any method)')
    segments = path[1:].split("/")
    if "*" in segments[:-1]:
        raise BadOperation(f'in {text!r} "*" must be the last segment')
    if any(("{" in part or "}" in part) and not _is_parameter(part) for part in segments):
        raise BadOperation(f"in {text!r} a parameter must be a whole segment, such as /{{id}}/")
    return method.upper(), segments


def method_name(method: str) -> str:
    """The method as part of a name: itself when it is one of HTTP's own."""
    return method if method in _METHODS else "_OTHER"


def guess_template(path: str) -> str:
    """The path with identifiers replaced: /users/42/orders/9f1c… becomes /users/{id}/orders/{id}."""
    segments = path.split("/")
    if len(segments) > _MOST_SEGMENTS:
        return "/{deep}"
    return "/".join("{id}" if looks_like_identifier(segment) else segment for segment in segments)


def looks_like_identifier(segment: str) -> bool:
    """Numbers, hashes, UUIDs, tokens, escaped text: anything with a digit that is not a version such as `v2`."""
    if not segment or segment.isalpha():
        return len(segment) > 32
    if len(segment) > 40 or "%" in segment or "@" in segment:
        return True
    if segment[0] == "v" and segment[1:].isdigit():
        return False
    digits = sum(char.isdigit() for char in segment)
    return digits > 0 and (digits * 3 >= len(segment) or len(segment) >= 16)
