"""Our cookies in requests and responses (RFC 6265bis): read, set, cleared, and kept from the upstream."""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct

from stockade.wire import Headers


class CookieNames(Struct, frozen=True):
    """The session's, and the one that binds a login to the browser in which it began.

    secure: over TLS. Then they carry the prefix `__Host-`, by which no other host, nor a page without TLS, can plant
    them (section 4.1.3.2).
    """

    session: str
    binding: str
    secure: bool

    @classmethod
    def of(cls, name: str, *, secure: bool) -> CookieNames:
        prefix = "__Host-" if secure else ""
        return cls(f"{prefix}{name}-session", f"{prefix}{name}-login", secure)

    @property
    def all(self) -> frozenset[str]:
        return frozenset({self.session, self.binding})


def _field(headers: Headers) -> str:
    """All of the cookies: HTTP/2 may bring each on a line of its own (RFC 9113, section 8.2.3)."""
    return "; ".join(headers.all("cookie")) if "cookie" in headers else ""


@lru_cache(maxsize=1024)  # a browser sends the same ones again and again
def _pairs(field: str) -> tuple[tuple[str, str], ...]:
    parts = [part.strip(" \t") for part in field.split(";")]
    return tuple((name, value) for name, _, value in (part.partition("=") for part in parts if part))


def cookie_values(headers: Headers, name: str) -> list[str]:
    """Every value of that name. Several: another host or path has planted one beside ours, and nobody knows which."""
    field = _field(headers)
    return [value for each, value in _pairs(field) if each == name] if field else []


def other_cookies(headers: Headers, ours: frozenset[str]) -> str | None:
    """The field with the cookies that are not ours; empty when none is left, None when none of ours is there."""
    field = _field(headers)
    return _others(field, ours) if field else None


@lru_cache(maxsize=1024)
def _others(field: str, ours: frozenset[str]) -> str | None:
    pairs = _pairs(field)
    if all(name not in ours for name, _ in pairs):
        return None
    return "; ".join(f"{name}={value}" if value else name for name, value in pairs if name not in ours)


def setting(name: str, value: str, *, secure: bool, max_age: float) -> tuple[str, str]:
    """A `Set-Cookie` that scripts cannot read, that goes to this host alone, and to it from no other site's forms."""
    flags = "; Secure" if secure else ""
    return "set-cookie", f"{name}={value}; Path=/; Max-Age={max_age:.0f}; HttpOnly; SameSite=Lax{flags}"


def clearing(name: str, *, secure: bool) -> tuple[str, str]:
    return setting(name, "", secure=secure, max_age=0)
