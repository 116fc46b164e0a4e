"""Clients that keep asking: what reloads and restarts must not disturb."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from h2.events import ConnectionTerminated

from tests.gateway.client import Client
from tests.gateway.http2 import Http2Client


class Load:
    """What became of the requests. A connection that the gateway said it would close was not dropped."""

    def __init__(self) -> None:
        self.answered = 0
        self.failures: list[str] = []
        self.stop = threading.Event()
        self._lock = threading.Lock()

    def count(self, status: int) -> None:
        with self._lock:
            self.answered += 1
            if status != 200:
                self.failures.append(f"status {status}")

    def failed(self, error: Exception) -> None:
        with self._lock:
            self.failures.append(repr(error))


def _ask_on(load: Load, port: int, target: str) -> None:
    """Requests on one connection, for as long as it is kept."""
    with Client(port) as client:
        while not load.stop.is_set():
            reply = client.ask("GET", target)
            load.count(reply.status)
            if reply.header("connection") == "close":
                return


def _ask_on_http2(load: Load, port: int, target: str) -> None:
    with Http2Client(port) as client:
        while not load.stop.is_set():
            load.count(client.ask("GET", target).status)
            if any(isinstance(event, ConnectionTerminated) for event in client.events):
                return


def _keep_asking(load: Load, ask: Any, port: int, target: str) -> None:
    while not load.stop.is_set():
        try:
            ask(load, port, target)
        except Exception as error:  # noqa: BLE001 - whatever it is, a client suffered it
            load.failed(error)
            load.stop.wait(0.05)


@contextlib.contextmanager
def load(port: int, *targets: str, clients: int = 2) -> Iterator[Load]:
    """So many HTTP/1.1 clients per target, and one of HTTP/2, ask for as long as the context lasts."""
    state = Load()
    workers = [(_ask_on, target) for target in targets for _ in range(clients)]
    workers += [(_ask_on_http2, target) for target in targets]
    threads = [threading.Thread(target=_keep_asking, args=(state, ask, port, target)) for ask, target in workers]
    for thread in threads:
        thread.start()
    try:
        yield state
    finally:
        state.stop.set()
        for thread in threads:
            thread.join(20)
