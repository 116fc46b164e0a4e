"""The gateway benchmark's section of results.md, from what was measured."""

from collections.abc import Callable, Iterator

from benchmarks.figures import SATURATED, Measured, Results, Sample, median_of, p50, p99, paired, rate
from benchmarks.load import CONNECTIONS
from benchmarks.peers import LOAD_CORE, PROXY_CORE, PlainEnvoy, Upstream
from benchmarks.report import machine, number, table

BASE = PlainEnvoy.name
WITHOUT_PROXY = Upstream.name
DISTURBED = 0.1  # a stranger's share of a core from which the tail, at least, is the stranger's


def section(results: Results, seconds: float, rounds: int, command: str, wrk_version: str) -> str:
    """The whole section without its heading."""
    parts = [
        conditions(results, seconds, rounds, command, wrk_version),
        saturated(results),
        added_latency(results) if results.paced_rates else "",
        startup_and_memory(results),
        million(results) if any(peer.million for peer in results.peers.values()) else "",
        failures(results),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def conditions(results: Results, seconds: float, rounds: int, command: str, wrk_version: str) -> str:
    """What the figures are figures of."""
    versions = list(dict.fromkeys([*(peer.version for peer in results.peers.values()), wrk_version]))
    lines = [
        f"- Machine: {machine()}",
        f"- Versions: {', '.join(versions)}",
        f"- Command: `{command}`",
        f"- Each proxy on core {PROXY_CORE}; upstream and load on core {LOAD_CORE}; {rounds} rounds of {seconds:g} s "
        "by turns, medians. Ratios and differences are taken within a round: median (least … greatest).",
        f"- `{WITHOUT_PROXY}` is the load straight on the upstream: the ceiling that core {LOAD_CORE} sets.",
        *stood_still(results),
        *disturbance(results),
    ]
    return "\n".join(lines)


def stood_still(results: Results) -> list[str]:
    """What no percentile can be better than."""
    if not results.stalls:
        return []
    told = " and ".join(f"{stalls.share:.1%} (longest {stalls.longest * 1e3:.1f} ms)" for stalls in results.stalls)
    return [
        f"- Cores {PROXY_CORE} and {LOAD_CORE}, both busy with reading the clock before the first run, stood still for "
        f"{told} of the time: strangers on the same host. That is in every p99 here, the more the busier the core."
    ]


def disturbance(results: Results) -> list[str]:
    """How quiet the machine was, and whether somebody had more than the one worker."""
    samples = [sample for _, peer in proxies(results) for stage in peer.samples.values() for sample in flat(stage)]
    lines = []
    if samples:
        shares = [sample.others for sample in samples]
        middle = number(median_of(shares), ".0%")
        verdict = " Too disturbed to quote." if max(shares) > DISTURBED else ""
        lines.append(
            f"- Other processes used {middle} of either core (median run; at most {max(shares):.0%}).{verdict}"
        )
    for name, peer in proxies(results):
        if peer.workers > 1:
            lines.append(f"- `{name}` ran {peer.workers} workers, all on core {PROXY_CORE}.")
    return lines


def flat(stage: dict[str, list[Sample | None]]) -> Iterator[Sample]:
    """The samples of one stage that count."""
    return (sample for rounds in stage.values() for sample in rounds if sample is not None)


def proxies(results: Results) -> list[tuple[str, Measured]]:
    """The peers that forward."""
    return [(name, peer) for name, peer in results.peers.items() if name != WITHOUT_PROXY]


def saturated(results: Results) -> str:
    """Throughput, with the cost of a request and whether the proxy was what limited it."""
    header = [
        "load",
        "data plane",
        "requests/s",
        f"of {BASE}",
        "p50 ms",
        "p99 ms",
        "errors",
        "CPU µs/request",
        "core busy",
    ]
    rows = [saturated_row(results, load, name) for load in loads_of(results, SATURATED) for name in results.peers]
    return f"### Throughput: `wrk -t1 -c{CONNECTIONS}`\n\n" + table(header, rows, text_columns=2)


def loads_of(results: Results, stage: str) -> list[str]:
    """The loads of a stage, in the order in which they ran."""
    return list(dict.fromkeys(load for peer in results.peers.values() for load in peer.samples.get(stage, {})))


def saturated_row(results: Results, load: str, name: str) -> list[str]:
    """One peer under one load."""
    peer = results.peers[name]
    proxy = name != WITHOUT_PROXY
    return [
        load,
        name,
        number(peer.median(SATURATED, load, rate)),
        spread(against_base(results, SATURATED, load, name, lambda mine, base: rate(mine) / rate(base)), ".2f"),
        number(peer.median(SATURATED, load, p50), ".2f"),
        number(peer.median(SATURATED, load, p99), ".2f"),
        errors(peer, SATURATED, load),
        number(peer.median(SATURATED, load, lambda sample: sample.cpu_microseconds) if proxy else None, ".1f"),
        busy(peer, SATURATED, load, name),
    ]


def errors(peer: Measured, stage: str, load: str) -> str:
    """Answers that were no 2xx: a run with one is void, and the list at the end of the section says how many it had."""
    rounds = peer.of(stage, load)
    return "void" if None in rounds else number(sum(sample.outcome.errors for sample in rounds if sample))


def busy(peer: Measured, stage: str, load: str, name: str) -> str:
    """How much of its core a proxy used; the upstream shares the other core with the load."""
    return number(None if name == WITHOUT_PROXY else peer.median(stage, load, lambda sample: sample.busy), ".0%")


def against_base(
    results: Results, stage: str, load: str, name: str, compare: Callable[[Sample, Sample], float]
) -> list[float]:
    """A peer compared with plain Envoy, round by round; nothing if plain Envoy was not measured."""
    base = results.peers.get(BASE)
    return paired(results.peers[name].of(stage, load), base.of(stage, load), compare) if base else []


def spread(values: list[float], form: str) -> str:
    """The median of the rounds and, as the measure of its noise, the least and the greatest of them."""
    middle = number(median_of(values), form)
    return f"{middle} ({min(values):{form}} … {max(values):{form}})" if len(values) > 1 else middle


def added_latency(results: Results) -> str:
    """Latency at one and the same rate, and what each data plane adds to plain Envoy's."""
    header = [
        "load",
        "data plane",
        "requests/s",
        "p50 ms",
        "p99 ms",
        f"p50 over {BASE}",
        f"p99 over {BASE}",
        "errors",
        "core busy",
    ]
    rows = [
        paced_row(results, stage, load, name)
        for load in loads_of(results, SATURATED)
        for stage, rates in results.paced_rates.items()
        if load in rates
        for name in results.peers
    ]
    intro = (
        f"Open loop on {CONNECTIONS} connections: Poisson arrivals, the same for every data plane in a round, at half "
        "and at a quarter of Stockade's throughput unless the command says another rate. Latency counts from the "
        f"instant a request was due; `{WITHOUT_PROXY}` shows how much of it is the client's own. A core is busier here "
        "than the rate suggests, because a saturated proxy handles many requests at each waking, and a paced one few: "
        "at half of the throughput it is nearly full, and requests wait in line."
    )
    return f"### Latency at the same rate\n\n{intro}\n\n" + table(header, rows, text_columns=2)


def paced_row(results: Results, stage: str, load: str, name: str) -> list[str]:
    """One peer at the rate of one load in one stage."""
    peer = results.peers[name]
    return [
        load,
        name,
        number(results.paced_rates[stage][load]),
        number(peer.median(stage, load, p50), ".2f"),
        number(peer.median(stage, load, p99), ".2f"),
        spread(against_base(results, stage, load, name, lambda mine, base: p50(mine) - p50(base)), "+.2f"),
        spread(against_base(results, stage, load, name, lambda mine, base: p99(mine) - p99(base)), "+.2f"),
        errors(peer, stage, load),
        busy(peer, stage, load, name),
    ]


def startup_and_memory(results: Results) -> str:
    """From spawn to the first 200, and resident memory of the workers from start to end."""
    header = [
        "data plane",
        "first 200 after",
        "RSS started",
        "warm",
        "at the end",
        "growth since warm",
        "whole program",
    ]
    rows = [startup_row(name, peer) for name, peer in proxies(results)]
    intro = "Resident memory of the worker process; the whole program is with supervisor and store."
    return f"### Start-up and memory\n\n{intro}\n\n" + table(header, rows)


def startup_row(name: str, peer: Measured) -> list[str]:
    """One peer."""
    memory = peer.memory
    return [
        f"{name} ({peer.workers} workers)" if peer.workers > 1 else name,
        number(median_of(peer.startup_seconds), ".3f", " s"),
        mib(memory.started),
        mib(memory.warm),
        mib(memory.ended),
        mib(memory.ended - memory.warm, "+.1f"),
        mib(memory.program_ended),
    ]


def mib(kib: int, form: str = ".1f") -> str:
    """KiB, told in MiB."""
    return number(kib / 1024, form, " MiB")


def million(results: Results) -> str:
    """Resident memory on the way through a million requests."""
    rows = [
        [name, number(requests), mib(kib), mib(kib - peer.million[0][1], "+.1f")]
        for name, peer in proxies(results)
        for requests, kib in peer.million
    ]
    header = ["data plane", "requests", "worker RSS", "since the first reading"]
    return "### A million requests\n\n" + table(header, rows)


def failures(results: Results) -> str:
    """What must be known before a figure above is quoted; nothing if all is well."""
    lines = [f"- `{name}` did not start: {reason}" for name, reason in results.not_started.items()]
    lines += [f"- void: {reason}" for reason in results.voids]
    return "### Not measured\n\n" + "\n".join(lines) if lines else ""
