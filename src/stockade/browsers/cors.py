"""Cross-origin resource sharing (Fetch standard, section 3.2): who may read responses from a page of another origin."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Struct

from stockade.browsers.origins import OriginSet
from stockade.wire import Headers

Pairs: TypeAlias = tuple[tuple[str, str], ...]
HEADERS = (
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-expose-headers",
    "access-control-max-age",
    "access-control-allow-private-network",
)
"""What only we say of it."""
_SAFE_METHODS = frozenset({"GET", "HEAD", "POST"})  # no preflight is ever made for these alone
_SAFE_HEADERS = frozenset({"accept", "accept-language", "content-language", "content-type", "range"})
_PREFLIGHT = frozenset({"origin", "access-control-request-method"})
_PREFLIGHT_VARY = ("vary", "origin, access-control-request-method, access-control-request-headers")
_is_list = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*").fullmatch
_LONGEST_LIST = 4096  # characters


class Preflight(Struct, frozen=True, gc=False):
    """The answer to a preflight request. trouble: why it is refused, "" when it is not."""

    headers: Pairs
    trouble: str = ""


class Cors:
    """origins: with credentials there must be no "*". methods: upper case. headers, expose: names, lower case.

    max_age: seconds for which a browser may remember the answer to a preflight. Raises ValueError.
    """

    def __init__(
        self,
        origins: OriginSet,
        *,
        credentials: bool = False,
        methods: Iterable[str] = (),
        headers: Iterable[str] = (),
        expose: Iterable[str] = (),
        max_age: int = 600,
    ) -> None:
        self._methods = _SAFE_METHODS | frozenset(methods)
        self._headers = _SAFE_HEADERS | frozenset(headers)
        if credentials and (origins.every or "*" in self._methods or "*" in self._headers or "*" in tuple(expose)):
            raise ValueError("with credentials nothing may be *: any site could act and read as its visitor")
        self._origins = origins
        self._credentials: Pairs = (("access-control-allow-credentials", "true"),) if credentials else ()
        shown = ", ".join(sorted(expose))
        self._expose: Pairs = (("access-control-expose-headers", shown),) if shown else ()
        self._allow: Pairs = (
            ("access-control-allow-methods", ", ".join(sorted(self._methods))),
            ("access-control-allow-headers", ", ".join(sorted(self._headers))),
            ("access-control-max-age", str(max_age)),
        )
        self._same_for_all: Pairs = (("access-control-allow-origin", "*"), *self._expose)
        self.is_constant = origins.only_every or not origins

    def response(self, origin: str | None) -> Pairs:
        """What a response to a request from there carries. `vary` apart, for which see `vary`."""
        if self.is_constant:
            return self._same_for_all if self._origins.every else ()
        if origin is None or origin not in self._origins:
            return ()
        return (("access-control-allow-origin", origin), *self._credentials, *self._expose)

    def vary(self, upstreams: str | None) -> str | None:
        """The value of Vary (RFC 9110, section 12.5.5); None: as the upstream has it."""
        if self.is_constant:
            return None
        named = [name.strip().lower() for name in (upstreams or "").split(",")]
        if "*" in named or "origin" in named:
            return None
        return f"{upstreams}, origin" if upstreams else "origin"

    @staticmethod
    def is_preflight(method: str, headers: Headers) -> bool:
        return method == "OPTIONS" and headers.names() >= _PREFLIGHT

    def preflight(self, headers: Headers) -> Preflight:
        origin = headers.get("origin") or ""
        if origin not in self._origins:
            return Preflight((_PREFLIGHT_VARY,), "origin")
        method = headers.get("access-control-request-method") or ""
        if method not in self._methods and "*" not in self._methods:
            return Preflight((_PREFLIGHT_VARY,), "method")
        if not self._takes(headers.get("access-control-request-headers") or ""):
            return Preflight((_PREFLIGHT_VARY,), "header")
        allow = tuple(_echoed(pair, "access-control-allow-methods", method, self._methods) for pair in self._allow)
        return Preflight((*self.response(origin), *allow, _PREFLIGHT_VARY))

    def _takes(self, wanted: str) -> bool:
        if not wanted:
            return True
        if len(wanted) > _LONGEST_LIST or _is_list(wanted) is None:
            return False
        # A * does not cover Authorization (Fetch standard, section 4.9).
        names = {name.strip().lower() for name in wanted.split(",")}
        return names <= self._headers or ("*" in self._headers and names - self._headers <= names - {"authorization"})


def _echoed(pair: tuple[str, str], name: str, value: str, known: frozenset[str]) -> tuple[str, str]:
    return (name, value) if pair[0] == name and "*" in known else pair
