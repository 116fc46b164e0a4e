"""`stockade keys`: issue, list, usage, rotate, revoke."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stockade.cli.display import print_json, print_rows
from stockade.cli.options import DEFAULT_POLICY, AsJson, Policy, seconds
from stockade.cli.who import actor

if TYPE_CHECKING:
    from stockade.identity import ApiKeys, Issued
    from stockade.tokens import ApiKeyRecord

app = typer.Typer(
    help="API keys: issue, list, usage, rotate, revoke.\n\n\b\nExample: stockade keys issue --owner alice",
    no_args_is_help=True,
    rich_markup_mode=None,
)
KeyId = Annotated[str, typer.Argument(metavar="KEY", help="The key's id (stk_<id>_…), or the whole key.")]


@contextmanager
def _opened(policy: Path, *, passive: bool = False) -> Iterator[ApiKeys]:
    from stockade.config import load
    from stockade.config.database import open_database
    from stockade.config.hash_key import read_hash_key
    from stockade.identity import ApiKeys
    from stockade.stores import KeyStore

    loaded = load(policy, passive=passive)
    hash_key = read_hash_key(loaded)
    with closing(open_database(loaded)) as database:
        yield ApiKeys(KeyStore(database), hash_key)


@app.command()
def issue(
    owner: Annotated[str, typer.Option(help="Who it is for: the principal that the upstream and the log see.")],
    scope: Annotated[list[str] | None, typer.Option(help="A scope it grants; may be repeated.")] = None,
    network: Annotated[list[str] | None, typer.Option(help="A network it may be used from; may be repeated.")] = None,
    expires: Annotated[str | None, typer.Option(metavar="DURATION", help="How long it works, such as 90d.")] = None,
    policy: Policy = DEFAULT_POLICY,
    as_json: AsJson = False,
) -> None:
    """Issue a key. It is shown once; only a keyed hash is kept.

    \b
    Example: stockade keys issue --owner alice --scope orders:read --expires 90d
    """
    now = time.time()
    ends = now + seconds(expires, "--expires", least=1.0) if expires is not None else None
    with _opened(policy) as keys:
        try:
            issued = keys.issue(owner, now, scopes=scope or (), networks=network or (), expires=ends, actor=actor())
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
    _show_issued(issued, as_json)


@app.command("list")
def list_keys(policy: Policy = DEFAULT_POLICY, as_json: AsJson = False) -> None:
    """List all keys, without their secrets.

    \b
    Example: stockade keys list --json
    """
    now = time.time()
    with _opened(policy, passive=True) as keys:
        records = keys.list()
    rows = [_as_dict(record, now) for record in records]
    print_rows(rows, ("id", "owner", "state", "scopes", "networks", "created", "expires", "last used"), as_json)


@app.command()
def usage(
    unused_for: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Only keys that work and were not used for so long: 90d.")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Only this owner's.")] = None,
    policy: Policy = DEFAULT_POLICY,
    as_json: AsJson = False,
) -> None:
    """How often each key was used, and when last; with --unused-for those that nobody seems to need.

    \b
    Example: stockade keys usage --unused-for 90d
    """
    now = time.time()
    least = seconds(unused_for, "--unused-for") if unused_for is not None else None
    with _opened(policy, passive=True) as keys:
        records = keys.list() if least is None else keys.unused(now, least)
    rows = [_usage(record, now) for record in records if owner in (None, record.owner)]
    print_rows(rows, ("id", "owner", "state", "created", "last used", "idle days", "uses"), as_json)


@app.command()
def rotate(
    key_id: Annotated[
        str | None, typer.Argument(metavar="KEY", help="The key's id (stk_<id>_…), or the whole key.")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Instead of one key: all of this owner's.")] = None,
    older_than: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Instead of one key: all issued so long ago, such as 180d.")
    ] = None,
    overlap: Annotated[str, typer.Option(metavar="DURATION", help="How long the old key still works.")] = "24h",
    policy: Policy = DEFAULT_POLICY,
    as_json: AsJson = False,
) -> None:
    """Issue a successor with the same rights; the old key works until the overlap ends.

    \b
    Example: stockade keys rotate 4vJ9x2Lq0aBc --overlap 24h
    Example: stockade keys rotate --owner alice --older-than 180d --overlap 7d
    """
    now, kept = time.time(), seconds(overlap, "--overlap")
    least = seconds(older_than, "--older-than") if older_than is not None else 0.0
    if (key_id is None) == (owner is None and older_than is None):
        raise typer.BadParameter("name one key, or choose several by --owner and --older-than", param_hint="KEY")
    with _opened(policy) as keys:
        if key_id is not None:
            _show_issued(keys.rotate(key_id, now, kept, actor()), as_json)
        else:
            _show_rotated(keys.rotate_all(now, kept, owner=owner, older_than=least, actor=actor()), as_json)


@app.command()
def revoke(key_id: KeyId, policy: Policy = DEFAULT_POLICY, as_json: AsJson = False) -> None:
    """Revoke a key: every worker refuses it from the next request on.

    \b
    Example: stockade keys revoke 4vJ9x2Lq0aBc
    """
    now = time.time()
    with _opened(policy) as keys:
        record = keys.revoke(key_id, now, actor())
    if as_json:
        print_json(_as_dict(record, now))
    else:
        typer.echo(f"revoked {record.id} of {record.owner}")


def _show_issued(issued: Issued, as_json: bool) -> None:
    if as_json:
        print_json({"key": issued.text, **_as_dict(issued.record, issued.record.created)})
        return
    typer.echo(issued.text)
    typer.echo(f"id {issued.record.id}; keep it now, it cannot be shown again", err=True)


def _show_rotated(rotated: Iterator[tuple[ApiKeyRecord, Issued]], as_json: bool) -> None:
    """Each as soon as it is there: what comes after it may fail, and it cannot be shown again."""
    done: list[dict[str, Any]] = []
    try:
        for old, issued in rotated:
            done.append({"replaces": old.id, "key": issued.text, **_as_dict(issued.record, issued.record.created)})
            if not as_json:
                typer.echo(f"{old.owner} {old.id} {issued.text}")
    finally:
        if as_json:
            print_json(done)
    if not as_json:
        typer.echo(f"{len(done)} keys rotated; keep the new ones now, they cannot be shown again", err=True)


def _usage(record: ApiKeyRecord, now: float) -> dict[str, Any]:
    idle = int((now - max(record.created, record.last_used or 0.0)) // 86400)
    known = _as_dict(record, now)
    return {name: known[name] for name in ("id", "owner", "state", "created", "last_used")} | {
        "idle_days": max(idle, 0),
        "uses": record.uses,
    }


def _as_dict(record: ApiKeyRecord, now: float) -> dict[str, Any]:
    return {
        "id": record.id,
        "owner": record.owner,
        "state": record.refusal(now) or ("rotated" if record.replaced_by is not None else "active"),
        "scopes": " ".join(sorted(record.scopes)),
        "networks": " ".join(record.networks),
        "created": _moment(record.created),
        "expires": _moment(record.expires),
        "revoked": _moment(record.revoked),
        "replaced_by": record.replaced_by,
        "last_used": _moment(record.last_used),
    }


def _moment(at: float | None) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at is not None else ""
