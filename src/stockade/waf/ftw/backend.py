"""The back end that tests count on: it answers 200 to anything, and says what it is told to say.

`POST /reflect` with `{"status": 200, "headers": {…}, "body": "…", "encodedBody": "…"}` is answered with just that, as
coreruleset/albedo does, which the tests of CRS 4 are written for.
"""

from __future__ import annotations

import base64
import binascii
from http import HTTPStatus

import msgspec

from stockade.waf.ftw.model import Reply
from stockade.wire import Headers, Request, Response

_PATHS = ("/reflect", "/reflect/")


class _Told(msgspec.Struct, rename="camel"):
    status: int = 200
    headers: dict[str, str] = {}
    body: str = ""
    encoded_body: str = ""


_decode = msgspec.json.Decoder(_Told).decode


def answer(request: Request, reply: Reply | None = None) -> Response:
    """What the back end answers; `reply` is what the test itself wants."""
    if reply is not None:
        pairs = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in reply.headers)
        return _response(reply.status, list(pairs), reply.body)
    if request.path in _PATHS and request.method == "POST":
        return _reflection(request.body)
    return _response(200, [], b"")


def _reflection(body: bytes) -> Response:
    try:
        told = _decode(body)
        text = told.body.encode("utf-8", "surrogatepass") or base64.b64decode(told.encoded_body)
    except (msgspec.DecodeError, binascii.Error, ValueError):
        return _response(400, [], b"Invalid JSON in request body")
    status = told.status if told.status in HTTPStatus._value2member_map_ else 200
    return _response(status, list(told.headers.items()), text)


def _response(status: int, headers: list[tuple[str, str]], body: bytes) -> Response:
    named = {name.lower() for name, _ in headers}
    if "content-type" not in named and body:
        headers = [("Content-Type", "text/plain; charset=utf-8"), *headers]
    if "content-length" not in named:
        headers = [*headers, ("Content-Length", str(len(body)))]
    return Response(status, Headers.of(headers), body)
