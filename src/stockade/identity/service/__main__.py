"""The token service as a process of its own: `python -m stockade.identity.service POLICY ORIGIN SOCKET COUNTERS`.

The supervisor starts it with a listening socket and the table in which wrong guesses count, is told "ready" on standard
output, and ends it by SIGTERM; when the supervisor is gone, standard input ends, and so does this.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from pathlib import Path

import uvicorn

from stockade.config import BadConfig, load_text
from stockade.identity.service.app import application
from stockade.identity.service.opening import open_service
from stockade.identity.service.service import Service
from stockade.stores import Counters
from stockade.vocabulary import StoreError

_HOUSEKEEPING = 10.0  # seconds
_MOST = 512  # requests at once
_KEEP_ALIVE = 75  # seconds, longer than Envoy keeps an idle connection


def main() -> int:
    policy, origin, descriptor, counters = sys.argv[1:]
    with contextlib.ExitStack() as stack:
        try:
            loaded = load_text(Path(policy).read_bytes(), Path(origin))
            service = open_service(loaded, stack, Counters.shared(counters))
            service.keep_house(time.time())
        except (BadConfig, StoreError, OSError) as error:
            sys.stderr.write(f"stockade: the token service cannot start: {error}\n")
            return 2
        with socket.socket(fileno=int(descriptor)) as listening:
            asyncio.run(_serve(service, listening))
    return 0


async def _serve(service: Service, listening: socket.socket) -> None:
    config = uvicorn.Config(
        application(service),
        log_level="error",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        limit_concurrency=_MOST,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=5,
        http="h11",
        ws="none",
    )
    server = uvicorn.Server(config)
    chores = [asyncio.create_task(each) for each in (_keep_house(service), _end_with_parent(server), _tell(server))]
    try:
        await server.serve(sockets=[listening])
    finally:
        for chore in chores:
            chore.cancel()


async def _keep_house(service: Service) -> None:
    while True:
        await asyncio.sleep(_HOUSEKEEPING)
        with contextlib.suppress(StoreError):  # the database may be back next time; until then requests are told
            await asyncio.to_thread(service.keep_house, time.time())


async def _tell(server: uvicorn.Server) -> None:
    while not server.started:
        await asyncio.sleep(0.01)
    sys.stdout.write("ready\n")
    sys.stdout.flush()


async def _end_with_parent(server: uvicorn.Server) -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    server.should_exit = True


sys.exit(main())
