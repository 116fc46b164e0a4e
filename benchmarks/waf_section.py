"""The WAF benchmark's section of results.md, and the figures that it is drawn from."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.gateway_section import spread
from benchmarks.load import CONNECTIONS
from benchmarks.peers import LOAD_CORE, PROXY_CORE
from benchmarks.report import machine, number, table
from benchmarks.waf_requests import CASES
from benchmarks.waf_sockets import NGINX, STOCKADE, Sockets

RATIOS = (
    ("libmodsecurity / ours, CRS", "libmodsecurity", "ours, CRS"),
    ("libddwaf / ours, CRS", "libddwaf", "ours, CRS"),
    ("libddwaf / ours, builtin", "libddwaf", "ours, builtin"),
)


@dataclass(frozen=True, slots=True)
class Pass:
    """One engine's turn in a round: milliseconds per request, and how many it would have stopped."""

    cpu: float
    median: float
    p99: float
    requests: int
    refused: int

    @classmethod
    def of(cls, cpu_seconds: float, latencies: Sequence[float], refused: int) -> Pass:
        """Of what the clocks said."""
        ordered = sorted(latencies)
        count = len(ordered)
        worst = ordered[min(count - 1, count * 99 // 100)]
        return cls(cpu_seconds / count * 1e3, statistics.median(ordered) * 1e3, worst * 1e3, count, refused)


@dataclass(slots=True)
class InProcess:
    """One paranoia level; `passes` by case, then engine, then round."""

    paranoia: int
    engines: list[str]
    versions: list[str]
    passes: dict[str, dict[str, list[Pass]]] = field(default_factory=dict)

    def add(self, case: str, engine: str, one: Pass) -> None:
        """File the next round's pass."""
        self.passes.setdefault(case, {}).setdefault(engine, []).append(one)

    def cost(self, case: str, engine: str) -> float:
        """CPU milliseconds per request, the median of the rounds."""
        return statistics.median(one.cpu for one in self.passes[case][engine])

    def ratios(self, case: str, dear: str, cheap: str) -> list[float]:
        """How many times the one costs what the other does, round by round."""
        rounds = self.passes[case]
        return [one.cpu / other.cpu for one, other in zip(rounds[dear], rounds[cheap], strict=True)]


@dataclass(frozen=True, slots=True)
class Report:
    """One run of the benchmark."""

    command: str
    crs: str
    rounds: int
    in_process: list[InProcess]
    sockets: list[Sockets]


def section(result: Report) -> str:
    """The whole section without its heading."""
    parts = [conditions(result)]
    for level in result.in_process:
        parts += [costs(level), latencies(level)]
    parts += [through_sockets(one) for one in result.sockets]
    return "\n\n".join(parts) + "\n"


def conditions(result: Report) -> str:
    """What the figures are figures of."""
    versions = [version for level in result.in_process for version in level.versions]
    versions += [version for one in result.sockets for version in one.versions]
    pools = ", ".join(f"{case.pool} ({case.name})" for case in CASES)
    lines = [
        f"- Machine: {machine()}",
        f"- Versions: {', '.join(dict.fromkeys([*versions, result.crs]))}",
        f"- Command: `{result.command}`",
        f"- In process, all on core {PROXY_CORE}; {result.rounds} rounds after a warm-up, the engines by turns within "
        "each. CPU is the process's own time; medians over rounds. A ratio is taken within a round: median (least … "
        "greatest).",
        "- No request is seen twice. Each round draws its own from a seed, the same for all engines: names of paths, "
        "headers and members come again as in any API; identifiers, tokens, amounts, instants, addresses and sentences "
        "do not, so that an engine that remembers values gains only what real traffic would give it (methods, media "
        f"types, four clients, states of an order). At most, per round: {pools}. Who is slow gets as many of them as "
        "the budget of seconds allows (column `requests`).",
        "- libmodsecurity and `ours, CRS` load the same files: engine.conf of ours (JSON and XML read), limits (1 MiB, "
        "100,000 arguments), CRS's setup with the methods and media types of an API, CRS without its geography. Both "
        "block; requests alone, no responses.",
        "- libddwaf runs the rules that ddtrace brings; it has no paranoia level. Its input is made within the time "
        "by its own reader of JSON, which is cheaper than ddtrace's way from Python objects; queries and forms are "
        "given to it decoded. ddtrace's limits (256 members, 4,096 bytes of a text, 5 ms) are off.",
    ]
    return "\n".join(lines)


def costs(level: InProcess) -> str:
    """CPU per request, and the ratios."""
    header = ["request", *(f"{name}, ms" for name in level.engines), *(name for name, _, _ in RATIOS)]
    rows = [
        [
            case,
            *(number(level.cost(case, name), ".3f") for name in level.engines),
            *(spread(level.ratios(case, dear, cheap), ".1f") for _, dear, cheap in RATIOS),
        ]
        for case in level.passes
    ]
    return f"### CPU per request in process, paranoia level {level.paranoia}\n\n" + table(header, rows)


def latencies(level: InProcess) -> str:
    """By the wall clock, with the share that was refused: who stops early has less to do."""
    header = ["request", "engine", "median ms", "p99 ms", "requests", "refused"]
    rows = [latency_row(level, case, name) for case in level.passes for name in level.engines]
    return f"### Wall clock in process, paranoia level {level.paranoia}\n\n" + table(header, rows, text_columns=2)


def latency_row(level: InProcess, case: str, name: str) -> list[str]:
    """One engine under one case; the p99 is each round's, and the median of those."""
    passes = level.passes[case][name]
    requests = sum(one.requests for one in passes)
    return [
        case,
        name,
        number(statistics.median(one.median for one in passes), ".3f"),
        number(statistics.median(one.p99 for one in passes), ".3f"),
        number(requests),
        number(sum(one.refused for one in passes) / requests, ".0%"),
    ]


def through_sockets(found: Sockets) -> str:
    """Requests per second of one core, and Stockade's share of nginx's."""
    header = ["load", "gateway", "requests/s", f"of {NGINX}", "p50 ms", "p99 ms", "CPU µs/request"]
    rows = [
        [
            load,
            name,
            number(statistics.median(one.rate for one in rounds)),
            spread([a.rate / b.rate for a, b in zip(rounds, found.runs[load, NGINX], strict=True)], ".2f"),
            number(statistics.median(one.p50 for one in rounds), ".2f"),
            number(statistics.median(one.p99 for one in rounds), ".2f"),
            number(statistics.median(one.cpu_microseconds for one in rounds), ".0f"),
        ]
        for (load, name), rounds in found.runs.items()
    ]
    intro = (
        f"`{NGINX}`: nginx with ModSecurity and CRS. `{STOCKADE}`: `stockade up` with `waf: {{rules: {found.rules}}}` "
        f"and its decision log. Each on core {PROXY_CORE} with one worker; upstream and load on core {LOAD_CORE}. "
        f"{found.rounds} rounds of {found.seconds:g} s by turns; the load goes round a pool of {found.pool} requests."
    )
    title = f"### Through sockets, paranoia level {found.paranoia}: `wrk -t1 -c{CONNECTIONS}`"
    return f"{title}\n\n{intro}\n\n" + table(header, rows, text_columns=2)
