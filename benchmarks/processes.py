"""Programs that a benchmark starts: pinned to a core, watched through /proc, and stopped by pid.

Linux only. A program is the command that was started and everything that it started in turn, so that a supervisor
with workers is measured, pinned and stopped as one thing.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
STOP_SECONDS = 15.0  # a gateway may drain connections first
LOG_TAIL = 2000


@dataclass(frozen=True, slots=True)
class Process:
    """One line of /proc/PID/stat. `started` (ticks since boot) tells a process from a later one with the same pid."""

    pid: int
    parent: int
    session: int
    cpu_ticks: int
    started: int
    zombie: bool

    @property
    def executable(self) -> str:
        """The base name of the running binary, or nothing if it is gone."""
        try:
            return Path(f"/proc/{self.pid}/exe").readlink().name
        except OSError:
            return ""

    def resident_kib(self) -> int:
        """Resident memory in KiB; smaps_rollup is exact where /proc/PID/statm lags behind by batches per thread."""
        try:
            lines = Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            return 0
        return next((int(line.split()[1]) for line in lines if line.startswith("Rss:")), 0)


def read_process(pid: int) -> Process | None:
    """What /proc says of a pid, or None if there is no such process."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = line[line.rindex(")") + 2 :].split()  # the name, in parentheses, may hold spaces
    return Process(
        pid=pid,
        parent=int(fields[1]),
        session=int(fields[3]),
        cpu_ticks=sum(int(field) for field in fields[11:15]),  # its own and its reaped children's, user and system
        started=int(fields[19]),
        zombie=fields[0] in "ZX",
    )


def all_processes() -> list[Process]:
    """Every process that is alive now."""
    found = (read_process(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [process for process in found if process is not None and not process.zombie]


def family(root: int) -> list[Process]:
    """The processes that descend from `root` or belong to its session (a daemon loses its parent, not its session)."""
    everyone = all_processes()
    members = {process.pid for process in everyone if root in (process.pid, process.session)}
    grown = True
    while grown:
        children = {process.pid for process in everyone if process.parent in members} - members
        members |= children
        grown = bool(children)
    return [process for process in everyone if process.pid in members]


def pin(processes: Sequence[Process], core: int) -> None:
    """Bind every thread of these processes to one core, whatever they chose for themselves."""
    for process in processes:
        try:
            threads = [int(thread.name) for thread in Path(f"/proc/{process.pid}/task").iterdir()]
        except OSError:
            continue
        for thread in threads:
            try:
                os.sched_setaffinity(thread, {core})
            except ProcessLookupError:
                continue


def core_busy_ticks(core: int) -> int:
    """Ticks in which a core was not idle, interrupts and time stolen by the hypervisor included.

    Kernels differ in whether a process pays for the network interrupts that it causes; where it does not, they are
    left over when the processes' ticks are taken off, so what remains is the most that others can have had.
    """
    prefix = f"cpu{core} "
    line = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith(prefix))
    user, nice, system, _idle, _waiting, interrupts, soft_interrupts, stolen = map(int, line.split()[1:9])
    return user + nice + system + interrupts + soft_interrupts + stolen


def free_port() -> int:
    """A loopback TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Program:
    """A running command in a session of its own, so that Ctrl-C reaches the benchmark alone, which then stops it."""

    def __init__(self, command: Sequence[str], core: int, log: Path) -> None:
        self.log = log
        self._seen: dict[int, Process] = {}  # a child in a session of its own is found no more once its parent is gone
        self.core = core
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                ["taskset", "-c", str(core), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def exit_status(self) -> int | None:
        """The command's exit status, or None while it runs."""
        return self._process.poll()

    def family(self) -> list[Process]:
        """The command's process and all that it started."""
        members = family(self._process.pid)
        self._seen.update((process.pid, process) for process in members)
        return members

    def pin(self) -> None:
        """Bind all threads of all its processes to its core."""
        pin(self.family(), self.core)

    def cpu_ticks(self) -> int:
        """Processor time that the program has used so far."""
        return sum(process.cpu_ticks for process in self.family())

    def tail(self) -> str:
        """The end of what it printed."""
        return self.log.read_text(errors="replace")[-LOG_TAIL:].strip()

    def stop(self) -> None:
        """Ask politely, wait, then kill what is left; a second Ctrl-C during the wait goes straight to the killing."""
        self.family()
        members = list(self._seen.values())
        try:
            if self._process.poll() is None:
                self._process.terminate()
            self._wait_until_gone(members, time.monotonic() + STOP_SECONDS)
        finally:
            for process in still_alive(members + self.family()):
                kill(process)
            self._process.wait()

    def _wait_until_gone(self, members: Sequence[Process], deadline: float) -> None:
        while (self._process.poll() is None or still_alive(members)) and time.monotonic() < deadline:
            time.sleep(0.02)


def still_alive(processes: Sequence[Process]) -> list[Process]:
    """Those of the processes that still run, judged by pid and start time."""
    alive = []
    for process in processes:
        now = read_process(process.pid)
        if now is not None and now.started == process.started and not now.zombie:
            alive.append(process)
    return alive


def kill(process: Process) -> None:
    """End one process at once."""
    try:
        os.kill(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
