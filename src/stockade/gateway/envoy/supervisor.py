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
from stockade.gateway.envoy import bootstrap, encryption, preflight, routing
from stockade.gateway.envoy.admin import Admin, Beside, Status
from stockade.gateway.envoy.companion import Companion
from stockade.gateway.envoy.files import write
from stockade.gateway.envoy.fleet import Fleet, StartFailed
from stockade.gateway.envoy.line import Line
from stockade.gateway.envoy.process import EnvoyProcess, Refused
from stockade.gateway.envoy.resources import Places
from stockade.journal import Snapshot, exposition, merge
from stockade.stores import KeySources, SharedTable

_STEADY = 30.0  # seconds after which a worker's past ends are forgotten
_LONGEST_PAUSE = 10.0
_LOOK = 1.0  # seconds between looks at the watched files
__all__ = ["StartFailed", "Supervisor", "supervise", "worker_count"]


class Supervisor:
    """`run` returns when it was told to stop. Say what happens with `tell`."""

    def __init__(
        self,
        loaded: Loaded,
        built: Built,
        workers: int,
        tell: Callable[[str], None],
        beside: Callable[[Callable[[], Loaded]], Beside] | None = None,
    ) -> None:
        """beside: makes what else the admin address serves, given a function that says which policy runs."""
        self._loaded = loaded
        self._beside = beside(lambda: self._loaded) if beside is not None else None
        self._built = built
        self._tell = tell
        self._folder = tempfile.TemporaryDirectory(prefix="stockade-")
        self._counters = SharedTable()  # outlives every worker and every policy
        self._places = Places(Path(self._folder.name), self._counters.file)
        self._fleet = Fleet(self._places, workers, loaded.config.connections)
        self._companion = Companion(self._places, tell)
        self._lost = Snapshot()  # what workers had counted that are gone
        self._reload = asyncio.Event()
        self._restarts = 0
        self._generation = 1
        self._retired: list[Api] = []  # whose upstreams may still be asked by requests that began before a reload
        self._forget = 0.0
        self._errors: list[str] = []
        self._seen: dict[Path, tuple[int, int]] = {}

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Start, serve until told to stop, drain, stop. Raises StartFailed."""
        admin = self._admin()
        self._write_all()
        self._catch_signals()
        server = await self._open_line()
        keepers: list[asyncio.Task[None]] = []
        try:
            await self._companion.start(self._loaded)
            await self._fleet.start()
            if not self._stopping.is_set():
                await _open(admin)
                self._seen = self._look()
                keepers = [asyncio.create_task(self._keep(worker)) for worker in self._fleet.workers]
                chores = (self._watch(), self._poll(), self._companion.keep())
                keepers += [asyncio.create_task(chore) for chore in chores]
                if self._beside is not None:
                    keepers.append(asyncio.create_task(self._beside.keep()))
                ready()
            await self._stopping.wait()
            bound = self._loaded.config.drain
            self._tell(f"stopping: open requests have {bound:.0f} s")
            await self._fleet.drain(bound)
        finally:
            for keeper in keepers:
                keeper.cancel()
            await self._fleet.stop()
            await self._companion.stop()
            await admin.stop()
            if self._beside is not None:
                self._beside.close()
            server.close()
            self._counters.close()
            self._folder.cleanup()

    def _admin(self) -> Admin:
        config, folder = self._loaded.config.admin, self._loaded.folder
        tls = (folder / config.tls.certificate, folder / config.tls.key) if config.tls is not None else None
        routes = self._beside.routes() if self._beside is not None and config.api else ()
        return Admin(config.address, self.status, self.metrics, routes, tls)

    @property
    def _stopping(self) -> asyncio.Event:
        return self._fleet.stopping

    async def _open_line(self) -> asyncio.Server:
        try:
            return await asyncio.start_unix_server(self._fleet.meet, self._places.line, limit=Line.limit())
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
        write(self._places.clusters, bootstrap.clusters(self._loaded, apis, self._places))
        write(self._places.routes, routing.routes(self._loaded, apis))
        write(self._places.listeners, bootstrap.listeners(self._loaded, self._places))

    def _write_secrets(self, loaded: Loaded) -> None:
        for name, text in encryption.secrets(loaded).items():
            write(self._places.secret(name), text)

    def _drop_secrets(self, loaded: Loaded) -> None:
        """Of listeners that are no more."""
        kept = {self._places.secret(name) for name in encryption.secrets(loaded)}
        for path in set(self._places.folder.glob("secret-*")) - kept:
            path.unlink(missing_ok=True)

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._fleet.stop_soon)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)

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
            try:
                await self._fleet.start_again(worker)
            except StartFailed as error:
                self._tell(str(error))

    async def _poll(self) -> None:
        """Ask for counts now and then, so that little is lost when a worker is killed."""
        while True:
            await self._fleet.count()
            await asyncio.sleep(_LOOK)

    # What the admin address shows.

    def status(self) -> Status:
        running = sum(worker.ready and worker.running for worker in self._fleet.workers)
        troubles = [worker.log_trouble for worker in self._fleet.workers if worker.log_trouble]
        return Status(
            ready=running > 0 and not self._stopping.is_set(),
            stopping=self._stopping.is_set(),
            workers=running,
            generation=self._generation,
            policy_errors=list(self._errors),
            log_errors=sorted(set(troubles)),
        )

    async def metrics(self) -> bytes:
        await self._fleet.count()
        status = self.status()
        return exposition(
            merge([self._lost, *(worker.snapshot for worker in self._fleet.workers)]),
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
                # What changed while that took time must be noticed at the next look.
                self._seen = {path: seen.get(path, state) for path, state in self._look().items()}
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
        service = await self._companion.prepare(loaded)
        try:
            await self._fleet.push("cds", self._places.clusters, bootstrap.clusters(loaded, both, self._places))
            await self._fleet.push("rds", self._places.routes, routing.routes(loaded, both))
            self._write_secrets(loaded)
            await self._fleet.push("lds", self._places.listeners, bootstrap.listeners(loaded, self._places))
            await self._fleet.swap(loaded.text, self._loaded.text, self._generation + 1)
        except BaseException:
            self._write_all()  # of the old policy, which is still self._loaded
            await self._companion.abandon(service, self._loaded)
            raise
        self._companion.commit(service)
        self._loaded, self._built, self._retired = loaded, built, retired
        # No request takes longer than this to arrive; then it has been sent on, and holds its upstream itself.
        self._forget = time.monotonic() + loaded.config.timeouts.request
        self._generation += 1
        self._drop_secrets(loaded)

    async def _forget_retired(self) -> None:
        apis = _distinct(list(self._loaded.config.apis))
        try:
            await self._fleet.push("rds", self._places.routes, routing.routes(self._loaded, apis))
            await self._fleet.push("cds", self._places.clusters, bootstrap.clusters(self._loaded, apis, self._places))
        except Refused as error:
            self._tell(f"old upstreams could not be forgotten: {error}")
        self._retired = []

    def _warn_of_unchanged(self, loaded: Loaded) -> None:
        new, old = loaded.config, self._loaded.config
        for name, was, wanted in (
            ("workers", old.workers, new.workers),
            ("connections", old.connections, new.connections),
            ("admin", old.admin, new.admin),
        ):
            if was != wanted:
                self._tell(f"{loaded.where(name)}: {name} takes effect when Stockade is started again")

    async def _check_new_issuers(self, loaded: Loaded, built: Built) -> None:
        known = {source.url for source in self._built.sources}
        fresh = [source for source in built.sources if source.url and source.url not in known]
        await preflight.check_issuers_async(loaded, KeySources(fresh))


async def _open(admin: Admin) -> None:
    try:
        await admin.start()
    except OSError as error:
        raise StartFailed(f"the admin address cannot be opened: {error.strerror}") from error


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
            paths = (listen.tls.certificate, listen.tls.key, listen.tls.client_ca, listen.tls.client_crl)
            files |= {loaded.folder / path for path in paths if path is not None}
    return frozenset(files)


def _ending(status: int) -> str:
    if status < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-status).name
    return f"exit status {status}"


async def supervise(
    loaded: Loaded,
    built: Built,
    workers: int,
    ready: Callable[[], None],
    beside: Callable[[Callable[[], Loaded]], Beside] | None = None,
) -> None:
    """Run the gateway until it is told to stop."""

    def tell(text: str) -> None:
        sys.stderr.write(f"stockade: {text}\n")

    await Supervisor(loaded, built, workers, tell, beside).run(ready)


def worker_count(loaded: Loaded, wanted: int | None) -> int:
    """How many workers: what the command line says, else the policy; `auto` is one per core we may use."""
    count = wanted if wanted is not None else loaded.config.workers
    return len(os.sched_getaffinity(0)) if count == "auto" else int(count)
