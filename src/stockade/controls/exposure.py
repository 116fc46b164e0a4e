"""Exposure: what a response may reveal. Security headers for APIs (OWASP REST Security Cheat Sheet), no headers that
tell of the machinery, no body of an upstream error.

Finding: error-hidden, when a 5xx body was replaced by problem details that carry the request id.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from stockade.vocabulary import PASS, Control, Edits, Exchange, Finding, Pass, Shortcut, Verdict

SECURITY_HEADERS = (
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "accelerometer=(), camera=(), geolocation=(), microphone=()"),
)
HTTPS_ONLY = ("strict-transport-security", "max-age=63072000; includeSubDomains")
_DOCUMENTS = ("text/html", "application/xhtml")
_ERROR_HIDDEN = Finding("error-hidden", where="response:body", severity="low")
_DETAIL = "The service failed to answer this request."


class Exposure(Control):
    """A header that the upstream set itself stays as it is: it may know better."""

    name = "exposure"
    rules: ClassVar = {"error-hidden": "hide_errors"}

    def __init__(self, *, security_headers: bool, hide_errors: bool, remove_headers: Iterable[str]) -> None:
        self._headers = SECURITY_HEADERS if security_headers else ()
        self._https = (*self._headers, HTTPS_ONLY) if security_headers else ()
        self._names = _names(self._headers)
        self._names_https = _names(self._https)
        self._hide_errors = hide_errors
        self._remove = frozenset(remove_headers)
        # The edits for the common response, which sets none of these itself, are made once.
        self._plain = self._edits(self._headers, self._remove)
        self._plain_https = self._edits(self._https, self._remove)

    @staticmethod
    def _edits(headers: tuple[tuple[str, str], ...], remove: Iterable[str]) -> Pass:
        return Pass(edits=Edits(headers, tuple(remove)))

    @property
    def own_headers(self) -> tuple[tuple[str, str], ...]:
        """What Stockade's own responses carry."""
        return self._headers

    def describe(self) -> str:
        parts = [f"{len(self._headers)} security headers"] if self._headers else []
        if self._hide_errors:
            parts.append("5xx bodies hidden")
        if self._remove:
            parts.append(f"removed: {', '.join(sorted(self._remove))}")
        return "; ".join(parts)

    def on_response_shortcut(self, scheme: str) -> Shortcut:
        https = scheme == "https"
        return Shortcut(
            (self._plain_https if https else self._plain).edits or Edits(),
            below=500 if self._hide_errors else 600,
            absent=self._names_https if https else self._names,
            not_media=_DOCUMENTS,
        )

    def on_response(self, exchange: Exchange) -> Verdict:
        response = exchange.response
        if response is None:
            return PASS
        https = exchange.request.scheme == "https"
        wanted, names = (self._https, self._names_https) if https else (self._headers, self._names)
        if response.status >= 500 and self._hide_errors:
            problem = exchange.problem(response.status, _DETAIL, *wanted)
            return Pass((_ERROR_HIDDEN,), edits=Edits(replace=problem))
        if not wanted:
            return self._plain
        present = response.headers.names()
        document = (response.headers.get("content-type") or "").lower().startswith(_DOCUMENTS)
        if not document and names.isdisjoint(present):
            return self._plain_https if https else self._plain
        kept = tuple(pair for pair in wanted if pair[0] not in present and not (document and pair[0] in _FOR_DATA))
        return self._edits(kept, self._remove)


def _names(headers: tuple[tuple[str, str], ...]) -> frozenset[str]:
    return frozenset(name for name, _ in headers)


# A page needs its scripts and styles: what is right for data would break it.
_FOR_DATA = frozenset({"content-security-policy", "permissions-policy"})
