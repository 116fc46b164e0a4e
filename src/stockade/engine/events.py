"""What a door feeds a `Session`, in this order; it may leave out what nobody reads."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from stockade.wire import Response


class RequestHead(Struct, frozen=True, gc=False):
    """The head of the request that the session was opened with is complete."""


class RequestBody(Struct, frozen=True, gc=False):
    body: bytes


class ResponseHead(Struct, frozen=True, gc=False):
    response: Response


class ResponseBody(Struct, frozen=True, gc=False):
    body: bytes


Event: TypeAlias = RequestHead | RequestBody | ResponseHead | ResponseBody
REQUEST_HEAD = RequestHead()
