"""Firewall, the perimeter layer: who may knock at all, and with what shape of request.

Findings: address-denied, address-not-allowed (403), method (405), too-large (413), media-type (415).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from stockade.networks import NetworkSet
from stockade.redaction import excerpt
from stockade.vocabulary import PASS, Control, Exchange, Finding, Stop, Verdict

TOO_LARGE = Finding("too-large", where="body", severity="medium")


class Firewall(Control):
    """Addresses first, for they cost least. `deny` beats `allow`; an empty `allow` or `media_types` allows all.

    max_body: bytes; a declared length is judged here, the door counts what arrives undeclared.
    """

    name = "firewall"
    rules: ClassVar = {
        "address-denied": "deny",
        "address-not-allowed": "allow",
        "method": "methods",
        "too-large": "max_body",
        "media-type": "media_types",
    }

    def __init__(
        self,
        *,
        deny: NetworkSet,
        allow: NetworkSet,
        methods: Iterable[str],
        max_body: int,
        media_types: Iterable[str] = (),
    ) -> None:
        self._deny = deny if len(deny) else None
        self._allow = allow if len(allow) else None
        self._methods = frozenset(methods)
        self._allow_field = ", ".join(sorted(self._methods))
        self._max_body = max_body
        self._media_types = frozenset(media_types)
        self._media_ranges = tuple(text[:-1] for text in self._media_types if text.endswith("/*"))

    def describe(self) -> str:
        parts = [f"methods {self._allow_field}", f"bodies up to {_size(self._max_body)}"]
        if self._deny is not None:
            parts.append(f"{len(self._deny)} denied network(s)")
        if self._allow is not None:
            parts.append(f"only {len(self._allow)} network(s) allowed")
        if self._media_types:
            parts.append(f"media types {', '.join(sorted(self._media_types))}")
        return "; ".join(parts)

    def on_request(self, exchange: Exchange) -> Verdict:
        request = exchange.request
        if self._deny is not None and exchange.client in self._deny:
            return _refused(exchange, "address-denied")
        if self._allow is not None and exchange.client not in self._allow:
            return _refused(exchange, "address-not-allowed")
        if request.method not in self._methods:
            return self._wrong_method(exchange)
        if request.has_body:
            if (request.content_length or 0) > self._max_body:
                return Stop(exchange.problem(413, f"The body may have {self._max_body} bytes at most."), (TOO_LARGE,))
            if self._media_types and not self._accepts(request.headers.get("content-type")):
                return self._wrong_media_type(exchange)
        return PASS

    def _accepts(self, content_type: str | None) -> bool:
        media_type = (content_type or "").partition(";")[0].strip().lower()
        return media_type in self._media_types or media_type.startswith(self._media_ranges or ("\0",))

    def _wrong_method(self, exchange: Exchange) -> Stop:
        finding = Finding("method", where="method", evidence=excerpt(exchange.request.method), severity="low")
        return Stop(exchange.problem(405, "This method is not allowed here.", ("allow", self._allow_field)), (finding,))

    def _wrong_media_type(self, exchange: Exchange) -> Stop:
        sent = excerpt(exchange.request.headers.get("content-type") or "none")
        finding = Finding("media-type", where="header:content-type", evidence=sent, severity="low")
        accepted = ("accept", ", ".join(sorted(self._media_types)))
        return Stop(exchange.problem(415, "This media type is not accepted here.", accepted), (finding,))


def _size(count: int) -> str:
    for unit, scale in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= scale and count % scale == 0:
            return f"{count // scale} {unit}"
    return f"{count} bytes"


def _refused(exchange: Exchange, rule: str) -> Stop:
    finding = Finding(rule, where="client", evidence=exchange.client, severity="high")
    return Stop(exchange.problem(403, "Access from this address is refused."), (finding,))
