"""A real gateway, `python -m stockade up`, in a process and a folder of its own."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any, TypeAlias, TypeVar

from tests.gateway.client import Reply, ask

T = TypeVar("T")
Policy: TypeAlias = dict[str, Any]
INJECTED = Path(__file__).with_name("injected")
ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 30.0  # seconds: how long a machine that is busy with other things may take
_reserved = contextlib.ExitStack()  # until the tests are over
atexit.register(_reserved.close)


def free_port() -> int:
    """A loopback port that is free, and that no other test process will be given.

    Outside the range from which the kernel takes ports for clients; the reservation is a datagram socket on the same
    number, which disturbs nobody.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        reservation = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with socket.socket() as probe:
            try:
                reservation.bind(("127.0.0.1", port))
                probe.bind(("127.0.0.1", port))
            except OSError:
                reservation.close()
                continue
        _reserved.enter_context(reservation)
        return port


def wait_until(probe: Callable[[], T | None], what: str = "", within: float = _PATIENCE) -> T:
    """The first true answer of the probe. Fails when none comes within the time (seconds)."""
    until = time.monotonic() + within
    while True:
        answer = probe()
        if answer:
            return answer
        assert time.monotonic() < until, f"waited {within:.0f} s for {what or probe}"
        time.sleep(0.02)


def await_port(port: int, process: subprocess.Popen[bytes] | None = None) -> None:
    def taken() -> bool:
        assert process is None or process.poll() is None, "the process ended"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    wait_until(taken, f"port {port}")


@contextlib.contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The process, which is gone when the context is left, whatever happened in it."""
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def alive(pid: int) -> bool:
    """Whether there is such a process, other than as a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def api(behind: int | str, name: str = "shop", **fields: Any) -> Policy:
    """An API without limits of its own; what is behind it is a loopback port or a URL."""
    url = f"http://127.0.0.1:{behind}" if isinstance(behind, int) else behind
    more = fields.pop("upstream", {})
    return {"name": name, "upstream": {"url": url, **more}, "limits": [], **fields}


def policy(*apis: Policy, **fields: Any) -> Policy:
    """A policy on a port of its own; `listen` holds further keys of the listener."""
    listen = fields.pop("listen", {})
    listeners = listen if isinstance(listen, list) else [{"address": f"127.0.0.1:{free_port()}", **listen}]
    log = {"path": "decisions.jsonl", "headers": ["x-tag"], **fields.pop("log", {})}
    admin = {"address": f"127.0.0.1:{free_port()}"}
    return {"version": 1, "listen": listeners, "admin": admin, "log": log, **fields, "apis": list(apis)}


