"""Stockade beside plain Envoy and plain nginx: throughput, added latency, start-up and memory, measured in one run.

    python benchmarks/gateway.py [--seconds 6] [--rounds 3] [--only plain-envoy,nginx,stockade] [--million]
                                 [--output benchmarks/results.md] [--json FILE]

Every proxy is pinned to core 0; the upstream (nginx with a fixed answer), the load and this program to core 1. All
proxies run from beginning to end and take turns round by round; figures are medians over rounds, ratios medians of each
round's ratio. `no-proxy` is the load straight on the upstream: the most that the other core can send and answer, and
so the ceiling of every figure.

Exit status: 0 all well, 1 a peer did not start or a run is void (then no results are written), 2 bad arguments.
"""

import argparse
import contextlib
import dataclasses
import functools
import itertools
import json
import os
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a file, it finds its own folder only

from benchmarks import report
from benchmarks.figures import PACED, SATURATED, Measured, Results, Sample, rate
from benchmarks.gateway_section import section
from benchmarks.load import Load, LoadError, Outcome, loads, paced, saturate
from benchmarks.peers import (
    DEFAULT_ISSUE_KEY,
    DEFAULT_STOCKADE,
    LOAD_CORE,
    PLACEHOLDER_KEY,
    PROXIES,
    PROXY_CORE,
    Peer,
    PeerError,
    Proxy,
    Stockade,
    Upstream,
    output_of,
)
from benchmarks.processes import TICKS_PER_SECOND, Program, core_busy_ticks
from benchmarks.stalls import watch_all

STALLS_SECONDS = 5.0
WARM_UP_SECONDS = 2.0
MILLION = 1_000_000
MILLION_MARKS = (0.1, 0.5, 1.0)
MILLION_STEP_SECONDS = 10.0
SHORTEST_RUN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """The command line, checked."""

    seconds: float
    rounds: int
    only: tuple[str, ...]
    output: Path
    json: Path | None
    million: bool
    rate: float | None


@dataclass(frozen=True, slots=True)
class Target:
    """A peer that runs, and where its figures go."""

    peer: Peer
    program: Program
    measured: Measured

    worker_pids: frozenset[int]

    def resident_kib(self) -> int:
        """Resident memory of the workers."""
        return sum(worker.resident_kib() for worker in self.peer.workers(self.program))

    def send(self, run: Callable[[], Outcome]) -> Outcome:
        """Run a load; figures of refused requests, or of a worker that crashed and was replaced, are no figures."""
        outcome = run()
        if frozenset(worker.pid for worker in self.peer.workers(self.program)) != self.worker_pids:
            raise LoadError("a worker ended during the run")
        if outcome.errors or not outcome.requests:
            raise LoadError(f"{outcome.errors} of {outcome.requests} requests got no 2xx answer")
        return outcome


@dataclass(frozen=True, slots=True)
class Clocks:
    """Readings at one instant: seconds of the wall clock, and ticks used by our processes and by whole cores."""

    wall: float
    own: int
    proxy: int
    load: int
    proxy_core: int
    load_core: int


def sample_of(outcome: Outcome, before: Clocks, after: Clocks) -> Sample:
    """The outcome with what the clocks say; strangers have what a core did beyond our own processes."""
    return Sample(
        outcome=outcome,
        wall_seconds=after.wall - before.wall,
        own_ticks=after.own - before.own,
        others_on_proxy_core=max(0, (after.proxy_core - before.proxy_core) - (after.proxy - before.proxy)),
        others_on_load_core=max(0, (after.load_core - before.load_core) - (after.load - before.load)),
    )


