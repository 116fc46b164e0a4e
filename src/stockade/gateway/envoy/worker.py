"""A worker: the runtime inside one Envoy process, and a thread of its own for all that may wait.

The thread runs an event loop: it answers suspended requests, keeps the issuers' keys fresh, writes down key uses,
and holds the line to the supervisor.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from stockade.config import BadConfig, build, load_text
from stockade.engine import NotNow, resume
from stockade.gateway.envoy._filter import lib
from stockade.gateway.envoy.line import Line, Loaded, LoadPolicy, Ready, Report, SendSnapshot, Stop
from stockade.gateway.runtime import Runtime
from stockade.stores import Counters
from stockade.vocabulary import StoreError, Verdict

_HOUSEKEEPING = 5.0
_SWITCH = 0.0005  # seconds a helper thread may hold the interpreter while a request waits for it
_LOOK = 0.05  # seconds between looks for streams that are over
_COLLECT = (10_000, 20, 50)  # the garbage collector's thresholds: requests leave few cycles


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """What the filter's configuration holds."""

    policy: str  # the accepted text of the policy, a file of the supervisor's
    origin: str  # the operator's file, which relative paths and errors refer to
    line: str  # Unix socket of the supervisor
    counters: str  # the table in which all workers count


class Waiting(Protocol):
    """A stream that waits for its verdict."""

    verdict: Verdict | Exception | None


def _outlive_the_parent() -> None:
    """Envoy has asked to be ended when its parent dies (prctl(2), PR_SET_PDEATHSIG), for the thread that calls this.

    The line tells of the supervisor's death as well, and leaves time to write down what we know.
    """
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, 0, 0, 0, 0)


class Worker:
    """Raises BadConfig, StoreError or OSError when the policy cannot be run, ValueError when the counters are none."""

    def __init__(self, settings: bytes, complete: Callable[[], None]) -> None:
        """`complete` closes what is over; this worker's thread calls it when no request does."""
        sys.setswitchinterval(_SWITCH)
        self._settings = msgspec.json.decode(settings, type=Settings)
        self.number = int(os.environ.get("STOCKADE_WORKER", "0"))
        self._generation = 0
        loaded = load_text(Path(self._settings.policy).read_bytes(), Path(self._settings.origin))
        built = build(loaded)
        self.runtime = Runtime(loaded, built, Counters.shared(self._settings.counters), worker=self.number)
        self._complete = complete
        # What is loaded now stays: the collector need not look at it again, least of all while requests wait.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECT)
        self._loop = asyncio.new_event_loop()
        _outlive_the_parent()
        threading.Thread(target=self._run, name="stockade", daemon=True).start()

    # On Envoy's thread.

    def wait(self, waiting: NotNow, stream: Waiting, scheduler: Any) -> None:
        """Let the other thread finish what a request began, then wake the stream."""
        asyncio.run_coroutine_threadsafe(self._finish(waiting, stream, scheduler), self._loop)

    # On our own thread.

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._live())
        finally:
            # Without a supervisor nobody would restart, reload or stop us.
            os.kill(os.getpid(), signal.SIGTERM)

    async def _finish(self, waiting: NotNow, stream: Waiting, scheduler: Any) -> None:
        try:
            stream.verdict = await resume(waiting, self.runtime.stores.answer_later)
        except Exception as error:  # noqa: BLE001 - the stream must be woken whatever happened; it then fails closed
            stream.verdict = error
        lib.stockade_wake(scheduler)

    async def _live(self) -> None:
        line = await Line.open(self._settings.line)
        await line.send(Ready(self.number))
        chores = (self._keep_house(), self._refresh_keys(), self._look_for_completed())
        tasks = [asyncio.create_task(chore) for chore in chores]
        told = await self._serve(line)
        for task in tasks:
            task.cancel()
        self._complete()
        self.runtime.close()
        if not told:  # the supervisor died, and cannot clean up what holds its keys
            shutil.rmtree(Path(self._settings.line).parent, ignore_errors=True)

    async def _serve(self, line: Line) -> bool:
        """Whether it ended by the supervisor's word."""
        async for message in line.messages():
            if isinstance(message, LoadPolicy):
                await line.send(await asyncio.to_thread(self._load, message))
            elif isinstance(message, SendSnapshot):
                self._complete()
                log = self.runtime.log
                await line.send(Report(self.runtime.snapshot(), log.trouble if log is not None else ""))
            elif isinstance(message, Stop):
                return True
        return False

    def _load(self, message: LoadPolicy) -> Loaded:
        try:
            loaded = load_text(Path(message.policy).read_bytes(), Path(self._settings.origin))
            self.runtime.adopt(loaded, build(loaded))
        except (BadConfig, StoreError, OSError) as error:
            return Loaded(message.generation, str(error))
        return Loaded(message.generation)

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(_HOUSEKEEPING)
            await asyncio.to_thread(self.runtime.keep_uses)

    async def _look_for_completed(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            self._complete()

    async def _refresh_keys(self) -> None:
        await self.runtime.stores.sources.refresh()
        while True:
            await asyncio.sleep(_HOUSEKEEPING)
            await self.runtime.stores.sources.refresh_stale()
