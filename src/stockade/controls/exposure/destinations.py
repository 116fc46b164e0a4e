"""What a response makes browsers do later: go elsewhere, keep cookies.

Findings: `redirect-refused` (502), `link-removed`, `cookie-hardened`, `cookie-refused`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from stockade.browsers import CookieRules, Targets, hardened
from stockade.browsers.cookies import name_of
from stockade.controls.exposure.headers import own_host
from stockade.redaction import excerpt
from stockade.secret_names import redact_fields
from stockade.vocabulary import PASS, Control, Edits, Exchange, Finding, Pass, Shortcut, Stop, Verdict
from stockade.wire import Headers

_ELSEWHERE = ("content-location", "link", "refresh")
_COOKIE = "set-cookie"


class Destinations(Control):
    """targets: None leaves redirects alone. cookies: None leaves cookies alone; `but` has other rules by name."""

    name = "exposure"
    rules: ClassVar = {
        "redirect-refused": "redirects",
        "link-removed": "redirects",
        "cookie-hardened": "cookies",
        "cookie-refused": "cookies",
    }

    def __init__(
        self, targets: Targets | None, cookies: CookieRules | None, but: Mapping[str, CookieRules] | None = None
    ) -> None:
        self._targets = targets
        self._cookies = cookies
        self._but = dict(but or {})
        names = {"location", *_ELSEWHERE} if targets is not None else set()
        self._names = frozenset(names | ({_COOKIE} if cookies is not None else set()))

    def describe(self) -> str:
        parts = ["redirects to listed hosts alone"] if self._targets is not None else []
        return "; ".join([*parts, *(["cookies hardened"] if self._cookies is not None else [])])

    def on_response_shortcut(self, scheme: str, *, known: bool = False) -> Shortcut:  # noqa: ARG002
        return Shortcut(Edits(), absent=self._names, bodies=True)

    def on_response(self, exchange: Exchange) -> Verdict:
        response = exchange.response
        if response is None or self._names.isdisjoint(response.headers.names()):
            return PASS
        headers = response.headers
        own = own_host(exchange)
        removed: tuple[str, ...] = ()
        findings: tuple[Finding, ...] = ()
        if self._targets is not None:
            if not self._may_go(headers, own):
                if 300 <= response.status < 400:
                    return _refused(exchange, headers)
                removed += ("location",)
            removed += tuple(name for name in _ELSEWHERE if not self._allows(name, headers, own))
            findings += tuple(Finding("link-removed", where=f"response:{name}", severity="low") for name in removed)
        sets: tuple[tuple[str, str], ...] = ()
        if self._cookies is not None and _COOKIE in headers:
            sets, more = self._bake(headers, self._cookies)
            removed += () if sets else (_COOKIE,)
            findings += more
        return Pass(findings, edits=Edits(sets, removed)) if sets or removed else PASS

    def _may_go(self, headers: Headers, own: str) -> bool:
        """Two Location fields are read by nobody alike."""
        assert self._targets is not None
        lines = headers.all("location")
        return not lines or (len(lines) == 1 and self._targets.allows(lines[0].strip(" \t"), own))

    def _allows(self, name: str, headers: Headers, own: str) -> bool:
        targets = self._targets
        assert targets is not None
        allows = {
            "link": targets.allows_links,
            "refresh": targets.allows_refresh,
            "content-location": targets.allows,
        }[name]
        return all(allows(line.strip(" \t"), own) for line in headers.all(name))

    def _bake(self, headers: Headers, rules: CookieRules) -> tuple[tuple[tuple[str, str], ...], tuple[Finding, ...]]:
        """Every cookie's line as it may leave; each stays a line of its own."""
        kept: list[tuple[str, str]] = []
        findings: list[Finding] = []
        for line in headers.all(_COOKIE):
            name = name_of(line)
            baked = hardened(line, self._but.get(name, rules))
            if baked is None:
                findings.append(Finding("cookie-refused", where="response:set-cookie", evidence=excerpt(name)))
                continue
            kept.append((_COOKIE, baked))
            if baked != line:
                findings.append(_hardened_finding(name))
        return tuple(kept), tuple(findings)


def _hardened_finding(name: str) -> Finding:
    return Finding("cookie-hardened", where="response:set-cookie", evidence=excerpt(name), severity="info")


def _refused(exchange: Exchange, headers: Headers) -> Stop:
    sent = (headers.get("location") or "").partition("?")[0].partition("#")[0]
    finding = Finding(
        "redirect-refused", where="response:location", evidence=excerpt(redact_fields(sent)), severity="high"
    )
    return Stop(exchange.problem(502, "The service sent you where this API does not lead."), (finding,))
