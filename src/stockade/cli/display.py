"""How answers look: a table on a terminal, JSON for machines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import typer

_STYLES = {
    "allow": "green",
    "deny": "red",
    "throttle": "yellow",
    "challenge": "yellow",
    "redirect": "yellow",
}
_UNBOUNDED = 10_000  # columns


def print_json(value: Any) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def moment(at: float | None) -> str:
    """RFC 3339, UTC; nothing for no time."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at is not None else ""


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], as_json: bool) -> None:
    """All that is known, as JSON; or a table of these columns, of which "last used" shows `last_used`."""
    if as_json:
        print_json(rows)
        return
    names = [column.replace(" ", "_") for column in columns]
    print_table(columns, (tuple(cell(row[name]) for name in names) for row in rows))


def cell(value: Any) -> str:
    """Lists in a row; nothing for nothing."""
    return " ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """A table that fits the terminal; piped, its cells are never broken."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    heading = Text(title, style="bold") if title else None
    table = Table(title=heading, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    if console.is_terminal:
        console.print(table)
        return
    wide = Console(width=_UNBOUNDED)
    with wide.capture() as captured:
        wide.print(table)
    typer.echo("\n".join(line.rstrip() for line in captured.get().rstrip("\n").split("\n")))
