"""How a run of rule tests is told: a table for people, plain data for machines."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from stockade.cli.display import print_table

if TYPE_CHECKING:
    from stockade.waf.ftw import Outcome

_PROBLEMS_SHOWN = 100


def show(outcomes: list[Outcome]) -> None:
    """What fails comes last: a terminal shows the end of a long table."""
    print_table(("file", "tests", "passed", "failed", "excluded"), _summary(outcomes))
    bad = [outcome for outcome in outcomes if outcome.verdict in ("failed", "unused")]
    if bad:
        typer.echo()
        print_table(("test", "where", "expected", "matched"), map(_row, bad), title="Failing")


def _row(outcome: Outcome) -> tuple[str, ...]:
    case = outcome.case
    ends = f" ({'; '.join(outcome.ends)})" if outcome.ends else ""
    expected = [text.removeprefix("expected ") for text in outcome.shortcomings]
    if outcome.verdict == "unused":
        expected = [f"to fail, being excluded: {outcome.reason}"]
    matched = " ".join(map(str, outcome.matched)) or "nothing"
    return case.name, f"{case.file}:{case.line}", "; ".join(expected), matched + ends


def _summary(outcomes: list[Outcome]) -> Iterator[tuple[str, ...]]:
    files: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        files.setdefault(outcome.case.file, Counter())[outcome.verdict] += 1
    total: Counter[str] = sum(files.values(), Counter())
    for file, counts in (*files.items(), ("total", total)):
        failed = counts["failed"] + counts["unused"]
        yield file, str(counts.total()), str(counts["passed"]), str(failed or "-"), str(counts["excluded"] or "-")


def as_dict(outcomes: list[Outcome]) -> dict[str, Any]:
    counts: Counter[str] = Counter(outcome.verdict for outcome in outcomes)
    names = ("passed", "failed", "excluded", "unused")
    cases = [
        {
            "name": outcome.case.name,
            "file": outcome.case.file,
            "line": outcome.case.line,
            "verdict": outcome.verdict,
            "expected": list(outcome.shortcomings),
            "matched": list(outcome.matched),
            "ends": list(outcome.ends),
            "reason": outcome.reason,
        }
        for outcome in outcomes
    ]
    return {"tests": len(outcomes), **{name: counts[name] for name in names}, "cases": cases}


def fail(problems: Iterable[str]) -> NoReturn:
    """Say what is wrong with the input, and leave."""
    told = list(problems)
    for problem in told[:_PROBLEMS_SHOWN]:
        typer.echo(f"stockade: {problem}", err=True)
    if len(told) > _PROBLEMS_SHOWN:
        typer.echo(f"… and {len(told) - _PROBLEMS_SHOWN} more", err=True)
    sys.exit(2)