class Gateway:
    """`folder` is where it runs; `policy` is what stands in its policy file."""

    def __init__(
        self, folder: Path, policy: Policy, *, options: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        """With `environment`, tests' own code runs in the gateway too: see `injected`."""
        self.folder = folder
        self.options = options
        self.scratch = Path(tempfile.mkdtemp(prefix="stk-"))  # a short name: sockets lie in it
        self.environment = {**os.environ, "TMPDIR": str(self.scratch)}
        if environment:
            injected = os.pathsep.join([str(INJECTED), *filter(None, [os.environ.get("PYTHONPATH")])])
            self.environment |= {"PYTHONPATH": injected, **environment}
        self.process: subprocess.Popen[bytes]
        self.known_workers: set[int] = set()
        self.admin_port = int(policy["admin"]["address"].rpartition(":")[2])  # it never moves
        self.write(policy)

    # The process.

    def start(self) -> None:
        """Wait until it takes traffic. Fails with its own words when it ends instead."""
        self.launch()
        wait_until(self._started, "the gateway to start")
        self.workers()

    def launch(self) -> None:
        self.scratch.mkdir(exist_ok=True)
        with (self.folder / "stdout.txt").open("ab") as out, (self.folder / "stderr.txt").open("ab") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "stockade", "up", "stockade.yaml", *self.options],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def _started(self) -> bool:
        assert self.process.poll() is None, f"ended with {self.process.returncode}:\n{self.stderr}"
        return "admin on " in self.stdout

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Its exit status."""
        self.workers()
        self.process.send_signal(number)
        return self.process.wait(_PATIENCE)

    def end(self) -> None:
        """Make sure that nothing of it is left."""
        try:
            if self.process.poll() is None:
                self.stop()
        finally:
            for pid in {self.process.pid, *self.known_workers} if self.process.poll() is None else self.known_workers:
                with contextlib.suppress(ProcessLookupError):
                    if _is_envoy(pid) or pid == self.process.pid:
                        os.kill(pid, signal.SIGKILL)
            self.process.wait()
            shutil.rmtree(self.scratch, ignore_errors=True)

    def workers(self) -> list[int]:
        """The process ids of the running workers."""
        pids = [pid for pid in children(self.process.pid) if _is_envoy(pid)]
        self.known_workers.update(pids)
        return pids

    @property
    def stdout(self) -> str:
        return (self.folder / "stdout.txt").read_text()

    @property
    def stderr(self) -> str:
        return (self.folder / "stderr.txt").read_text()

    # The policy.

    def write(self, policy: Policy) -> None:
        """Put the policy where a running gateway will find it (JSON is YAML)."""
        self.policy = policy
        fresh = self.folder / "stockade.yaml.new"
        fresh.write_text(json.dumps(policy, indent=1))
        fresh.replace(self.folder / "stockade.yaml")

    def reload(self, policy: Policy, *, by_signal: bool = True) -> Policy:
        """Run this policy; how /readyz stands when it was taken or refused."""
        before = self.ready()["generation"]
        said = self.stderr.count("stockade: policy re")
        self.write(policy)
        if by_signal:
            self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.stderr.count("stockade: policy re") > said, "the policy to be taken or refused")
        status = self.ready()
        assert status["generation"] >= before
        return status

    # What it serves and tells.

    @property
    def port(self) -> int:
        return int(self.policy["listen"][0]["address"].rpartition(":")[2])

    def ask(self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Reply:
        """One request on a connection of its own."""
        return ask(self.port, method, target, headers, body)

    def get(self, target: str, **headers: str) -> Reply:
        return self.ask("GET", target, {name.replace("_", "-"): value for name, value in headers.items()})

    def ready(self) -> Policy:
        """What /readyz says."""
        status: Policy = json.loads(ask(self.admin_port, "GET", "/readyz").body)
        return status

    def metrics(self) -> dict[str, float]:
        """/metrics: value by name and labels as they are written."""
        text = ask(self.admin_port, "GET", "/metrics").body.decode()
        lines = [line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, _, value in lines}

    def total(self, family: str, **labels: str) -> float:
        """The sum over all series of a family that carry these labels."""
        wanted = [f'{name}="{value}"' for name, value in labels.items()]
        return sum(
            value
            for name, value in self.metrics().items()
            if name.partition("{")[0] == family and all(label in name for label in wanted)
        )

    def log(self) -> list[Policy]:
        """The decision log as it stands."""
        path = self.folder / Template(self.policy["log"]["path"]).substitute(self.environment)
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def records(self, tag: str, count: int = 1) -> list[Policy]:
        """The records of the requests that carried `x-tag: tag`, once there are so many."""

        def found() -> list[Policy] | None:
            records = [record for record in self.log() if record.get("headers", {}).get("x-tag") == tag]
            return records if len(records) >= count else None

        return wait_until(found, f"{count} records of {tag}", 10.0)

    def record(self, tag: str) -> Policy:
        (record,) = self.records(tag)
        return record


def _is_envoy(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"envoy" in Path(f"/proc/{pid}/cmdline").read_bytes().partition(b"\0")[0]
    return False


@contextlib.contextmanager
def running(gateway: Gateway) -> Iterator[Gateway]:
    """The gateway, started, and ended when the context is left."""
    try:
        gateway.start()
        yield gateway
    finally:
        gateway.end()
