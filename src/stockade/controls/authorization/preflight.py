"""Preflight requests of CORS (Fetch, section 3.2.2), which carry no credential."""

from __future__ import annotations

from stockade.wire import Request

_HEADERS = frozenset({"origin", "access-control-request-method"})


def is_preflight(request: Request) -> bool:
    return request.method == "OPTIONS" and request.headers.names() >= _HEADERS
