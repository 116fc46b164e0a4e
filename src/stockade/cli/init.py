"""`stockade init`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from stockade.cli.options import DEFAULT_POLICY


def init(
    upstream: Annotated[str, typer.Option(metavar="URL", help="Where the API is, such as http://127.0.0.1:9000.")],
    openapi: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its OpenAPI description: what a valid request is.")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help='The file to write; "-" for standard output.')
    ] = DEFAULT_POLICY,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it is there.")] = False,
) -> None:
    """Write a commented, secure-by-default policy for an API.

    \b
    Example: stockade init --upstream http://127.0.0.1:9000 --openapi openapi.json
    """
    from stockade.config import BadConfig, load_text
    from stockade.config.description import Described, read_description
    from stockade.config.starter import starter_policy

    described = read_description(openapi) if openapi is not None else Described()
    folder = Path() if str(output) == "-" else output.parent
    text = starter_policy(upstream, described, os.path.relpath(openapi, folder) if openapi is not None else "")
    try:
        load_text(text, output)
    except BadConfig as error:  # the upstream is the only part of the text that was not ours
        raise typer.BadParameter(error.problems[0].text, param_hint="--upstream") from None
    if str(output) == "-":
        typer.echo(text, nl=False)
        return
    _write(output, text, force)
    typer.echo(f"wrote {output}; next: stockade keys issue --owner me --policy {output}, then stockade up {output}")


def _write(output: Path, text: str, force: bool) -> None:
    from stockade.config import BadConfig, Problem

    try:
        with output.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        if output.is_dir():
            raise BadConfig([Problem(str(output), 0, "is a folder; -o names the file to write in it")]) from None
        text = "is there already; --force overwrites it, -o writes another"
        raise BadConfig([Problem(str(output), 0, text)]) from None
    except OSError as error:
        raise BadConfig([Problem(str(output), 0, f"cannot be written: {error.strerror}")]) from None
