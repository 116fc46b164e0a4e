"""Errors that the client made: none of them tells of the inside, and all have one shape.

Finding: `trace-hidden`, when a 4xx body looked like a stack trace; `error-reshaped`, when it was no problem details.
"""

from __future__ import annotations

import re
from typing import ClassVar

from stockade.vocabulary import PASS, Control, Edits, Exchange, Finding, Pass, Shortcut, Verdict
from stockade.wire import Response

_TRACE_HIDDEN = Finding("trace-hidden", where="response:body", severity="medium")
_RESHAPED = Finding("error-reshaped", where="response:body", severity="info")
_PROBLEM = "application/problem+json"
# Header fields of an error that a client acts on (RFC 9110, RFC 6585, RFC 9331).
_KEPT = ("allow", "retry-after", "www-authenticate", "ratelimit", "ratelimit-policy", "accept-post", "accept-patch")
_DETAIL = "The service refused this request."
_LOOKED_AT = 64 << 10  # bytes
# What frames and dumps of the common languages look like. Each is linear: no repetition stands within another.
_is_trace = re.compile(
    rb"Traceback \(most recent call last\)"  # Python
    rb"|File \\?\"[^\"\\\n]{1,300}\\?\", line \d{1,7}"
    rb"|\bat [\w.$<>]{1,300}\([\w.$<>]{1,200}(?:\.java|\.kt|\.scala):\d{1,7}\)"  # Java
    rb"|\bat [\w.<>$\[\], ]{1,300} ?\((?:file:|node:|/|[A-Z]:\\)[^()\n]{1,300}:\d{1,7}:\d{1,7}\)"  # JavaScript
    rb"|\bat [\w.`<>$\[\], ]{1,300}\([^()\n]{0,300}\) in [^\n]{1,300}:line \d{1,7}"  # .NET
    rb"|\bgoroutine \d{1,9} \[[a-z ]{1,40}\]:"  # Go
    rb"|#\d{1,3} /[^\n]{1,300}\.php\(\d{1,7}\)"  # PHP
    rb"|\.rb:\d{1,7}:in [`']"  # Ruby
    rb"|thread '[^'\n]{1,100}' panicked at"  # Rust
    rb"|(?:Fatal error|Warning|Notice)(?:</b>)?: .{1,300} on line (?:<b>)?\d{1,7}"
    rb"|You have an error in your SQL syntax|ORA-\d{5}\b|SQLSTATE\[\w{5}\]|sqlite3?\.OperationalError|PG::\w{1,40}Error"
).search


def looks_like_trace(body: bytes) -> bool:
    """Whether it has a stack frame or a database's complaint in its first 64 KiB."""
    return _is_trace(body[:_LOOKED_AT]) is not None


class Errors(Control):
    """traces: replace 4xx bodies that look like stack traces. uniform: replace all that are no problem details."""

    name = "exposure"
    rules: ClassVar = {"trace-hidden": "hide_traces", "error-reshaped": "uniform_errors"}

    def __init__(self, *, traces: bool = True, uniform: bool = False) -> None:
        self._traces = traces
        self._uniform = uniform

    def describe(self) -> str:
        parts = ["4xx stack traces hidden"] if self._traces else []
        return "; ".join([*parts, *(["4xx as problem details"] if self._uniform else [])])

    def on_response_shortcut(self, scheme: str, *, known: bool = False) -> Shortcut:  # noqa: ARG002
        return Shortcut(Edits(), below=400, bodies=True)

    def on_response(self, exchange: Exchange) -> Verdict:
        response = exchange.response
        if response is None or not self._uniform or not 400 <= response.status < 500:
            return PASS
        if _is_problem(response):
            return PASS
        return Pass((_RESHAPED,), edits=Edits(replace=_problem(exchange, response)))

    def wants_response_body(self, exchange: Exchange) -> bool:
        response = exchange.response
        if response is None or not self._traces or not 400 <= response.status < 500:
            return False
        return _is_problem(response) or not self._uniform

    def on_response_body(self, exchange: Exchange) -> Verdict:
        response = exchange.response
        if response is None or not looks_like_trace(exchange.response_body):
            return PASS
        return Pass((_TRACE_HIDDEN,), edits=Edits(replace=_problem(exchange, response)))


def _is_problem(response: Response) -> bool:
    return (response.headers.get("content-type") or "").lower().partition(";")[0].strip() == _PROBLEM


def _problem(exchange: Exchange, response: Response) -> Response:
    kept = tuple((name, value) for name in _KEPT for value in response.headers.all(name))
    return exchange.problem(response.status, _DETAIL, *kept)
