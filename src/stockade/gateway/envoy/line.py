"""The line between supervisor and worker: messages as JSON, one a line, over a Unix socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TypeAlias

import msgspec
from msgspec import Struct

from stockade.journal import Snapshot

_MOST_BYTES = 16 << 20  # a snapshot of many APIs and operations


class Ready(Struct, tag=True, frozen=True):
    """Worker: I run."""

    worker: int


class LoadPolicy(Struct, tag=True, frozen=True):
    """Supervisor: run this policy (a file) from now on."""

    generation: int
    policy: str


class Loaded(Struct, tag=True, frozen=True):
    """Worker: done, or why not."""

    generation: int
    error: str = ""


class SendSnapshot(Struct, tag=True, frozen=True):
    """Supervisor: what have you counted?"""


class Report(Struct, tag=True, frozen=True):
    """Worker: this."""

    snapshot: Snapshot
    log_trouble: str = ""


class Stop(Struct, tag=True, frozen=True):
    """Supervisor: write down what you know, and end. A line that ends without this means that it has died."""


Message: TypeAlias = Ready | LoadPolicy | Loaded | SendSnapshot | Report | Stop
_decoder = msgspec.json.Decoder(Message)
_encoder = msgspec.json.Encoder()


class Line:
    """One end of the line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, path: str) -> Line:
        return cls(*await asyncio.open_unix_connection(path, limit=_MOST_BYTES))

    @staticmethod
    def limit() -> int:
        return _MOST_BYTES

    async def send(self, message: Message) -> None:
        """A message to a peer that is gone is lost; the end of `messages` tells."""
        try:
            self._writer.write(_encoder.encode(message) + b"\n")
            await self._writer.drain()
        except (ConnectionError, RuntimeError):
            return

    async def messages(self) -> AsyncIterator[Message]:
        """Until the other end is gone."""
        while True:
            try:
                data = await self._reader.readline()
            except (ConnectionError, ValueError):
                return
            if not data:
                return
            yield _decoder.decode(data)

    def close(self) -> None:
        self._writer.close()
