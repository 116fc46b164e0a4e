"""The supervisor: starts one Envoy per worker, watches, restarts, reloads and drains them.

    start ──▶ all workers ready ──▶ run: restart who ends, reload on SIGHUP or change, serve the admin address
                                     └─ SIGTERM, SIGINT ──▶ drain within the bound ──▶ stop

It holds no traffic. When it is gone, the workers write down what they know and end, for nobody would keep them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from stockade.config import Api, BadConfig, Built, Loaded, build, load_text
from stockade.config.build import cluster_name
from stockade.gateway.envoy import bootstrap, preflight
from stockade.gateway.envoy.admin import Admin, Status
from stockade.gateway.envoy.bootstrap import Places
from stockade.gateway.envoy.files import write
from stockade.gateway.envoy.line import Line, LoadPolicy, Ready, Report, SendSnapshot
from stockade.gateway.envoy.line import Loaded as LoadedMessage
from stockade.gateway.envoy.process import EnvoyProcess
from stockade.journal import Snapshot, exposition, merge
from stockade.stores import KeySources

_START = 20.0  # seconds within which a worker must be ready
_STEADY = 30.0  # seconds after which a worker's past ends are forgotten
_LONGEST_PAUSE = 10.0
_LOOK = 1.0  # seconds between looks at the watched files
_UPDATE = 10.0  # seconds within which Envoy must take a new configuration
_GRACE = 5.0  # seconds for a drained worker to end
_QUIET = 1.0  # seconds without a request after which a connection that is still open is idle


class StartFailed(Exception):
    """A worker did not come up; the message says why, as far as is known."""


class Supervisor:
    """`run` returns when it was told to stop. Say what happens with `tell`."""

    def __init__(self, loaded: Loaded, built: Built, workers: int, tell: Callable[[str], None]) -> None:
        self._loaded = loaded
        self._built = built
        self._tell = tell
        self._folder = tempfile.TemporaryDirectory(prefix="stockade-")
        self._places = Places(Path(self._folder.name))
        self._workers = [EnvoyProcess(n, self._places, loaded.config.connections) for n in range(workers)]
        self._lost = Snapshot()  # what workers had counted that are gone
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._reload = asyncio.Event()
        self._restarts = 0
        self._generation = 1
        self._swaps = 0
        self._retired: list[Api] = []  # whose upstreams may still be asked by requests that began before a reload
        self._forget = 0.0
        self._errors: list[str] = []
        self._seen: dict[Path, tuple[int, int]] = {}

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Start, serve until told to stop, drain, stop. Raises StartFailed."""
        admin = Admin(self._loaded.config.admin.address, self.status, self.metrics)
        self._write_all()
        self._catch_signals()
        server = await self._open_line()
        keepers: list[asyncio.Task[None]] = []
        try:
            await self._start_all()
            if not self._stopping.is_set():
                await admin.start()
                self._seen = self._look()
                keepers = [asyncio.create_task(self._keep(worker)) for worker in self._workers]
                keepers += [asyncio.create_task(self._watch()), asyncio.create_task(self._poll())]
                ready()
            await self._stopping.wait()
            await self._drain()
        except OSError as error:
            raise StartFailed(f"the admin address cannot be opened: {error.strerror}") from error
        finally:
            self._stopping.set()
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*(worker.stop(_GRACE) for worker in self._workers))
            await admin.stop()
            server.close()
            self._folder.cleanup()

    async def _open_line(self) -> asyncio.Server:
        try:
            return await asyncio.start_unix_server(self._meet, self._places.line, limit=Line.limit())
        except OSError as error:
            self._folder.cleanup()
            raise StartFailed(
                f"no socket can be opened in {self._folder.name}: {error}; is TMPDIR too long?"
            ) from error

    # Starting and keeping.

    def _write_all(self) -> None:
        apis = _distinct([*self._loaded.config.apis, *self._retired])
        write(self._places.policy, self._loaded.text)
        self._write_secrets(self._loaded)
        write(self._places.clusters, bootstrap.clusters(self._loaded, apis))
        write(self._places.routes, bootstrap.routes(self._loaded, apis))
        write(self._places.listeners, bootstrap.listeners(self._loaded, self._places))

    def _write_secrets(self, loaded: Loaded) -> None:
        for name, text in bootstrap.secrets(loaded).items():
            write(self._places.secret(name), text)

    def _drop_secrets(self, loaded: Loaded) -> None:
        """Of listeners that are no more."""
        kept = {self._places.secret(name) for name in bootstrap.secrets(loaded)}
        for path in set(self._places.folder.glob("secret-*")) - kept:
            path.unlink(missing_ok=True)

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)

    def _stop(self) -> None:
        """Told once, let open requests end; told again, do not wait for them."""
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()

    async def _start_all(self) -> None:
        try:
            await asyncio.gather(*(worker.start() for worker in self._workers))
        except OSError as error:
            raise StartFailed(f"Envoy cannot be started: {error}") from error
        await asyncio.gather(*(self._until_ready(worker) for worker in self._workers))

    async def _until_ready(self, worker: EnvoyProcess) -> None:
        """Wait until the worker takes traffic. Raises StartFailed when it ended or took too long."""
        until = time.monotonic() + _START
        while time.monotonic() < until and not self._stopping.is_set():
            if not worker.running:
                raise StartFailed(f"worker {worker.number} ended while starting; Envoy's own words stand above")
            try:
                if await worker.listening() and worker.met.is_set():
                    worker.ready = True
                    return
            except RuntimeError as error:
                raise StartFailed(f"worker {worker.number} cannot run: {error}") from None
            await asyncio.sleep(0.02)
        if not self._stopping.is_set():
            raise StartFailed(f"worker {worker.number} was not ready within {_START:.0f} s")

    async def _keep(self, worker: EnvoyProcess) -> None:
        """Start the worker again whenever it ends, after a pause that grows while it keeps ending."""
        pause = 0.1
        while not self._stopping.is_set():
            assert worker.process is not None
            status = await worker.process.wait()
            if self._stopping.is_set():
                return
            self._restarts += 1
            worker.gone()
            self._lost, worker.snapshot = merge([self._lost, worker.snapshot]), Snapshot()
            if time.monotonic() - worker.started > _STEADY:
                pause = 0.1
            self._tell(f"worker {worker.number} ended ({_ending(status)}); starting it again in {pause:.1f} s")
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            worker.swaps = self._swaps
            try:
                await worker.start()
                await self._until_ready(worker)
            except (OSError, StartFailed) as error:
                self._tell(str(error))
                await worker.stop(_GRACE)

    # The line to the workers.

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(reader, writer)
        worker: EnvoyProcess | None = None
        async for message in line.messages():
            if isinstance(message, Ready):
                worker = self._workers[message.worker]
                worker.line = line
                if worker.swaps == self._swaps:
                    worker.met.set()
                else:  # it may have begun with a policy that was swapped meanwhile
                    await line.send(LoadPolicy(self._generation, str(self._places.policy)))
            elif worker is not None and isinstance(message, Report):
                worker.snapshot, worker.log_trouble = message.snapshot, message.log_trouble
                worker.reported.set()
            elif worker is not None and isinstance(message, LoadedMessage):
                worker.met.set()
                if worker.loaded is not None and not worker.loaded.done():
                    worker.loaded.set_result(message.error)
        line.close()

    async def _poll(self) -> None:
        """Ask for counts now and then, so that little is lost when a worker is killed."""
        while True:
            await self._ask_counts()
            await asyncio.sleep(_LOOK)

    async def _ask_counts(self) -> None:
        asked = [worker for worker in self._workers if worker.line is not None and worker.running]
        for worker in asked:
            worker.reported.clear()
            assert worker.line is not None
            await worker.line.send(SendSnapshot())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*(worker.reported.wait() for worker in asked)), 1.0)

    # What the admin address shows.

    def status(self) -> Status:
        running = sum(worker.ready and worker.running for worker in self._workers)
        troubles = [worker.log_trouble for worker in self._workers if worker.log_trouble]
        return Status(
            ready=running > 0 and not self._stopping.is_set(),
            stopping=self._stopping.is_set(),
            workers=running,
            generation=self._generation,
            policy_errors=list(self._errors),
            log_errors=sorted(set(troubles)),
        )

    async def metrics(self) -> bytes:
        await self._ask_counts()
        status = self.status()
        return exposition(
            merge([self._lost, *(worker.snapshot for worker in self._workers)]),
            workers=status.workers,
            restarts=self._restarts,
            policy_generation=self._generation,
            policy_ok=not self._errors,
        )

    # Reloading.

    def _look(self) -> dict[Path, tuple[int, int]]:
        """What the watched files look like: modification time and size."""
        seen = {}
        for path in self._built.watched | _certificate_files(self._loaded):
            with contextlib.suppress(OSError):
                state = path.stat()
                seen[path] = (state.st_mtime_ns, state.st_size)
        return seen

    async def _watch(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._reload.wait(), _LOOK)
            seen = self._look()
            if self._reload.is_set() or seen != self._seen:
                self._reload.clear()
                self._seen = seen
                await self._try_reload()
            elif self._retired and time.monotonic() > self._forget:
                await self._forget_retired()

    async def _try_reload(self) -> None:
        try:
            await self._adopt()
        except BadConfig as error:
            self._errors = [str(problem) for problem in error.problems]
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the old policy keeps running and the supervisor too
            self._errors = [str(error) or type(error).__name__]
        else:
            self._errors = []
            self._tell(f"policy reloaded (generation {self._generation})")
            return
        self._tell("policy refused, the old one keeps running:\n" + "\n".join(self._errors))

    async def _adopt(self) -> None:
        """New clusters and routes beside the old, then the new policy, then the old ones away: no request falls
        between two policies."""
        loaded = await asyncio.to_thread(_read, self._loaded.path)
        built = await asyncio.to_thread(build, loaded)
        await asyncio.to_thread(preflight.check_files, loaded, built)
        await self._check_new_issuers(loaded, built)
        await asyncio.to_thread(preflight.check_addresses_beside, loaded, self._loaded)
        self._warn_of_unchanged(loaded)
        current = {cluster_name(api) for api in loaded.config.apis}
        old = _distinct([*self._loaded.config.apis, *self._retired])
        retired = [api for api in old if cluster_name(api) not in current]
        both = _distinct([*loaded.config.apis, *retired])
        try:
            await self._push("cds", self._places.clusters, bootstrap.clusters(loaded, both))
            await self._push("rds", self._places.routes, bootstrap.routes(loaded, both))
            self._write_secrets(loaded)
            await self._push("lds", self._places.listeners, bootstrap.listeners(loaded, self._places))
            await self._swap(loaded)
        except BaseException:
            self._write_all()  # of the old policy, which is still self._loaded
            raise
        self._loaded, self._built, self._retired = loaded, built, retired
        # No request takes longer than this to arrive; then it has been sent on, and holds its upstream itself.
        self._forget = time.monotonic() + loaded.config.timeouts.request
        self._generation += 1
        self._drop_secrets(loaded)
        self._seen = self._look()

    async def _forget_retired(self) -> None:
        apis = _distinct(list(self._loaded.config.apis))
        try:
            await self._push("rds", self._places.routes, bootstrap.routes(self._loaded, apis))
            await self._push("cds", self._places.clusters, bootstrap.clusters(self._loaded, apis))
        except RuntimeError as error:
            self._tell(f"old upstreams could not be forgotten: {error}")
        self._retired = []

    def _warn_of_unchanged(self, loaded: Loaded) -> None:
        new, old = loaded.config, self._loaded.config
        for name, was, wanted in (
            ("workers", old.workers, new.workers),
            ("connections", old.connections, new.connections),
        ):
            if was != wanted:
                self._tell(f"{loaded.where(name)}: {name} takes effect when Stockade is started again")

    async def _check_new_issuers(self, loaded: Loaded, built: Built) -> None:
        known = {source.url for source in self._built.sources}
        fresh = [source for source in built.sources if source.url and source.url not in known]
        await preflight.check_issuers_async(loaded, KeySources(fresh))

    async def _push(self, kind: str, path: Path, text: str) -> None:
        """Hand Envoy a new file and wait until every worker took it. Raises RuntimeError with Envoy's words if not."""
        before = [(worker, await worker.updates(kind)) for worker in self._workers if worker.ready]
        if not write(path, text):
            return
        for worker, counts in before:
            until = time.monotonic() + _UPDATE
            while counts is not None and worker.ready:  # one that ends will begin with the new file
                taken, refused = await worker.updates(kind) or counts
                if refused > counts[1]:
                    raise RuntimeError(await worker.why_refused())
                if taken > counts[0]:
                    break
                if time.monotonic() > until:
                    raise RuntimeError(f"Envoy did not take the new {path.stem} within {_UPDATE:.0f} s")
                await asyncio.sleep(0.02)

    async def _swap(self, loaded: Loaded) -> None:
        """Have every worker run the new policy. Raises RuntimeError when one cannot; the others then go back."""
        errors = await self._load_everywhere(loaded.text)
        if errors:
            await self._load_everywhere(self._loaded.text)
            raise RuntimeError(errors[0])

    async def _load_everywhere(self, text: str) -> list[str]:
        write(self._places.policy, text)
        self._swaps += 1
        asked = [worker for worker in self._workers if worker.line is not None and worker.running]
        for worker in asked:
            worker.loaded = asyncio.get_running_loop().create_future()
            assert worker.line is not None
            await worker.line.send(LoadPolicy(self._generation + 1, str(self._places.policy)))
        answers = []
        for worker in asked:
            assert worker.loaded is not None
            try:
                answers.append(await asyncio.wait_for(worker.loaded, _UPDATE))
            except TimeoutError:
                answers.append(f"worker {worker.number} did not load the policy within {_UPDATE:.0f} s")
        return [answer for answer in answers if answer]

    # Stopping.

    async def _drain(self) -> None:
        """Take no more connections, let what is under way end, for as long as the policy allows."""
        bound = self._loaded.config.drain
        self._tell(f"stopping: open requests have {bound:.0f} s")
        await asyncio.gather(*(worker.drain() for worker in self._workers if worker.running))
        until = time.monotonic() + bound
        last, quiet_since = 0, time.monotonic()
        while time.monotonic() < until and not self._hurry.is_set():
            traffic = [await worker.traffic() for worker in self._workers if worker.running]
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
                await asyncio.wait_for(self._hurry.wait(), 0.05)


