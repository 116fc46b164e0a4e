"""`stockade secrets`: which key the stored secrets are sealed under, and a new one without downtime."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import typer

from stockade.cli.display import print_json, print_table
from stockade.cli.options import DEFAULT_POLICY, AsJson, Policy

if TYPE_CHECKING:
    import sqlalchemy as sql

    from stockade.config import Loaded
    from stockade.envelopes import Ring
    from stockade.stores import Database

app = typer.Typer(
    help="The key of all stored secrets: status, rotation.\n\n\b\nExample: stockade secrets status",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@contextmanager
def _opened(loaded: Loaded) -> Iterator[tuple[Database, list[sql.Column[Any]], Ring]]:
    from stockade.config.database import open_database
    from stockade.config.secrets import read_ring
    from stockade.stores.sealed import sealed_columns

    ring = read_ring(loaded)
    with closing(open_database(loaded)) as database:
        yield database, sealed_columns(), ring


@app.command()
def status(policy: Policy = DEFAULT_POLICY, as_json: AsJson = False) -> None:
    """How many secrets are sealed under which key, and which key is the current one.

    \b
    Example: stockade secrets status --json
    """
    from stockade.config import load
    from stockade.stores.sealed import count_sealed

    loaded = load(policy, passive=True)
    with _opened(loaded) as (database, columns, ring):
        current = ring.current if not loaded.would_make else ""
        counts = ({current: 0} if current else {}) | count_sealed(database, columns)
    if not current:
        typer.echo("there is no key yet; stockade up makes one", err=True)
    rows = [(key, "yes" if key == current else "", str(count)) for key, count in counts.items()]
    if as_json:
        print_json([{"key": key, "current": bool(now), "secrets": int(count)} for key, now, count in rows])
    else:
        print_table(("key", "current", "secrets"), rows)


@app.command()
def rotate(policy: Policy = DEFAULT_POLICY, as_json: AsJson = False) -> None:
    """Make a new key, in the key file or in Vault, and bring every secret under it; running gateways notice.

    \b
    Example: stockade secrets rotate
    """
    from stockade.config import load
    from stockade.stores.key_file import KeyFile
    from stockade.stores.vault import VaultTransit

    with _opened(load(policy)) as (database, columns, ring):
        if not isinstance(ring, KeyFile | VaultTransit):
            text = "the key comes from the environment: set a new one there and the present one in secrets.old_keys, "
            raise typer.BadParameter(text + "reload, then run `stockade secrets rewrap`", param_hint="--policy")
        ring.rotate()
        _rewrap(database, columns, ring, as_json)


@app.command()
def rewrap(policy: Policy = DEFAULT_POLICY, as_json: AsJson = False) -> None:
    """Bring every secret under the current key; then the old ones are needed for backups alone.

    \b
    Example: stockade secrets rewrap
    """
    from stockade.config import load

    with _opened(load(policy)) as (database, columns, ring):
        _rewrap(database, columns, ring, as_json)


def _rewrap(database: Database, columns: list[sql.Column[Any]], ring: Ring, as_json: bool) -> None:
    from stockade.envelopes import Envelope
    from stockade.stores.sealed import rewrap_all

    done = rewrap_all(database, columns, Envelope(ring))
    if as_json:
        print_json({"key": ring.current, "rewrapped": done})
    else:
        typer.echo(f"{done} secrets brought under the key {ring.current}")
