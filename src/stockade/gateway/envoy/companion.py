"""The token service beside the workers: a process of its own, started, watched, replaced and stopped by the supervisor.

The socket is the supervisor's, so that a service which ends, or is replaced, refuses nobody: who comes meanwhile waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import Callable

from stockade.config import Loaded
from stockade.gateway.envoy.files import write
from stockade.gateway.envoy.fleet import StartFailed
from stockade.gateway.envoy.resources import Places

_START = 20.0  # seconds within which it must be ready
_GRACE = 8.0  # seconds for it to end
_LONGEST_PAUSE = 10.0
_STEADY = 30.0
_BACKLOG = 512


class Companion:
    """Does nothing where the policy has no token service."""

    def __init__(self, places: Places, tell: Callable[[str], None]) -> None:
        self._places = places
        self._tell = tell
        self._socket: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._origin = ""
        self._changed = asyncio.Event()

    async def start(self, loaded: Loaded) -> None:
        """Raises StartFailed."""
        self._origin = str(loaded.path.absolute())
        self.commit(await self.prepare(loaded))

    async def prepare(self, loaded: Loaded) -> asyncio.subprocess.Process | None:
        """A service that runs another policy, beside the one that runs. Raises StartFailed."""
        if loaded.config.identity is None:
            return None
        self._listen()
        write(self._places.identity_policy, loaded.text)
        return await self._launch()

    def commit(self, process: asyncio.subprocess.Process | None) -> None:
        """From now on it is this one."""
        old, self._process = self._process, process
        if old is not None:
            _terminate(old)
        self._changed.set()

    async def abandon(self, process: asyncio.subprocess.Process | None, loaded: Loaded) -> None:
        """The policy was refused; the old one runs on."""
        write(self._places.identity_policy, loaded.text)
        if process is not None:
            await _stop(process)

    async def keep(self) -> None:
        """Start it again whenever it ends, after a pause that grows while it keeps ending."""
        pause = 0.1
        while True:
            process, started = self._process, time.monotonic()
            self._changed.clear()
            if process is None:
                await self._changed.wait()
                continue
            status = await process.wait()
            if process is not self._process:
                continue
            if time.monotonic() - started > _STEADY:
                pause = 0.1
            self._tell(f"the token service ended ({status}); starting it again in {pause:.1f} s")
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            try:
                self._process = await self._launch()
            except StartFailed as error:
                self._tell(str(error))

    async def stop(self) -> None:
        if self._process is not None:
            await _stop(self._process)
        if self._socket is not None:
            self._socket.close()

    def _listen(self) -> None:
        if self._socket is not None:
            return
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.bind(str(self._places.identity))  # in a folder that is ours alone
        except OSError as error:
            raise StartFailed(f"the socket of the token service cannot be opened: {error}") from error
        self._socket.listen(_BACKLOG)

    async def _launch(self) -> asyncio.subprocess.Process:
        assert self._socket is not None
        descriptor, counters = self._socket.fileno(), self._places.counters
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "stockade.identity.service"),
            *(str(self._places.identity_policy), self._origin, str(descriptor), f"/dev/fd/{counters}"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=(descriptor, counters),
        )
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), _START)
        except TimeoutError:
            line = b""
        if line != b"ready\n":
            await _stop(process)
            raise StartFailed("the token service did not come up; its own words stand above")
        return process


def _terminate(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()


async def _stop(process: asyncio.subprocess.Process) -> None:
    _terminate(process)
    try:
        await asyncio.wait_for(process.wait(), _GRACE)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
