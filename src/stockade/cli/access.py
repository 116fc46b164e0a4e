"""`stockade access report`."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stockade.cli.display import print_json, print_table
from stockade.cli.options import DEFAULT_POLICY, AsJson, Policy

if TYPE_CHECKING:
    from stockade.cli.access_report import Access, Held
    from stockade.config import Loaded

app = typer.Typer(
    help="Least privilege: what callers may do, and what they do.\n\n\b\nExample: stockade access report",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_SHOWN = 8  # operations in a cell


@app.callback()
def access() -> None:
    """The group; without it the only command would stand for it."""


@app.command()
def report(
    logs: Annotated[
        list[Path] | None, typer.Argument(metavar="LOG…", help="Decision logs, .gz too; default: the policy's.")
    ] = None,
    days: Annotated[float, typer.Option(min=0.001, help="How far to look back.")] = 90.0,
    policy: Policy = DEFAULT_POLICY,
    as_json: AsJson = False,
) -> None:
    """Show what each principal may do and what it has used, and print the policy that would remove the rest.

    What a principal may do is known from the rules that have let it pass, from the members of the policy's roles and
    from the scopes of its API keys; what a token would open besides is not. Exit status 1: something may be removed.

    \b
    Example: stockade access report --days 30 --policy stockade.yaml
    """
    from stockade.cli.access_report import Reporter
    from stockade.cli.least_privilege import snippet
    from stockade.config import build, load
    from stockade.journal.usage import Usage

    loaded = load(policy, passive=True)
    built = build(loaded)
    since = datetime.fromtimestamp(time.time() - days * 86400.0, UTC).isoformat()[:19]
    holders = _holders(loaded)
    found = []
    with Usage() as usage:
        for log in logs or [_log(loaded)]:
            usage.read(log, since)
        for api, route in built.homes(loaded):
            if api.authorization is not None:
                reporter = Reporter(api, route, usage, holders)
                found.append((reporter, list(reporter.principals())))
        lines, bad = usage.lines, usage.bad
    superfluous = any(each.unused for _, rows in found for each in rows)
    snippets = {reporter.api: snippet(rows, cedar=reporter.by_cedar) for reporter, rows in found}
    if as_json:
        apis = [
            {"api": reporter.api, "principals": rows, **snippets[reporter.api]._asdict()} for reporter, rows in found
        ]
        print_json({"days": days, "lines": lines, "unreadable": bad, "apis": apis})
    else:
        for reporter, rows in found:
            _show(reporter.api, rows)
            told = snippets[reporter.api]
            typer.echo(f"\nThis would leave them what they have used:\n\n{told.text}")
            for note in told.notes:
                typer.echo(f"note: {_printable(note)}", err=True)
        if bad:
            typer.echo(f"warning: {bad} of {lines} lines are no records", err=True)
    sys.exit(1 if superfluous else 0)


def _log(loaded: Loaded) -> Path:
    path = loaded.config.log.path
    if path == "-":
        raise typer.BadParameter("the policy logs to standard output: name the files", param_hint="LOG")
    return loaded.folder / path


def _holders(loaded: Loaded) -> dict[str, Held]:
    """What principals hold by their API keys, where there is a store of keys."""
    from stockade.cli.access_report import Held
    from stockade.config.database import open_database
    from stockade.stores import KeyStore

    now = time.time()
    found: dict[str, Held] = {}
    with closing(open_database(loaded)) as database:
        for record in KeyStore(database).all():
            if record.refusal(now) is None:
                before = found.get(record.owner, Held())
                found[record.owner] = Held(before.scopes | record.scopes)
    return found


def _show(api: str, rows: list[Access]) -> None:
    print_table(("principal", "used", "not used", "which"), map(_cells, rows), title=f"{api}: what may be done, and is")


def _cells(row: Access) -> tuple[str, ...]:
    more = len(row.unused) - _SHOWN
    which = _printable(", ".join(row.unused[:_SHOWN])) + (f" (+{more} more)" if more > 0 else "")
    return _printable(row.principal or "(anybody)"), str(len(row.used)), str(len(row.unused)), which


def _printable(text: str) -> str:
    """A name may come from a token, and so may what a terminal would obey."""
    return text if text.isprintable() else ascii(text)
