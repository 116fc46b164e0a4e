"""One Envoy process: start, ask, stop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import time
from pathlib import Path
from typing import NamedTuple

import httpx

from stockade.gateway.envoy.bootstrap import bootstrap
from stockade.gateway.envoy.files import write
from stockade.gateway.envoy.line import Line, Stop
from stockade.gateway.envoy.module import environment, envoy_path
from stockade.gateway.envoy.resources import Places
from stockade.journal import Snapshot

# What Envoy waits for before it closes the connections of a listener that was changed or removed: as long as a stream
# may reasonably last. Their clients are asked at once to come again, by `Connection: close` and GOAWAY.
_DRAIN_SECONDS = 3600
_UPDATES = {"cds": "cluster_manager.cds", "lds": "listener_manager.lds", "rds": "http.main.rds.main"}


class Refused(Exception):
    """Envoy or a worker will not run what it was given; the message is its own words."""


class Traffic(NamedTuple):
    """Connections and requests that are open, and how many requests there have been."""

    connections: int
    requests: int
    total: int


class EnvoyProcess:
    """A worker as the supervisor sees it."""

    def __init__(self, number: int, places: Places, connections: int) -> None:
        self.number = number
        self.started = 0.0
        self.swaps = 0  # how often the policy had been swapped when this was started
        self.line: Line | None = None
        self.snapshot = Snapshot()  # what it last reported
        self.log_trouble = ""
        self.reported = asyncio.Event()
        self.met = asyncio.Event()  # the line to it is open
        self.ready = False  # it takes traffic
        self.loaded: asyncio.Future[str] | None = None
        self.process: asyncio.subprocess.Process | None = None
        self._places = places
        self._connections = connections

    async def start(self) -> None:
        path = self._places.bootstrap(self.number)
        write(path, json.dumps(bootstrap(self._places, self.number, self._connections)))
        self._socket.unlink(missing_ok=True)
        self.gone()
        self.started = time.monotonic()
        self.process = await asyncio.create_subprocess_exec(
            envoy_path(),
            *("-c", str(path), "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error"),
            *("--drain-time-s", str(_DRAIN_SECONDS), "--drain-strategy", "immediate"),
            "--skip-hot-restart-parent-stats",
            env=environment(self.number),
            pass_fds=(self._places.counters,),
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C in the terminal is for the supervisor, which drains
        )

    def gone(self) -> None:
        """Nothing is to be expected of it until it is started again."""
        self.line, self.ready, self.log_trouble = None, False, ""
        self.met.clear()
        self.reported.set()
        if self.loaded is not None and not self.loaded.done():
            self.loaded.set_result("")  # it will begin with what the policy is then

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    @property
    def _socket(self) -> Path:
        return self._places.admin(self.number)

    async def _admin(self, method: str, target: str) -> str:
        """Ask Envoy's own administration, which listens on a Unix socket that only we can open."""
        transport = httpx.AsyncHTTPTransport(uds=str(self._socket), verify=False)  # no TLS, no authorities to load
        async with httpx.AsyncClient(transport=transport, timeout=5.0) as client:
            return (await client.request(method, f"http://envoy{target}")).text

    async def updates(self, kind: str) -> tuple[int, int] | None:
        """How many updates of that kind (cds, lds, rds) Envoy took, and how many it refused. None: it does not say."""
        name = _UPDATES[kind]
        try:
            text = await self._admin("GET", f"/stats?filter=^{name}.update_")
        except httpx.HTTPError:
            return None
        counts = dict(line.split(": ") for line in text.splitlines() if ": " in line)
        refused = int(counts.get(f"{name}.update_rejected", 0)) + int(counts.get(f"{name}.update_failure", 0))
        return int(counts.get(f"{name}.update_success", 0)), refused

    async def why_refused(self) -> str:
        """Envoy's own words on the last configuration that it refused."""
        with contextlib.suppress(httpx.HTTPError, ValueError):
            dump = json.loads(await self._admin("GET", "/config_dump"))
            groups = [
                states for part in dump.get("configs", []) for states in part.values() if isinstance(states, list)
            ]
            for state in (state for states in groups for state in states if isinstance(state, dict)):
                if state.get("error_state"):
                    return str(state["error_state"].get("details", "")).strip()
        return "Envoy refused the configuration"

    async def listening(self) -> bool:
        """Whether every listener is active. Raises Refused when one never will be."""
        try:
            text = await self._admin("GET", "/stats?filter=^listener_manager")
        except httpx.HTTPError:
            return False
        counts = dict(line.split(": ") for line in text.splitlines() if ": " in line)
        if counts.get("listener_manager.lds.update_rejected", "0") != "0":
            raise Refused(await self.why_refused())
        warming = counts.get("listener_manager.total_listeners_warming")
        return counts.get("listener_manager.workers_started") == "1" and warming == "0"

    async def drain(self) -> None:
        """Tell clients to come again elsewhere, and take no more connections."""
        with contextlib.suppress(httpx.HTTPError):
            await self._admin("POST", "/drain_listeners?graceful&skip_exit")
            await self._admin("POST", "/drain_listeners")

    async def traffic(self) -> Traffic:
        with contextlib.suppress(httpx.HTTPError, ValueError, KeyError):
            text = await self._admin("GET", "/stats?filter=^http.main.downstream_(cx_active|rq_active|rq_total)$")
            counts = {name: int(count) for name, count in (line.split(": ") for line in text.splitlines())}
            return Traffic(*(counts[f"http.main.downstream_{name}"] for name in ("cx_active", "rq_active", "rq_total")))
        return Traffic(0, 0, 0)

    async def stop(self, within: float) -> None:
        """Let it write down what it knows and end; kill it when it does not within the time (seconds)."""
        if self.process is None:
            return
        if self.line is not None:
            await self.line.send(Stop())
            self.line.close()
        else:
            self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), within)
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self.process.wait()

    def _signal(self, number: int) -> None:
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)
