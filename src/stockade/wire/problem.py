"""Problem details for HTTP APIs (RFC 9457): the one shape in which Stockade refuses."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from stockade.wire.headers import Headers
from stockade.wire.messages import Response

_FIXED = (
    ("content-type", "application/problem+json"),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
)
_TITLES = {status.value: status.phrase for status in HTTPStatus}
_encode = msgspec.json.Encoder().encode


def problem(
    status: int,
    detail: str,
    request_id: str,
    headers: tuple[tuple[str, str], ...] = (),
    **members: object,
) -> Response:
    """A refusal as `application/problem+json`. `detail` must say nothing of internals; `members` are extensions.

    A field in `headers` stands in place of a fixed one of that name (lower case).
    """
    named = {name for name, _ in headers}
    body = {
        "type": "about:blank",
        "title": _TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "request_id": request_id,
        **members,
    }
    return Response(
        status, Headers.of((*(field for field in _FIXED if field[0] not in named), *headers)), _encode(body)
    )
