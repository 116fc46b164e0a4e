"""All workers as one: start them, hand them configuration and policy, count what they counted, drain them."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

from stockade.gateway.envoy.files import write
from stockade.gateway.envoy.line import Line, Loaded, LoadPolicy, Ready, Report, SendSnapshot
from stockade.gateway.envoy.process import EnvoyProcess, Refused
from stockade.gateway.envoy.resources import Places

_START = 20.0  # seconds within which a worker must be ready
_UPDATE = 10.0  # seconds within which Envoy must take a new configuration
_GRACE = 5.0  # seconds for a drained worker to end
_QUIET = 1.0  # seconds without a request after which a connection that is still open is idle


class StartFailed(Exception):
    """A worker did not come up; the message says why, as far as is known."""


class Fleet:
    """A policy's generation is the number of the one that runs; `swaps` counts every change of the policy's file."""

    def __init__(self, places: Places, count: int, connections: int) -> None:
        self.workers = [EnvoyProcess(number, places, connections) for number in range(count)]
        self._places = places
        self._swaps = 0
        self.stopping = asyncio.Event()
        self.hurry = asyncio.Event()

    # Starting.

    async def start(self) -> None:
        """Raises StartFailed."""
        try:
            await asyncio.gather(*(worker.start() for worker in self.workers))
        except OSError as error:
            raise StartFailed(f"Envoy cannot be started: {error}") from error
        await asyncio.gather(*(self._until_ready(worker) for worker in self.workers))

    async def start_again(self, worker: EnvoyProcess) -> None:
        """Raises StartFailed; the worker is then gone again."""
        worker.swaps = self._swaps
        try:
            await worker.start()
            await self._until_ready(worker)
        except OSError as error:
            raise StartFailed(f"worker {worker.number} cannot be started: {error}") from error
        except StartFailed:
            await worker.stop(_GRACE)
            raise

    async def _until_ready(self, worker: EnvoyProcess) -> None:
        """Wait until the worker takes traffic. Raises StartFailed when it ended or took too long."""
        until = time.monotonic() + _START
        while not self.stopping.is_set():
            if not worker.running:
                raise StartFailed(f"worker {worker.number} ended while starting; Envoy's own words stand above")
            if time.monotonic() > until:
                raise StartFailed(f"worker {worker.number} was not ready within {_START:.0f} s")
            try:
                if await worker.listening() and worker.met.is_set():
                    worker.ready = True
                    return
            except Refused as error:
                raise StartFailed(f"worker {worker.number} cannot run: {error}") from None
            await asyncio.sleep(0.02)

    # The line to the workers.

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A worker has opened its line."""
        line = Line(reader, writer)
        worker: EnvoyProcess | None = None
        async for message in line.messages():
            if isinstance(message, Ready):
                worker = self.workers[message.worker]
                worker.line = line
                if worker.swaps == self._swaps:
                    worker.met.set()
                else:  # it may have begun with a policy that was swapped meanwhile
                    await line.send(LoadPolicy(0, str(self._places.policy)))
            elif worker is not None and isinstance(message, Report):
                worker.snapshot, worker.log_trouble = message.snapshot, message.log_trouble
                worker.reported.set()
            elif worker is not None and isinstance(message, Loaded):
                worker.met.set()
                if worker.loaded is not None and not worker.loaded.done():
                    worker.loaded.set_result(message.error)
        line.close()

    async def count(self) -> None:
        """Have every worker report what it counted."""
        asked = [worker for worker in self.workers if worker.line is not None and worker.running]
        for worker in asked:
            worker.reported.clear()
            assert worker.line is not None
            await worker.line.send(SendSnapshot())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*(worker.reported.wait() for worker in asked)), 1.0)

    # Changing what they run.

    async def push(self, kind: str, path: Path, text: str) -> None:
        """Hand Envoy a new file (cds, lds, rds) and wait until every worker took it. Raises Refused."""
        before = [(worker, await worker.updates(kind)) for worker in self.workers if worker.ready]
        if not write(path, text):
            return
        for worker, counts in before:
            until = time.monotonic() + _UPDATE
            while counts is not None and worker.ready:  # one that ends will begin with the new file
                taken, refused = await worker.updates(kind) or counts
                if refused > counts[1]:
                    raise Refused(await worker.why_refused())
                if taken > counts[0]:
                    break
                if time.monotonic() > until:
                    raise Refused(f"Envoy did not take the new {path.stem} within {_UPDATE:.0f} s")
                await asyncio.sleep(0.02)

    async def swap(self, text: str, old: str, generation: int) -> None:
        """Have every worker run the new policy. Raises Refused when one cannot; the others then go back to the old."""
        errors = await self._load(text, generation)
        if errors:
            await self._load(old, generation - 1)
            raise Refused(errors[0])

    async def _load(self, text: str, generation: int) -> list[str]:
        write(self._places.policy, text)
        self._swaps += 1
        asked = [worker for worker in self.workers if worker.line is not None and worker.running]
        for worker in asked:
            worker.loaded = asyncio.get_running_loop().create_future()
            assert worker.line is not None
            await worker.line.send(LoadPolicy(generation, str(self._places.policy)))
        answers = []
        for worker in asked:
            assert worker.loaded is not None
            try:
                answers.append(await asyncio.wait_for(worker.loaded, _UPDATE))
            except TimeoutError:
                answers.append(f"worker {worker.number} did not load the policy within {_UPDATE:.0f} s")
        return [answer for answer in answers if answer]

    # Stopping.

    def stop_soon(self) -> None:
        """Told once, let open requests end; told again, do not wait for them."""
        if self.stopping.is_set():
            self.hurry.set()
        self.stopping.set()

    async def drain(self, bound: float) -> None:
        """Take no more connections, and let what is under way end, for `bound` seconds at the most."""
        await asyncio.gather(*(worker.drain() for worker in self.workers if worker.running))
        until = time.monotonic() + bound
        last, quiet_since = 0, time.monotonic()
        while time.monotonic() < until and not self.hurry.is_set():
            traffic = [await worker.traffic() for worker in self.workers if worker.running]
            if not any(each.connections for each in traffic):
                return
            # Connections without requests are let go, but not so soon that one which asks all the time is caught
            # between two requests: it shall hear that it will be closed.
            total = sum(each.total for each in traffic)
            if total != last or any(each.requests for each in traffic):
                last, quiet_since = total, time.monotonic()
            elif time.monotonic() - quiet_since > _QUIET:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.hurry.wait(), 0.05)

    async def stop(self) -> None:
        self.stopping.set()
        await asyncio.gather(*(worker.stop(_GRACE) for worker in self.workers))
