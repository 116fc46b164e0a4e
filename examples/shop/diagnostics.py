"""What tests and operators call: echo, errors, redirects, and everything that streams or takes its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, WebSocket
from fastapi.responses import PlainTextResponse, RedirectResponse, StreamingResponse

from shop.schemas import Health, Uploaded

router = APIRouter()

_CHUNK = bytes(range(256)) * 256  # 64 KiB
_ENVIRONMENT = """\
SHOP_ENV=production
DATABASE_URL=postgresql://shop:not-a-real-password@db.invalid/shop
AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE
AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
SESSION_SECRET=fake-fake-fake-fake-fake-fake-fake
TEST_CARD=4111 1111 1111 1111
"""  # the AWS pair and the card number are the ones that their documentation uses as examples


def _media(media_type: str, **schema: str) -> dict[str, Any]:
    return {"content": {media_type: {"schema": {"type": "string", **schema}}}}


@router.get("/health", tags=["diagnostics"], summary="Say that the shop is alive")
async def get_health() -> Health:
    return Health()


@router.get("/whoami", tags=["diagnostics"], summary="Echo the request headers that arrived here")
async def echo_headers(request: Request) -> dict[str, str]:
    """Names in lower case; several lines of one header are joined by a comma."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


@router.get("/debug", include_in_schema=False)
async def show_environment() -> PlainTextResponse:
    # Careless: API9:2023 Improper Inventory Management. Left over from development, in no document.
    return PlainTextResponse(_ENVIRONMENT)


@router.get("/error", tags=["diagnostics"], summary="Fail", status_code=500, response_class=PlainTextResponse)
async def fail() -> None:
    # app.CarelessFramework shows this to the client.
    raise ConnectionError("cannot reach postgresql://shop:not-a-real-password@db.invalid/shop")


@router.get("/redirect", tags=["diagnostics"], summary="Redirect", status_code=302, response_class=RedirectResponse)
async def redirect(to: Annotated[str, Query(max_length=2000, examples=["/products"])]) -> RedirectResponse:
    # Careless: API8:2023 Security Misconfiguration. An open redirect, to any site.
    return RedirectResponse(to, 302)


@router.get(
    "/events",
    tags=["streams"],
    summary="Stream server-sent events",
    response_class=StreamingResponse,
    responses={200: _media("text/event-stream")},
)
async def stream_events(
    n: Annotated[int, Query(ge=0, le=10_000)] = 3, delay: Annotated[float, Query(ge=0, le=10)] = 0.05
) -> StreamingResponse:
    """`n` events, each after `delay` seconds."""

    async def events() -> AsyncIterator[str]:
        for number in range(1, n + 1):
            await asyncio.sleep(delay)
            yield f'id: {number}\nevent: tick\ndata: {{"n": {number}}}\n\n'

    return StreamingResponse(events(), media_type="text/event-stream", headers={"cache-control": "no-store"})


@router.get(
    "/download",
    tags=["streams"],
    summary="Stream bytes without a Content-Length",
    response_class=StreamingResponse,
    responses={200: _media("application/octet-stream", format="binary")},
)
async def download(size: Annotated[int, Query(ge=0, le=1 << 30)] = 1 << 20) -> StreamingResponse:
    """The bytes 0 to 255, over and over, `size` of them."""

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, size, len(_CHUNK)):
            yield _CHUNK[: size - start]

    return StreamingResponse(chunks(), media_type="application/octet-stream")


@router.post(
    "/upload",
    tags=["streams"],
    summary="Count the bytes of a body",
    openapi_extra={"requestBody": {"required": True, **_media("application/octet-stream", format="binary")}},
)
async def upload(request: Request) -> Uploaded:
    # Careless: API4:2023 Unrestricted Resource Consumption. No largest size.
    count = 0
    async for chunk in request.stream():
        count += len(chunk)
    return Uploaded(bytes=count)


@router.get("/slow", tags=["streams"], summary="Answer late")
async def answer_late(seconds: Annotated[float, Query(ge=0, le=60)] = 1) -> Health:
    await asyncio.sleep(seconds)
    return Health()


@router.websocket("/ws")
async def echo_messages(socket: WebSocket) -> None:
    """Text for text, bytes for bytes, until the client leaves."""
    await socket.accept()
    while (message := await socket.receive())["type"] == "websocket.receive":
        if message.get("text") is not None:
            await socket.send_text(message["text"])
        else:
            await socket.send_bytes(message["bytes"])
