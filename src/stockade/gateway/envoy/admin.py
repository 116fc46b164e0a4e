"""The admin address: /healthz (this process lives), /readyz (traffic is taken), /metrics (Prometheus)."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import uvicorn
from msgspec import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from stockade.config.base import HostPort


class Beside(Protocol):
    """What else the admin server serves, and keeps in order: the admin API."""

    def routes(self) -> Sequence[BaseRoute]: ...

    async def keep(self) -> None:
        """Housekeeping without an end."""

    def close(self) -> None: ...


class Status(Struct, frozen=True):
    """How the gateway stands. A refused policy does not make it unready: the old one keeps running."""

    ready: bool
    stopping: bool
    workers: int
    generation: int
    policy_errors: list[str]
    log_errors: list[str]


class Admin:
    """A small HTTP server in the supervisor's own event loop."""

    def __init__(
        self,
        address: HostPort,
        status: Callable[[], Status],
        metrics: Callable[[], Awaitable[bytes]],
        routes: Sequence[BaseRoute] = (),
        tls: tuple[Path, Path] | None = None,
    ) -> None:
        """tls: PEM files of certificate and key."""
        self._address = address
        self._status = status
        self._metrics = metrics
        app = Starlette(
            routes=[
                Route("/healthz", self._healthz),
                Route("/readyz", self._readyz),
                Route("/metrics", self._show),
                *routes,
            ]
        )
        certificate, key = tls or (None, None)
        config = uvicorn.Config(
            app,
            log_level="error",
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,  # an address is whose connection it is
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        self._server = uvicorn.Server(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Raises OSError when the address cannot be opened."""
        family = socket.AF_INET6 if ":" in self._address.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self._address.host, self._address.port))
        # `_serve` leaves the process's signal handlers alone; they are the supervisor's.
        self._task = asyncio.create_task(self._server._serve([listener]))
        while not self._server.started and not self._task.done():
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        self._server.should_exit = True
        if self._task is not None:
            await self._task

    async def _healthz(self, _: Request) -> Response:
        return Response(b"ok\n", media_type="text/plain")

    async def _readyz(self, _: Request) -> Response:
        status = self._status()
        return Response(msgspec.json.encode(status), 200 if status.ready else 503, media_type="application/json")

    async def _show(self, _: Request) -> Response:
        return Response(await self._metrics(), media_type="text/plain; version=0.0.4")
