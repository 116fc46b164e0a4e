"""What every response gets and loses: security headers, `no-store` where somebody is known, no headers that tell of
the machinery, no body of an upstream error.

Finding: error-hidden, when a 5xx body was replaced by problem details that carry the request id.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, TypeAlias

from stockade.controls.exposure.headers import DOCUMENTS, FOR_DATA, FOR_PAGES, HTTPS_ONLY, NO_STORE, SECURITY_HEADERS
from stockade.vocabulary import PASS, Control, Edits, Exchange, Finding, Pass, Shortcut, Verdict

Pairs: TypeAlias = tuple[tuple[str, str], ...]
_ERROR_HIDDEN = Finding("error-hidden", where="response:body", severity="low")
_DETAIL = "The service failed to answer this request."
_KEPT = ("retry-after",)  # of an upstream's error: what a client acts on


class Exposure(Control):
    """A header that the upstream set itself stays as it is: it may know better.

    no_store: a response to a principal is kept by no cache, unless the upstream says itself how long it may be kept.
    """

    name = "exposure"
    rules: ClassVar = {"error-hidden": "hide_errors"}

    def __init__(
        self, *, security_headers: bool, hide_errors: bool, remove_headers: Iterable[str], no_store: bool = False
    ) -> None:
        self._headers: Pairs = SECURITY_HEADERS if security_headers else ()
        self._hide_errors = hide_errors
        self._remove = tuple(sorted(set(remove_headers)))
        self._no_store = no_store
        https = (HTTPS_ONLY,) if security_headers else ()
        known = (NO_STORE,) if no_store else ()
        # The edits for the common response, which sets none of these itself, are made once: by https, by principal.
        self._wanted = {
            (secure, somebody): (*self._headers, *(https if secure else ()), *(known if somebody else ()))
            for secure in (False, True)
            for somebody in (False, True)
        }
        self._plain = {key: Pass(edits=Edits(wanted, self._remove)) for key, wanted in self._wanted.items()}
        self._names = {key: frozenset(name for name, _ in wanted) for key, wanted in self._wanted.items()}

    @property
    def own_headers(self) -> Pairs:
        """What Stockade's own responses carry."""
        return self._headers

    def describe(self) -> str:
        parts = [f"{len(self._headers)} security headers"] if self._headers else []
        if self._hide_errors:
            parts.append("5xx bodies hidden")
        if self._no_store:
            parts.append("no-store for principals")
        if self._remove:
            parts.append(f"removed: {', '.join(self._remove)}")
        return "; ".join(parts)

    def on_response_shortcut(self, scheme: str, *, known: bool = False) -> Shortcut:
        key = (scheme == "https", known)
        return Shortcut(
            self._plain[key].edits or Edits(),
            below=500 if self._hide_errors else 600,
            absent=self._names[key],
            not_media=DOCUMENTS,
        )

    def on_response(self, exchange: Exchange) -> Verdict:
        response = exchange.response
        if response is None:
            return PASS
        key = (exchange.request.scheme == "https", exchange.principal is not None)
        wanted, names = self._wanted[key], self._names[key]
        if response.status >= 500 and self._hide_errors:
            told = tuple((name, value) for name in _KEPT if (value := response.headers.get(name)) is not None)
            ours = tuple(pair for pair in wanted if pair is not NO_STORE)  # a problem says so itself
            return Pass((_ERROR_HIDDEN,), edits=Edits(replace=exchange.problem(response.status, _DETAIL, *ours, *told)))
        if not wanted:
            return self._plain[key]
        present = response.headers.names()
        document = (response.headers.get("content-type") or "").lower().startswith(DOCUMENTS)
        if not document and names.isdisjoint(present):
            return self._plain[key]
        if document and self._headers:
            wanted = (*(pair for pair in wanted if pair[0] not in FOR_DATA), *FOR_PAGES)
        return Pass(edits=Edits(tuple(pair for pair in wanted if pair[0] not in present), self._remove))
