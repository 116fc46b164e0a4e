"""Playing cases and judging them, with whatever answers a stage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from stockade.waf.ftw.backend import answer
from stockade.waf.ftw.following import Astray, Trail
from stockade.waf.ftw.judging import Seen, shortcomings
from stockade.waf.ftw.model import Case, Input
from stockade.waf.ftw.receiving import Refused, Unanswered, read_request_bytes
from stockade.waf.ftw.sending import request_bytes
from stockade.wire import Request, Response

Verdict: TypeAlias = Literal["passed", "failed", "excluded", "unused"]
Inspect: TypeAlias = Callable[[Request, Response], Seen]
Play: TypeAlias = Callable[[Case], list[Seen]]
"""Plays all stages of a case, in order."""


class Outcome(Struct, frozen=True, gc=False):
    """How a case went. "excluded": it failed, and may; "unused": it may fail, and passed."""

    case: Case
    verdict: Verdict
    shortcomings: tuple[str, ...] = ()
    seen: tuple[Seen, ...] = ()
    reason: str = ""  # of the exclusion

    @property
    def matched(self) -> tuple[int, ...]:
        """The rules that matched in any stage, each once."""
        return tuple(dict.fromkeys(rule for stage in self.seen for rule in stage.ids))

    @property
    def ends(self) -> tuple[str, ...]:
        """Why stages came to no answer, or to no rule."""
        return tuple(end for stage in self.seen for end in (stage.refused, stage.error) if end)


def run(cases: Iterable[Case], play: Play, exclusions: Mapping[str, str]) -> Iterator[Outcome]:
    """`exclusions`: why a case may fail, by its name."""
    for case in cases:
        yield judge(case, play(case), exclusions)


def judge(case: Case, seen: list[Seen], exclusions: Mapping[str, str], *, refusal_protects: bool = False) -> Outcome:
    """`refusal_protects`: a request that was refused before any rule saw it counts as one that the rules caught."""
    said = tuple(
        f"stage {number}: {text}" if len(case.stages) > 1 else text
        for number, (stage, one) in enumerate(zip(case.stages, seen, strict=True), start=1)
        for text in shortcomings(stage.expected, one, refusal_protects=refusal_protects)
    )
    reason = exclusions.get(case.name, "")
    verdict: Verdict = ("excluded" if reason else "failed") if said else "unused" if reason else "passed"
    return Outcome(case, verdict, said, tuple(seen), reason)


def in_process(inspect: Inspect) -> Play:
    """Plays cases without a network: `inspect` is handed what HTTP makes of the bytes, and the back end's answer."""

    def play(case: Case) -> list[Seen]:
        trail = Trail()
        return [_played(stage.input, inspect, trail) for stage in case.stages]

    return play


def _played(sent: Input, inspect: Inspect, trail: Trail) -> Seen:
    try:
        sent = trail.next(sent)
        request = read_request_bytes(request_bytes(sent))
    except Refused as error:
        return Seen(refused=str(error), statuses=(400,))
    except (Unanswered, Astray) as error:
        return Seen(error=str(error))
    response = answer(request, sent.response)
    trail.answered(sent, response)
    return inspect(request, response)
