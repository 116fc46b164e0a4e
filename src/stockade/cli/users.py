"""`stockade users`: add, list, show, disable, enable, unlock, remove, password, rights, audit."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from stockade.cli import factors
from stockade.cli.display import moment, print_json, print_rows, print_table
from stockade.cli.options import DEFAULT_POLICY, AsJson, Policy
from stockade.cli.who import actor

if TYPE_CHECKING:
    from stockade.identity.users import Users
    from stockade.passwords import User

app = typer.Typer(
    help="Users: add, list, disable, passwords, rights, second factors.\n\n\b\nExample: stockade users add alice",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(factors.app, name="factors")
Name = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]
Roles = Annotated[list[str] | None, typer.Option("--role", help="A role; may be repeated.")]
Scopes = Annotated[list[str] | None, typer.Option("--scope", help="A scope; may be repeated.")]
FromStdin = Annotated[bool, typer.Option("--stdin", help="Read the password from standard input.")]
R = TypeVar("R")


def with_users(policy: Path, work: Callable[[Users], R], *, passive: bool = False) -> R:
    """What a function makes of the users of a policy; what it cannot is said in a line. passive: it only looks."""
    from stockade.identity.opening import opened
    from stockade.identity.users import BadChoice, BadUser

    with opened(policy, passive=passive) as identity:
        try:
            return work(identity.users)
        except BadChoice as error:
            told = "\n".join(f"  {fault.text}" for fault in error.faults)
            raise typer.BadParameter(f"this password cannot be taken:\n{told}") from None
        except BadUser as error:
            raise typer.BadParameter(str(error)) from None


@app.command()
def add(
    name: Name,
    role: Roles = None,
    scope: Scopes = None,
    tenant: Annotated[str, typer.Option(help="Whose user it is, where several customers share an API.")] = "",
    email: Annotated[str, typer.Option(help="Where codes and links are sent.")] = "",
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Without one; the user cannot log in yet.")
    ] = False,
    stdin: FromStdin = False,
    policy: Policy = DEFAULT_POLICY,
    as_json: AsJson = False,
) -> None:
    """Add a user. The password is asked for; only an argon2id hash is kept.

    \b
    Example: stockade users add alice --role clerk --scope orders:read
    """
    password = None if no_password else read_password(stdin)
    now, who = time.time(), actor()
    user = with_users(
        policy,
        lambda users: users.add(
            name, now, who, password=password, roles=role or (), scopes=scope or (), tenant=tenant, email=email
        ),
    )
    _show(user, as_json, f"added {user.name}")


@app.command("list")
def list_users(policy: Policy = DEFAULT_POLICY, as_json: AsJson = False) -> None:
    """List all users.

    \b
    Example: stockade users list --json
    """
    rows = [_as_dict(user) for user in with_users(policy, lambda users: users.all(), passive=True)]
    print_rows(rows, ("name", "state", "roles", "scopes", "tenant", "factors", "created"), as_json)


@app.command()
def show(name: Name, policy: Policy = DEFAULT_POLICY, as_json: AsJson = False) -> None:
    """Show one user, without anything secret.

    \b
    Example: stockade users show alice
    """
    row = _as_dict(with_users(policy, lambda users: users.find(name), passive=True))
    if as_json:
        print_json(row)
    else:
        print_table(("", ""), ((key.replace("_", " "), str(value)) for key, value in row.items()))


@app.command()
def disable(name: Name, policy: Policy = DEFAULT_POLICY, as_json: AsJson = False) -> None:
    """Let a user in no more: every worker refuses the next request.

    \b
    Example: stockade users disable alice
    """
    now, who = time.time(), actor()
    _show(with_users(policy, lambda users: users.disable(name, now, who)), as_json, f"disabled {name}")


@app.command()
def enable(name: Name, policy: Policy = DEFAULT_POLICY, as_json: AsJson = False) -> None:
    """Let a user in again.

    \b
    Example: stockade users enable alice
    """
    now, who = time.time(), actor()
    _show(with_users(policy, lambda users: users.enable(name, now, who)), as_json, f"enabled {name}")


@app.command()
def unlock(name: Name, policy: Policy = DEFAULT_POLICY, as_json: AsJson = False) -> None:
    """Forget the wrong guesses at a user's password and codes, by whomever; not those of an address.

    \b
    Example: stockade users unlock alice
    """
    now, who = time.time(), actor()
    _show(with_users(policy, lambda users: users.unlock(name, now, who)), as_json, f"unlocked {name}")


@app.command()
def remove(name: Name, policy: Policy = DEFAULT_POLICY, as_json: AsJson = False) -> None:
    """Remove a user for good. The name is never given to another; the audit stays.

    \b
    Example: stockade users remove alice
    """
    now, who = time.time(), actor()
    _show(with_users(policy, lambda users: users.remove(name, now, who)), as_json, f"removed {name}")


@app.command()
def password(
    name: Name,
    stdin: FromStdin = False,
    reset: Annotated[bool, typer.Option("--reset", help="Make a random one and print it, once.")] = False,
    policy: Policy = DEFAULT_POLICY,
) -> None:
    """Set a password, or reset it: the old one is refused by every worker from the next request on.

    \b
    Example: stockade users password alice --reset
    """
    now, who = time.time(), actor()
    if reset:
        typer.echo(with_users(policy, lambda users: users.reset_password(name, now, who)))
        typer.echo("keep it now, it cannot be shown again", err=True)
        return
    new = read_password(stdin)
    with_users(policy, lambda users: users.set_password(name, new, now, who))
    typer.echo(f"set the password of {name}")


@app.command()
def rights(
    name: Name,
    role: Roles = None,
    scope: Scopes = None,
    no_roles: Annotated[bool, typer.Option("--no-roles", help="Take all roles.")] = False,
    no_scopes: Annotated[bool, typer.Option("--no-scopes", help="Take all scopes.")] = False,
    tenant: Annotated[str | None, typer.Option(help="Whose user it is.")] = None,
    policy: Policy = DEFAULT_POLICY,
    as_json: AsJson = False,
) -> None:
    """Set roles, scopes or tenant; what is not named stays as it is.

    \b
    Example: stockade users rights alice --role clerk --role auditor
    """
    now, who = time.time(), actor()
    roles = [] if no_roles else role
    scopes = [] if no_scopes else scope
    user = with_users(policy, lambda users: users.set_rights(name, now, who, roles=roles, scopes=scopes, tenant=tenant))
    _show(user, as_json, f"{user.name}: roles {_words(user.roles)}; scopes {_words(user.scopes)}")


@app.command()
def audit(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="One user; default: all.")] = "",
    policy: Policy = DEFAULT_POLICY,
    as_json: AsJson = False,
) -> None:
    """What was done to users, by whom and when; newest first.

    \b
    Example: stockade users audit alice
    """
    rows = [
        {
            "at": moment(entry.at),
            "actor": entry.actor,
            "user": entry.name,
            "action": entry.action,
            "detail": entry.detail,
        }
        for entry in with_users(policy, lambda users: users.audit(name), passive=True)
    ]
    print_rows(rows, ("at", "actor", "user", "action"), as_json)


def read_password(stdin: bool) -> str:
    """From a prompt, twice, or the first line of standard input; never from the command line, which others can see."""
    if stdin or not sys.stdin.isatty():
        return sys.stdin.readline(4096).rstrip("\r\n")
    text: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return text


def _show(user: User, as_json: bool, text: str) -> None:
    if as_json:
        print_json(_as_dict(user))
    else:
        typer.echo(text)


def _as_dict(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "name": user.name,
        "state": user.refusal(time.time()) or ("active" if user.password else "no password"),
        "roles": " ".join(sorted(user.roles)),
        "scopes": " ".join(sorted(user.scopes)),
        "tenant": user.tenant,
        "email": user.email,
        "factors": " ".join(sorted(user.factors)),
        "created": moment(user.created),
        "password_set": moment(user.password_set) if user.password else "",
        "disabled": moment(user.disabled),
        "expires": moment(user.expires),
    }


def _words(words: frozenset[str]) -> str:
    return " ".join(sorted(words)) or "none"
