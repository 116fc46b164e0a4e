"""The posture report of `stockade check`: how weak the APIs are by their own descriptions, and what is not enforced."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import typer
from msgspec import Struct

from stockade.cli.display import print_table

if TYPE_CHECKING:
    from stockade.config import Loaded, Problem
    from stockade.openapi.posture import Weakness

_COLUMNS = ("severity", "weakness", "times", "first", "what", "mend", "risk")
_MOST_PARTIAL = 20


class Posture(Struct, frozen=True):
    """Of one API. partial: what its description asks for and cannot have."""

    api: str
    weaknesses: tuple[Weakness, ...]
    partial: tuple[Problem, ...]


def postures(loaded: Loaded) -> list[Posture]:
    """One for each API that is described. Raises BadConfig where a description has become bad since it was built."""
    from stockade.config.describing import describe
    from stockade.config.errors import Problem
    from stockade.openapi.posture import posture

    made = []
    for index, api in enumerate(loaded.config.apis):
        description = describe(loaded, index)
        if description is not None:
            partial = tuple(Problem(part.file, part.line, part.text) for part in description.partial)
            made.append(Posture(api.name, posture(description), partial))
    return made


def as_json(made: Iterable[Posture]) -> list[dict[str, Any]]:
    return [{"api": part.api, "weaknesses": part.weaknesses, "partial": list(map(str, part.partial))} for part in made]


def show(made: Posture) -> None:
    """Each weakness once, with how often it is there and where first; `--json` has every place."""
    rows: dict[str, list[Weakness]] = {}
    for weakness in made.weaknesses:
        rows.setdefault(weakness.id, []).append(weakness)
    title = f"posture of {made.api}, by its description ({len(made.weaknesses)} weak places)"
    print_table(_COLUMNS, [_row(name, found) for name, found in rows.items()], title=title)
    if made.partial:
        typer.echo(f"\nnot enforced of the description of {made.api}:")
    for problem in made.partial[:_MOST_PARTIAL]:
        typer.echo(f"  {problem}")
    if len(made.partial) > _MOST_PARTIAL:
        typer.echo(f"  … and {len(made.partial) - _MOST_PARTIAL} more (--json)")
    typer.echo()


def _row(name: str, found: list[Weakness]) -> tuple[str, ...]:
    first = found[0]
    what = f"{first.operation}: {first.text}" if first.operation else first.text
    place = f"{first.file}:{first.line}"
    return first.severity, name, str(len(found)), place, _printable(what), first.mend, first.owasp


def _printable(text: str) -> str:
    """Names come from the description, which may be another's: nothing in it may steer the terminal."""
    return "".join(char if char.isprintable() else "�" for char in text)
