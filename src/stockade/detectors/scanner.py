"""One Hyperscan database for all triggers of the detectors that are wanted: where to look, in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TypeAlias

from stockade.detectors.catalogue import DETECTORS
from stockade.detectors.detector import REACH, Detector, Trigger, Window

Hit: TypeAlias = tuple[int, int]  # where the trigger ended, and its number


class Scanner:
    """detectors: names of the catalogue. Raises hyperscan.HyperscanError.

    Not for two threads at once: Hyperscan's scratch is one.
    """

    def __init__(self, detectors: Iterable[str]) -> None:
        chosen = [DETECTORS[name] for name in sorted(set(detectors))]
        self.triggers: list[tuple[Detector, Trigger]] = [(one, each) for one in chosen for each in one.triggers]
        self._database: Any = _compile(tuple(each for _, each in self.triggers)) if self.triggers else None

    def hits(self, data: bytes) -> list[Hit]:
        """Where something may be, in no order; a place may come twice."""
        found: list[Hit] = []
        if self._database is not None:
            self._database.scan(data, _note, 0, found)
        return found

    def confirm(self, data: bytes, hit: Hit) -> tuple[Detector, int, int] | None:
        """What is there: the detector, and from where to where in `data`."""
        at, number = hit
        detector, trigger = self.triggers[number]
        low = max(0, at - REACH)
        window = data[low : at + trigger.after]
        span = trigger.confirm(Window(window, 0, at - low, len(window)))
        return (detector, low + span[0], low + span[1]) if span is not None and span[0] < span[1] else None


def _note(number: int, start: int, end: int, flags: int, found: list[Hit]) -> None:  # noqa: ARG001 - Hyperscan's
    found.append((end, number))


@lru_cache(maxsize=16)
def _compile(triggers: tuple[Trigger, ...]) -> Any:
    import hyperscan  # which takes its time, and is for those who want detectors

    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[trigger.expression for trigger in triggers],
        ids=list(range(len(triggers))),
        elements=len(triggers),
        flags=[hyperscan.HS_FLAG_CASELESS if trigger.caseless else 0 for trigger in triggers],
    )
    database.scratch = hyperscan.Scratch(database)
    return database


@lru_cache(maxsize=16)
def scanner(detectors: frozenset[str]) -> Scanner:
    """The scanner of these detectors, made once: compiling takes about a second."""
    return Scanner(detectors)
