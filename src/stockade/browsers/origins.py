"""Origins (RFC 6454, section 6.2) and sets of them.

    https://app.example.com      exactly this one: scheme, host, port
    https://*.example.com        every host under it, however deep; not example.com, no other scheme or port
    *                            every one

`null` is in no set: a sandboxed frame of anybody has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_LONGEST = 300  # characters
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_PORT = r"(?::[0-9]{1,5})?"
_is_origin = re.compile(rf"[a-z][a-z0-9+.-]*://(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:.]+\]){_PORT}").fullmatch
_is_pattern = re.compile(rf"([a-z][a-z0-9+.-]*://)\*((?:\.{_LABEL}){{2,}}{_PORT})").fullmatch
_DEFAULT_PORTS = {"http://": ":80", "https://": ":443"}


class BadOrigin(ValueError):
    """Text that is neither an origin nor a pattern of some; the message says why."""


class OriginSet:
    """Raises BadOrigin."""

    def __init__(self, origins: Iterable[str] = ()) -> None:
        exact: set[str] = set()
        patterns: set[tuple[str, str]] = set()
        self.every = False
        for text in origins:
            if text == "*":
                self.every = True
            elif (found := _is_pattern(text)) is not None:
                patterns.add((found[1], _without_default_port(found[1], found[2])))
            else:
                exact.add(_origin(text))
        self._exact = frozenset(exact)
        self._patterns = tuple(sorted(patterns))
        self.only_every = self.every and not exact and not patterns

    def __contains__(self, origin: object) -> bool:
        """origin: the value of the header field, as a browser writes it."""
        if not isinstance(origin, str) or len(origin) > _LONGEST or _is_origin(origin) is None:
            return False
        if self.every or origin in self._exact:
            return True
        return any(
            origin.startswith(scheme) and origin.endswith(rest) and len(origin) > len(scheme) + len(rest)
            for scheme, rest in self._patterns
        )

    def __bool__(self) -> bool:
        return self.every or bool(self._exact or self._patterns)

    def __len__(self) -> int:
        return len(self._exact) + len(self._patterns) + self.every


def _origin(text: str) -> str:
    if text.lower() == "null":
        raise BadOrigin("'null' is the origin of every sandboxed frame, so it can be no one's; name the real origin")
    if "*" in text:
        raise BadOrigin(f"{text!r}: a * stands for the first part of a host, as in https://*.example.com, or alone")
    if _is_origin(text) is None:
        hint = "; without a path, not even /" if text.count("/") > 2 else ""
        hint = hint or ("; in lower case" if text != text.lower() else "")
        raise BadOrigin(f"{text!r} is not an origin such as https://app.example.com{hint}")
    scheme, separator, rest = text.partition("://")
    return scheme + separator + _without_default_port(scheme + separator, rest)


def _without_default_port(scheme: str, rest: str) -> str:
    """As browsers write it."""
    return rest.removesuffix(_DEFAULT_PORTS.get(scheme, " "))
