"""`stockade check`."""

from __future__ import annotations

from os.path import relpath
from typing import TYPE_CHECKING

import typer

from stockade.cli.display import print_json, print_table
from stockade.cli.options import DEFAULT_POLICY, AsJson, PolicyFile

if TYPE_CHECKING:
    from stockade.cli.protection import Protection
    from stockade.config import Api

_COLUMNS = ("control", "mode", "on failure", "effect", "policy")


def check(file: PolicyFile = DEFAULT_POLICY, as_json: AsJson = False) -> None:
    """Validate a policy and show what it does for each API, and how weak those with a description are by it.

    Nothing is made or changed: it says which files `stockade up` will make.

    Exit status 2: it cannot be used; every reason is told, each with its line.

    \b
    Example: stockade check stockade.yaml
    """
    from stockade.cli import posture
    from stockade.cli.protection import protection
    from stockade.config import build, load
    from stockade.gateway.envoy.preflight import check_files

    loaded = load(file, passive=True)
    built = build(loaded)
    check_files(loaded, built)
    missing = loaded.would_make or []
    rows = [protection(loaded, index, route) for index, (_, route) in enumerate(built.homes(loaded))]
    described = posture.postures(loaded)
    if as_json:
        protected: dict[str, object] = {"protection": [row for of_api in rows for row in of_api]}
        if described:
            protected["posture"] = posture.as_json(described)
        print_json({**protected, "warnings": list(map(str, built.warnings)), "would_make": list(map(str, missing))})
        return
    for api, of_api in zip(loaded.config.apis, rows, strict=True):
        _show(api, of_api)
    for of_described in described:
        posture.show(of_described)
    for warning in built.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if missing:
        names = ", ".join(relpath(path) for path in missing)
        typer.echo(f"stockade up makes, for they are not there yet: {names}", err=True)


def _show(api: Api, rows: list[Protection]) -> None:
    from stockade.cli.protection import heading

    cells = [(row.control, row.mode, row.failure, row.effect, row.policy) for row in rows]
    print_table(_COLUMNS, cells, title=heading(api))
    typer.echo()