class Benchmark:
    """One run: starts the peers, loads them in turn, and keeps what was measured in `results`."""

    def __init__(self, options: Options, directory: Path, stack: contextlib.ExitStack) -> None:
        self.options = options
        self.directory = directory
        self.results = Results()
        self._stack = stack
        self._targets: list[Target] = []
        self._loads: list[Load] = []

    def run(self) -> None:
        """All stages, in the order in which the report tells them."""
        self.results.stalls = watch_all((PROXY_CORE, LOAD_CORE), STALLS_SECONDS)
        self._start_all()
        self._warm_up()
        for turn in range(self.options.rounds):
            self._saturate_all(turn)
        self._choose_paced_rates()
        for turn in range(self.options.rounds):
            self._pace_all(turn)
        self._note_memory_at_end()
        if self.options.million:
            for target in self._proxies():
                self._send_a_million(target)

    def _start_all(self) -> None:
        upstream = Upstream(self.directory)
        upstream.prepare()
        self._start(upstream, starts=1)
        proxies = self._prepared_proxies(upstream.port)
        keys = [proxy.api_key for proxy in proxies if isinstance(proxy, Stockade)]
        self._loads = loads(keys[0] if keys else PLACEHOLDER_KEY)
        for proxy in proxies:
            with self._noting_failure(proxy.name):
                self._start(proxy, starts=self.options.rounds)

    def _prepared_proxies(self, upstream_port: int) -> list[Proxy]:
        prepared = []
        for name in self.options.only:
            proxy = PROXIES[name](self.directory, upstream_port)
            with self._noting_failure(name):
                proxy.prepare()
                prepared.append(proxy)
        return prepared

    @contextlib.contextmanager
    def _noting_failure(self, name: str) -> Iterator[None]:
        """A peer that does not start is left out, and told of; the others are measured all the same."""
        try:
            yield
        except PeerError as error:
            self.results.not_started[name] = str(error)
            say(f"{name} did not start: {error}")

    def _start(self, peer: Peer, starts: int) -> None:
        """Start the peer several times for the figure, the last time to stay."""
        headers = self._loads[0].headers if self._loads else {}
        for _ in range(starts - 1):
            with peer.started(headers):
                pass
        program = self._stack.enter_context(peer.started(headers))
        workers = frozenset(worker.pid for worker in peer.workers(program))
        if not workers:
            raise PeerError(f"has no process that runs `{peer.worker_executable}`, so there is nothing to measure")
        measured = Measured(peer.version(), len(workers), peer.startup_seconds)
        target = Target(peer, program, measured, workers)
        measured.memory.started = target.resident_kib()
        self._targets.append(target)
        self.results.peers[peer.name] = measured
        say(f"{peer.name}: {measured.version}, port {peer.port}, first 200 after {peer.startup_seconds[-1]:.3f} s")

    def _proxies(self) -> list[Target]:
        return [target for target in self._targets if isinstance(target.peer, Proxy)]

    def _warm_up(self) -> None:
        for target in self._targets:
            for load in self._loads:
                with self._voiding(f"{target.peer.name} warm-up {load.name}"):
                    target.send(functools.partial(saturate, target.peer.port, load, WARM_UP_SECONDS, self.directory))
            target.measured.memory.warm = target.resident_kib()

    def _in_turn(self, turn: int) -> list[Target]:
        """Each round begins with another peer, lest one always follow the same neighbour."""
        first = turn % len(self._targets)
        return self._targets[first:] + self._targets[:first]

    def _saturate_all(self, turn: int) -> None:
        seconds = self.options.seconds
        for load, target in itertools.product(self._loads, self._in_turn(turn)):
            run = functools.partial(saturate, target.peer.port, load, seconds, self.directory)
            self._measure(SATURATED, load, target, turn, run)

    def _choose_paced_rates(self) -> None:
        """Shares of what Stockade carries; without Stockade there is nothing to pace, unless a rate was asked for."""
        stockade = self.results.peers.get(Stockade.name)
        asked = self.options.rate
        for stage, share in ({"asked": 0.0} if asked else PACED).items():
            for load in self._loads:
                most = stockade.median(SATURATED, load.name, rate) if stockade else None
                chosen = asked or (most and most * share)
                if chosen:
                    self.results.paced_rates.setdefault(stage, {})[load.name] = chosen

    def _pace_all(self, turn: int) -> None:
        for stage, rates in self.results.paced_rates.items():
            paced_loads = [load for load in self._loads if load.name in rates]
            for load, target in itertools.product(paced_loads, self._in_turn(turn)):
                chosen = rates[load.name]
                run = functools.partial(paced, target.peer.port, load, chosen, self.options.seconds, seed=turn)
                self._measure(stage, load, target, turn, run)

    def _measure(self, stage: str, load: Load, target: Target, turn: int, run: Callable[[], Outcome]) -> None:
        """Run once; file the sample, or None if the run gave none."""
        name = f"{target.peer.name} {stage} {load.name} round {turn + 1}"
        sample = None
        with self._voiding(name):
            before = self._clocks(target)
            outcome = target.send(run)
            sample = sample_of(outcome, before, self._clocks(target))
            say(f"{name}: {outcome.rate:,.0f}/s, p50 {outcome.p50:.2f} ms, p99 {outcome.p99:.2f} ms")
        target.measured.add(stage, load.name, sample)

    def _clocks(self, target: Target) -> Clocks:
        """Read all clocks. The upstream is the first target; on its own it has the proxy's core idle."""
        upstream = self._targets[0].program.cpu_ticks()
        proxy = target.program.cpu_ticks() if isinstance(target.peer, Proxy) else 0
        own_times = os.times()[:4]  # this process and its finished children: wrk
        return Clocks(
            wall=time.monotonic(),
            own=proxy or upstream,
            proxy=proxy,
            load=upstream + round(sum(own_times) * TICKS_PER_SECOND),
            proxy_core=core_busy_ticks(PROXY_CORE),
            load_core=core_busy_ticks(LOAD_CORE),
        )

    @contextlib.contextmanager
    def _voiding(self, name: str) -> Iterator[None]:
        """A run that fails is void and told of; the others go on."""
        try:
            yield
        except (LoadError, OSError) as error:
            self.results.voids.append(f"{name}: {error}")
            say(f"VOID {self.results.voids[-1]}")

    def _note_memory_at_end(self) -> None:
        for target in self._targets:
            memory = target.measured.memory
            memory.ended = target.resident_kib()
            memory.program_ended = sum(process.resident_kib() for process in target.program.family())

    def _send_a_million(self, target: Target) -> None:
        """A million requests, reads and writes by turns, with a look at the memory on the way."""
        sent = 0
        pace = target.measured.median(SATURATED, self._loads[0].name, rate) or 1.0
        turns = itertools.cycle(self._loads)
        with self._voiding(f"{target.peer.name} million"):
            for mark in MILLION_MARKS:
                while (missing := mark * MILLION - sent) > 0:
                    seconds = min(MILLION_STEP_SECONDS, max(SHORTEST_RUN_SECONDS, missing / pace))
                    outcome = target.send(
                        functools.partial(saturate, target.peer.port, next(turns), seconds, self.directory)
                    )
                    sent += outcome.requests
                    pace = outcome.rate
                target.measured.million.append((sent, target.resident_kib()))
                say(f"{target.peer.name}: {target.resident_kib() / 1024:.1f} MiB after {sent:,} requests")