def _read(path: Path) -> Loaded:
    try:
        return load_text(path.read_bytes(), path)
    except OSError as error:
        raise RuntimeError(f"{path} cannot be read: {error.strerror}") from error


def _distinct(apis: list[Api]) -> list[Api]:
    """APIs that share an upstream share its cluster; name it once."""
    return list({cluster_name(api): api for api in apis}.values())


def _certificate_files(loaded: Loaded) -> frozenset[Path]:
    files = set()
    for listen in loaded.config.listen:
        if listen.tls is not None:
            paths = (listen.tls.certificate, listen.tls.key, listen.tls.client_ca)
            files |= {loaded.folder / path for path in paths if path is not None}
    return frozenset(files)


def _ending(status: int) -> str:
    if status < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-status).name
    return f"exit status {status}"


async def supervise(loaded: Loaded, built: Built, workers: int, ready: Callable[[], None]) -> None:
    """Run the gateway until it is told to stop."""

    def tell(text: str) -> None:
        sys.stderr.write(f"stockade: {text}\n")

    await Supervisor(loaded, built, workers, tell).run(ready)


def worker_count(loaded: Loaded, wanted: int | None) -> int:
    """How many workers: what the command line says, else the policy; `auto` is one per core we may use."""
    count = wanted if wanted is not None else loaded.config.workers
    return len(os.sched_getaffinity(0)) if count == "auto" else int(count)
