"""`stockade crs …`: the OWASP Core Rule Set, where a policy says `waf: {rules: crs}`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="The OWASP Core Rule Set, for `waf: {rules: crs}`.\n\n\b\nExample: stockade crs install coreruleset.tar.gz",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("install")
def install(
    source: Annotated[Path, typer.Argument(metavar="PATH|TARBALL", help="A release's folder, or its archive.")],
) -> None:
    """Unpack a CRS, check that every rule can be run, and put it where policies find it.

    Nothing is downloaded: get a release from the CRS project and verify its signature first.

    \b
    Example: stockade crs install coreruleset-4.28.0.tar.gz
    """
    from stockade.config.crs import install_crs

    installed = install_crs(source)
    typer.echo(f"{installed.title}: {installed.rules} rules, in {installed.folder}")


@app.command("show")
def show() -> None:
    """Say which CRS policies would use.

    \b
    Example: stockade crs show
    """
    from stockade.config.crs import describe, find_crs

    folder = find_crs()
    if folder is None:
        typer.echo("none: apt install modsecurity-crs, or stockade crs install PATH|TARBALL")
        raise typer.Exit(1)
    found = describe(folder)
    typer.echo(f"{found.title}: {found.rules} rules, in {found.folder}")
