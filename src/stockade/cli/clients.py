"""`stockade clients`: OAuth clients of the token service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec.structs import asdict

from stockade.cli.display import moment, print_json, print_rows
from stockade.cli.options import DEFAULT_POLICY, AsJson, Policy, seconds
from stockade.cli.who import actor

if TYPE_CHECKING:
    from stockade.grants import Client
    from stockade.identity.clients import Clients, Registered

app = typer.Typer(
    help="OAuth clients: add, list, show, rotate, disable, enable, remove; audit, events; rotate-signing-key.\n\n\b\n"
    "Example: stockade clients list",
    no_args_is_help=True,
    rich_markup_mode=None,
)
ClientId = Annotated[str, typer.Argument(metavar="CLIENT", help="The client's id.")]


@contextmanager
def _opened(policy: Path, *, passive: bool = False) -> Iterator[Clients]:
    from stockade.config import load
    from stockade.config.database import open_database
    from stockade.config.hash_key import read_hash_key
    from stockade.identity.clients import Clients
    from stockade.stores.clients import ClientStore

    loaded = load(policy, passive=passive)
    hash_key = read_hash_key(loaded)
    with closing(open_database(loaded)) as database:
        yield Clients(ClientStore(database), hash_key)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="What it is called; users see it when they are asked to consent.")],
    grant: Annotated[
        list[str], typer.Option(help="client_credentials, authorization_code, refresh_token, device_code; repeatable.")
    ],
    audience: Annotated[list[str], typer.Option(help="An API that its tokens may be for; repeatable.")],
    scope: Annotated[list[str] | None, typer.Option(help="A scope that it may have; repeatable.")] = None,
    redirect: Annotated[list[str] | None, typer.Option(help="A redirect URI, exact; repeatable.")] = None,
    authentication: Annotated[
        str, typer.Option(help="secret, private_key_jwt, tls, or none for a public client.")
    ] = "secret",
    jwks: Annotated[Path | None, typer.Option(help="File with its public keys, for private_key_jwt.")] = None,
    certificate: Annotated[
        str, typer.Option(help="For tls: subject:CN=…, dns:…, uri:… or sha256:… of its certificate.")
    ] = "",
    tokens: Annotated[str, typer.Option(help="Format of its access tokens: jwt or opaque.")] = "jwt",
    bound: Annotated[str, typer.Option(help="How its tokens are bound to it: dpop or mtls.")] = "",
    client_id: Annotated[str, typer.Option("--id", help="Its id; default: a random one.")] = "",
    policy: Policy = DEFAULT_POLICY,
    as_json: AsJson = False,
) -> None:
    """Register a client. Its secret is shown once; only a keyed hash is kept.

    \b
    Example: stockade clients add robot --grant client_credentials --audience shop --scope orders:read
    """
    from stockade.grants import BadClient
    from stockade.stores import Conflict

    keys = _read(jwks)
    with _opened(policy) as clients:
        try:
            registered = clients.add(
                name,
                time.time(),
                grants=grant,
                audiences=audience,
                scopes=scope or (),
                redirects=redirect or (),
                authentication=authentication,
                jwks=keys,
                certificate=certificate,
                tokens=tokens,
                bound=bound,
                client_id=client_id,
                actor=actor(),
            )
        except BadClient as error:
            raise typer.BadParameter(str(error)) from None
        except Conflict:
            raise typer.BadParameter(f"the id {client_id} is taken", param_hint="--id") from None
    _show(registered, as_json)


@app.command("list")
def list_clients(policy: Policy = DEFAULT_POLICY, as_json: AsJson = False) -> None:
    """List all clients, without their secrets.

    \b
    Example: stockade clients list --json
    """
    with _opened(policy, passive=True) as clients:
        rows = [_as_dict(client) for client in clients.list()]
    print_rows(rows, ("id", "name", "state", "authentication", "grants", "scopes", "audiences"), as_json)


@app.command()
def show(client: ClientId, policy: Policy = DEFAULT_POLICY) -> None:
    """Show all of one client, without its secret.

    \b
    Example: stockade clients show 4f1c0a9be2d3c4b5a697
    """
    with _opened(policy, passive=True) as clients:
        print_json(_as_dict(_found(clients, client)))


@app.command()
def rotate(
    client: ClientId,
    overlap: Annotated[str, typer.Option(metavar="DURATION", help="How long the old secret still works.")] = "24h",
    policy: Policy = DEFAULT_POLICY,
    as_json: AsJson = False,
) -> None:
    """Make a new secret; the old one works until the overlap ends.

    \b
    Example: stockade clients rotate 4f1c0a9be2d3c4b5a697 --overlap 1h
    """
    from stockade.grants import BadClient

    kept = seconds(overlap, "--overlap")
    with _opened(policy) as clients:
        try:
            registered = clients.rotate(_found(clients, client).id, time.time(), kept, actor())
        except BadClient as error:
            raise typer.BadParameter(str(error)) from None
    _show(registered, as_json)


@app.command()
def disable(client: ClientId, policy: Policy = DEFAULT_POLICY) -> None:
    """It gets no more tokens, and those it has are refused from the next request on.

    \b
    Example: stockade clients disable 4f1c0a9be2d3c4b5a697
    """
    with _opened(policy) as clients:
        clients.disable(_found(clients, client).id, time.time(), actor())
    typer.echo(f"disabled {client}; its tokens are revoked")


@app.command()
def enable(client: ClientId, policy: Policy = DEFAULT_POLICY) -> None:
    """It may ask for tokens again; those it had stay revoked.

    \b
    Example: stockade clients enable 4f1c0a9be2d3c4b5a697
    """
    with _opened(policy) as clients:
        clients.enable(_found(clients, client).id, time.time(), actor())
    typer.echo(f"enabled {client}")


@app.command()
def remove(client: ClientId, policy: Policy = DEFAULT_POLICY) -> None:
    """Forget it; its tokens are refused from the next request on.

    \b
    Example: stockade clients remove 4f1c0a9be2d3c4b5a697
    """
    with _opened(policy) as clients:
        clients.remove(_found(clients, client).id, time.time(), actor())
    typer.echo(f"removed {client}; its tokens are revoked")


@app.command("rotate-signing-key")
def rotate_signing_key(policy: Policy = DEFAULT_POLICY) -> None:
    """Withdraw the key that signs tokens now, because it has leaked: its tokens are refused at once.

    \b
    Example: stockade clients rotate-signing-key
    """
    from stockade.config import load
    from stockade.config.database import open_database
    from stockade.identity.service.opening import signing_keys

    loaded = load(policy)
    if loaded.config.identity is None:
        raise typer.BadParameter("the policy has no section `identity`", param_hint="--policy")
    with closing(open_database(loaded)) as database:
        kid = signing_keys(loaded, database).replace(time.time())
    typer.echo(f"tokens are signed by {kid} from now on")


@app.command()
def events(
    event: Annotated[str, typer.Option(help="Only these, such as refresh.reused.")] = "",
    client: Annotated[str, typer.Option(help="Only of this client, by its id.")] = "",
    user: Annotated[str, typer.Option(help="Only of this user.")] = "",
    policy: Policy = DEFAULT_POLICY,
    as_json: AsJson = False,
) -> None:
    """What happened at the token service, newest first: logins, refused clients, replayed codes, new signing keys.

    \b
    Example: stockade clients events --event refresh.reused
    """
    from stockade.cli.offices import opened
    from stockade.stores.events import EventStore

    with opened(policy, passive=True) as office:
        found = EventStore(office.database).newest(event=event, client=client, user=user)
    rows = [asdict(row) | {"at": moment(row.at)} for row in found]
    print_rows(rows, ("at", "event", "client", "user", "address", "times", "detail"), as_json)


@app.command()
def audit(
    client: Annotated[str, typer.Argument(metavar="[CLIENT]", help="One client, by its id; default: all.")] = "",
    policy: Policy = DEFAULT_POLICY,
    as_json: AsJson = False,
) -> None:
    """Who changed which credential, and when; newest first.

    \b
    Example: stockade clients audit
    """
    from stockade.cli.offices import opened
    from stockade.stores.audit import read_audit

    with opened(policy, passive=True) as office:
        found = read_audit(office.database, client or None)
    rows = [asdict(row) | {"at": moment(row.at)} for row in found]
    print_rows(rows, ("at", "actor", "action", "subject"), as_json)


def _found(clients: Clients, client_id: str) -> Client:
    from stockade.identity.clients import NoSuchClient

    try:
        return clients.find(client_id)
    except NoSuchClient as error:
        raise typer.BadParameter(str(error), param_hint="CLIENT") from None


def _read(path: Path | None) -> bytes:
    if path is None:
        return b""
    try:
        return path.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be read: {error.strerror}", param_hint="--jwks") from None


def _show(registered: Registered, as_json: bool) -> None:
    client = registered.client
    if as_json:
        secret = {"client_secret": registered.secret} if registered.secret else {}
        print_json({**_as_dict(client), **secret})
        return
    typer.echo(f"{client.id} {registered.secret}".strip())
    if registered.secret:
        typer.echo("id and secret; keep the secret now, it cannot be shown again", err=True)


def _as_dict(client: Client) -> dict[str, Any]:
    return {
        "id": client.id,
        "name": client.name,
        "state": "active" if client.disabled is None else "disabled",
        "authentication": client.authentication,
        "grants": " ".join(sorted(client.grants)),
        "scopes": " ".join(sorted(client.scopes)),
        "audiences": " ".join(client.audiences),
        "redirects": list(client.redirects),
        "certificate": client.certificate,
        "tokens": client.tokens,
        "bound": client.bound,
        "created": moment(client.created),
    }