def say(text: str) -> None:
    """Progress goes to standard error; standard output has the report alone."""
    print(text, file=sys.stderr, flush=True)


def parsed(arguments: Sequence[str]) -> Options:
    """The command line; leaves with status 2 if it is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=6, help="length of each run (default 6, at least 1)")
    parser.add_argument("--rounds", type=int, default=3, help="runs per load and peer (default 3)")
    parser.add_argument("--only", default=",".join(PROXIES), help="comma-separated peers (default: all)")
    parser.add_argument("--million", action="store_true", help="then send each a million requests, watching memory")
    parser.add_argument(
        "--rate", type=float, help="paced requests/s (default: half, and a quarter, of Stockade's throughput)"
    )
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results.md", help="Markdown file")
    parser.add_argument("--json", type=Path, help="also write every sample here")
    parser.add_argument("--stockade", default=DEFAULT_STOCKADE, help="command that runs it; {policy} is the file")
    parser.add_argument("--stockade-key", default=DEFAULT_ISSUE_KEY, help="command that issues an API key as JSON")
    found = parser.parse_args(arguments)
    only = tuple(dict.fromkeys(name.strip() for name in found.only.split(",")))
    unknown = [name for name in only if name not in PROXIES]
    if unknown:
        parser.error(f"--only: no peer {unknown[0]!r}; there are {', '.join(PROXIES)}")
    if found.seconds < SHORTEST_RUN_SECONDS or found.rounds < 1 or (found.rate is not None and found.rate <= 0):
        parser.error("--seconds and --rounds must be at least 1, --rate more than 0")
    if not {PROXY_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
        parser.error(f"cores {PROXY_CORE} and {LOAD_CORE} are needed")
    Stockade.up_template, Stockade.issue_template = found.stockade, found.stockade_key
    return Options(found.seconds, found.rounds, only, found.output, found.json, found.million, found.rate)


def measured(options: Options) -> Results:
    """Run the benchmark; whatever happens, everything that was started is stopped before this returns."""
    with tempfile.TemporaryDirectory(prefix="stockade-benchmark-") as directory, contextlib.ExitStack() as stack:
        benchmark = Benchmark(options, Path(directory), stack)
        benchmark.run()
        return benchmark.results


def publish(options: Options, results: Results, command: str) -> None:
    """Print the section; write it, and the samples, where they belong. Results that are not sound replace nothing."""
    text = section(results, options.seconds, options.rounds, command, output_of(["wrk", "-v"]).split(" [")[0])
    print(f"## gateway\n\n{text}")
    if options.json:
        content = {"command": command, "machine": report.machine(), **dataclasses.asdict(results)}
        options.json.write_text(json.dumps(content, indent=2) + "\n")
    if results.sound:
        report.write_section(options.output, "gateway", text)
    else:
        say(f"{options.output} is left as it was: not every peer started, or a run is void")


def end_at_once(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM unwinds as Ctrl-C does, so that everything is stopped."""
    raise SystemExit(128 + signal.SIGTERM)


def main(arguments: Sequence[str]) -> int:
    """Run as a command; gives the exit status."""
    options = parsed(arguments)
    signal.signal(signal.SIGTERM, end_at_once)
    os.sched_setaffinity(0, {LOAD_CORE})
    try:
        results = measured(options)
    except KeyboardInterrupt:
        say("interrupted; everything that was started has been stopped")
        return 128 + signal.SIGINT
    except PeerError as error:
        say(f"the upstream did not start: {error}")
        return 1
    publish(options, results, shlex.join(["python", "benchmarks/gateway.py", *arguments]))
    return 0 if results.sound else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
