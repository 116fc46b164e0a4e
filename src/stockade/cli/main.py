"""`stockade`: the commands, and the one place where errors become a line and an exit status."""

from __future__ import annotations

from typing import Annotated

import typer

from stockade import __version__
from stockade.cli import (
    access,
    check,
    crs,
    demo,
    explain,
    grpc,
    init,
    keys,
    ownership,
    policy,
    replay,
    schema,
    secrets,
    up,
    waf,
)
from stockade.cli.failures import report

app = typer.Typer(
    name="stockade",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init")(init.init)
app.command("check")(check.check)
app.command("schema")(schema.schema)
app.command("up")(up.up)
app.command("explain")(explain.explain)
app.command("replay")(replay.replay)
app.command("demo")(demo.demo)
app.add_typer(keys.app, name="keys")
app.add_typer(ownership.app, name="ownership")
app.add_typer(policy.app, name="policy")
app.add_typer(access.app, name="access")
app.add_typer(secrets.app, name="secrets")
app.add_typer(waf.app, name="waf")
app.add_typer(crs.app, name="crs")
app.add_typer(grpc.app, name="grpc")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"stockade {__version__}")
        raise typer.Exit


@app.callback()
def main(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Stands in front of an API and protects it.

    Begin with: stockade init --upstream http://127.0.0.1:9000
    """


def run() -> None:
    """The console script."""
    try:
        app()
    except Exception as error:  # noqa: BLE001 - `report` raises again what is a bug
        report(error)
