"""Stockade's WAF beside ModSecurity and libddwaf, in process and through sockets: what a request costs, in one run.

    python benchmarks/waf.py [--rounds 9] [--budget 1.5] [--quick] [--sockets] [--seconds 5] [--crs FOLDER]
                             [--paranoia 1,4] [--output benchmarks/results.md] [--json FILE]

In process, everything runs on core 0: in each round all engines get the same requests, one engine after the other, and
the round begins with another engine each time. No round has the requests of another. Through sockets, see
`waf_sockets.py`.

Exit status: 0 all well, 1 a peer did not start or a run is void (then no results are written), 2 bad arguments.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a file, it finds its own folder only

from benchmarks import report
from benchmarks.gateway import end_at_once, say
from benchmarks.load import LoadError
from benchmarks.peers import LOAD_CORE, PROXY_CORE, PeerError
from benchmarks.waf_engines import DEBIAN_CRS, Engine, crs_version, engines
from benchmarks.waf_requests import ATTACK, CASES, Case, Sent
from benchmarks.waf_section import InProcess, Pass, Report, section
from benchmarks.waf_sockets import Sockets, measured_through_sockets

WARM_UP = "warm-up"
QUICK_ROUNDS, QUICK_BUDGET, QUICK_SECONDS, QUICK_POOL = 3, 0.1, 1.0, 40
SOCKETS_ROUNDS = 5
SOCKETS_PARANOIA = 1  # at level 4 CRS as it comes refuses honest requests, and a refusal is no throughput
FEWEST = 2  # requests per round and engine, however long they take


@dataclass(frozen=True, slots=True)
class Options:
    """The command line, checked. `pool` caps how many requests a round has."""

    rounds: int
    budget: float
    pool: int
    seconds: float
    sockets: bool
    paranoia: tuple[int, ...]
    crs: Path
    output: Path
    json: Path | None


def one_pass(engine: Engine, requests: Sequence[Sent], budget: float) -> Pass:
    """All requests once, in order, or as many as the budget of seconds allows."""
    latencies: list[float] = []
    refused = 0
    clock = time.perf_counter
    gc.collect()
    cpu = time.process_time()
    end = clock() + budget
    for sent in requests:
        begun = clock()
        refused += engine.refuses(sent)
        now = clock()
        latencies.append(now - begun)
        if now > end and len(latencies) >= FEWEST:
            break
    return Pass.of(time.process_time() - cpu, latencies, refused)


def measured_in_process(options: Options, paranoia: int) -> InProcess:
    """Every case at one paranoia level."""
    found = engines(options.crs, paranoia)
    result = InProcess(paranoia, [engine.name for engine in found], [engine.version() for engine in found])
    gc.freeze()  # as the gateway does once it has loaded
    for case in CASES:
        for engine in found:
            one_pass(engine, pool_of(case, options, WARM_UP), options.budget)
        for turn in range(options.rounds):
            run_round(result, case, found, options, turn)
        tell(result, case)
    for engine in found:
        if not any(one.refused for one in result.passes[ATTACK.name][engine.name]):
            raise ValueError(f"{engine.name} let every attack pass: it does not run its rules")
    gc.unfreeze()
    return result


def run_round(result: InProcess, case: Case, found: Sequence[Engine], options: Options, turn: int) -> None:
    """The same requests for every engine; each round begins with another engine."""
    requests = pool_of(case, options, str(turn))
    first = turn % len(found)
    for engine in (*found[first:], *found[:first]):
        result.add(case.name, engine.name, one_pass(engine, requests, options.budget))


def pool_of(case: Case, options: Options, seed: str) -> list[Sent]:
    """The requests of one round."""
    return case.requests(min(case.pool, options.pool), seed)


def tell(result: InProcess, case: Case) -> None:
    """Progress."""
    costs = ", ".join(f"{name} {result.cost(case.name, name):.3f} ms" for name in result.engines)
    say(f"paranoia level {result.paranoia}, {case.name}: {costs}")


def parsed(arguments: Sequence[str]) -> Options:
    """The command line; leaves with status 2 if it is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="rounds per case (default 9)")
    parser.add_argument("--budget", type=float, default=1.5, help="most seconds per case, engine and round")
    parser.add_argument("--seconds", type=float, default=5, help="length of each run of wrk (default 5)")
    parser.add_argument("--quick", action="store_true", help="a short run, to see that it runs")
    parser.add_argument("--sockets", action="store_true", help="also nginx with ModSecurity against `stockade up`")
    parser.add_argument("--paranoia", default="1,4", help="paranoia levels (default 1,4)")
    parser.add_argument("--crs", type=Path, default=DEBIAN_CRS, help=f"folder of CRS's rules (default {DEBIAN_CRS})")
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).with_name("results.md"), help="file of the section"
    )
    parser.add_argument("--json", type=Path, help="also write every sample there")
    found = parser.parse_args(arguments)
    levels = found.paranoia.split(",")
    if found.rounds < 1 or not found.budget > 0 or not found.seconds >= 1:
        parser.error("--rounds and --seconds begin at 1, --budget above 0")
    if not set(levels) <= set("1234"):
        parser.error("--paranoia takes levels from 1 to 4, separated by commas")
    if not any(found.crs.glob("REQUEST-901-*.conf")):
        parser.error(f"{found.crs} has no Core Rule Set (apt-get install modsecurity-crs)")
    if not {PROXY_CORE, LOAD_CORE} <= os.sched_getaffinity(0):
        parser.error(f"cores {PROXY_CORE} and {LOAD_CORE} are needed")
    pool = sys.maxsize
    if found.quick:
        found.rounds, found.budget, found.seconds, pool = QUICK_ROUNDS, QUICK_BUDGET, QUICK_SECONDS, QUICK_POOL
    return Options(
        rounds=found.rounds,
        budget=found.budget,
        pool=pool,
        seconds=found.seconds,
        sockets=found.sockets,
        paranoia=tuple(map(int, levels)),
        crs=found.crs.resolve(),
        output=found.output,
        json=found.json,
    )


def measured(options: Options, command: str) -> Report:
    """Everything: in process on the proxy's core, then through sockets with the load on the other."""
    sockets: list[Sockets] = []
    os.sched_setaffinity(0, {PROXY_CORE})
    in_process = [measured_in_process(options, level) for level in options.paranoia]
    if options.sockets:
        os.sched_setaffinity(0, {LOAD_CORE})
        rounds = min(options.rounds, SOCKETS_ROUNDS)
        sockets = [measured_through_sockets(options.crs, SOCKETS_PARANOIA, rounds, options.seconds)]
    return Report(command, crs_version(options.crs), options.rounds, in_process, sockets)


def publish(options: Options, result: Report) -> None:
    """Print the section; write it, and the samples, where they belong."""
    text = section(result)
    print(f"## waf\n\n{text}")
    if options.json:
        content = {"machine": report.machine(), **dataclasses.asdict(result)}
        options.json.write_text(json.dumps(content, indent=2) + "\n")
    report.write_section(options.output, "waf", text)


def main(arguments: Sequence[str]) -> int:
    """Run as a command; gives the exit status."""
    options = parsed(arguments)
    signal.signal(signal.SIGTERM, end_at_once)
    try:
        result = measured(options, shlex.join(["python", "benchmarks/waf.py", *arguments]))
    except KeyboardInterrupt:
        say("interrupted; everything that was started has been stopped")
        return 128 + signal.SIGINT
    except (PeerError, LoadError, ImportError, RuntimeError, ValueError) as error:
        say(f"{options.output} is left as it was: {error}")
        return 1
    publish(options, result)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
