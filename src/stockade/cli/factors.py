"""`stockade users factors`: list, app, recovery, remove."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from stockade.cli.display import moment, print_json, print_table
from stockade.cli.options import DEFAULT_POLICY, AsJson, Policy
from stockade.cli.who import actor

if TYPE_CHECKING:
    from stockade.identity.factors import Factors
    from stockade.passwords import User

app = typer.Typer(
    help="Second factors of users: apps, recovery codes, passkeys.\n\n\b\nExample: stockade users factors app alice",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]
R = TypeVar("R")


def _with_factors(policy: Path, name: str, work: Callable[[Factors, User], R], *, passive: bool = False) -> R:
    from stockade.identity.opening import opened

    with opened(policy, passive=passive) as identity:
        return work(identity.factors, identity.users.find(name))


@app.command("list")
def list_factors(name: Name, policy: Policy = DEFAULT_POLICY, as_json: AsJson = False) -> None:
    """List the second factors of a user; recovery codes are counted.

    \b
    Example: stockade users factors list alice
    """
    factors = _with_factors(policy, name, lambda factors, user: factors.of(user), passive=True)
    codes = sum(factor.kind == "recovery" for factor in factors)
    rows = [
        {
            "id": factor.id,
            "kind": factor.kind,
            "label": factor.label,
            "state": "ready" if factor.confirmed else "not confirmed",
            "created": moment(factor.created),
            "used": moment(factor.used),
        }
        for factor in factors
        if factor.kind != "recovery"
    ]
    if as_json:
        print_json({"factors": rows, "recovery_codes": codes})
        return
    columns = ("id", "kind", "label", "state", "created", "used")
    print_table(columns, (tuple(row[column] for column in columns) for row in rows))
    typer.echo(f"{codes} recovery codes left")


@app.command("app")
def add_app(
    name: Name,
    label: Annotated[str, typer.Option(help="What the app is called, where there are several.")] = "",
    policy: Policy = DEFAULT_POLICY,
) -> None:
    """Add an authenticator app: the secret is printed once, and a code is asked for to confirm that it works.

    \b
    Example: stockade users factors app alice
    """
    now = time.time()
    enrolment = _with_factors(policy, name, lambda factors, user: factors.enrol_totp(user, now, label))
    typer.echo(enrolment.uri)
    typer.echo(f"secret {enrolment.secret}; keep it now, it cannot be shown again", err=True)
    code = typer.prompt("Code", err=True)
    now, who = time.time(), actor()
    if not _with_factors(policy, name, lambda factors, user: factors.confirm_totp(user, enrolment.id, code, now, who)):
        typer.echo("this code is wrong; the app was not added", err=True)
        raise typer.Exit(1)
    typer.echo(f"codes are asked of {name} from now on", err=True)


@app.command()
def recovery(name: Name, policy: Policy = DEFAULT_POLICY, as_json: AsJson = False) -> None:
    """Make ten recovery codes, printed once; those before are good no more.

    \b
    Example: stockade users factors recovery alice
    """
    now, who = time.time(), actor()
    codes = _with_factors(policy, name, lambda factors, user: factors.make_recovery(user, now, who))
    if as_json:
        print_json(codes)
    else:
        typer.echo("\n".join(codes))
        typer.echo("keep them now, they cannot be shown again", err=True)


@app.command()
def remove(
    name: Name,
    factor: Annotated[str, typer.Argument(metavar="ID", help='The id of a second factor, or "all".')],
    policy: Policy = DEFAULT_POLICY,
) -> None:
    """Remove a second factor, or all of them: for a user who lost theirs.

    \b
    Example: stockade users factors remove alice all
    """
    now, who = time.time(), actor()
    _with_factors(policy, name, lambda factors, user: factors.remove(user, factor, now, who))
    typer.echo(f"removed {factor} of {name}")
