"""`stockade ownership`: show, forget, export and import what was learned of whose objects are."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NotRequired, TypedDict

import typer

from stockade.cli.display import print_json, print_table
from stockade.cli.options import DEFAULT_POLICY, AsJson, Policy

if TYPE_CHECKING:
    from stockade.stores import Owners
    from stockade.stores.owners import Edge

app = typer.Typer(
    help="Whose objects are: show, forget, export, import.\n\n\b\nExample: stockade ownership show shop/order 7",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Kind = Annotated[str, typer.Argument(metavar="KIND", help="The API and the type of object, as in shop/order.")]


class _Line(TypedDict):
    """A line of an export."""

    kind: str
    id: str
    owner: str
    first: NotRequired[float]
    last: NotRequired[float]
    source: NotRequired[str]


OwnerOption = Annotated[str | None, typer.Option(help='An owner, "principal:ann" or "tenant:acme".')]
_MOST_SHOWN = 1000


@contextmanager
def _opened(policy: Path) -> Iterator[Owners]:
    from stockade.config import load
    from stockade.stores import Owners

    loaded = load(policy)
    store = Owners(loaded.folder / loaded.config.owners.path, loaded.config.owners.objects)
    try:
        yield store
    finally:
        store.close()


@app.command()
def show(
    kind: Annotated[str | None, typer.Argument(metavar="KIND", help="The API and the type, as in shop/order.")] = None,
    id_: Annotated[str | None, typer.Argument(metavar="ID", help="One object.")] = None,
    owner: OwnerOption = None,
    policy: Policy = DEFAULT_POLICY,
    as_json: AsJson = False,
) -> None:
    """Show whose objects are, since when, and which operation made them so; without KIND, what was learned of each.

    \b
    Example: stockade ownership show shop/order 7
    """
    with _opened(policy) as store:
        if kind is None and owner is None:
            _show_kinds(store, as_json)
            return
        edges = []
        for edge in store.all(kind, _canonical(id_), owner):
            edges.append(edge)
            if len(edges) >= _MOST_SHOWN:
                break
    if as_json:
        print_json([_as_dict(edge) for edge in edges])
        return
    columns = ("kind", "id", "owner", "first", "last", "source")
    print_table(columns, (tuple(str(_as_dict(edge)[name]) for name in columns) for edge in edges))


def _show_kinds(store: Owners, as_json: bool) -> None:
    rows = []
    for kind in sorted({edge.kind for edge in store.all()}):
        since, owners, others = store.edges.learned(kind)
        rows.append({"kind": kind, "since": _moment(since), "owners": owners, "others": others})
    if as_json:
        print_json(
            {"kinds": rows, "entries": store.edges.used, "room": store.edges.room, "evicted": store.edges.evicted}
        )
        return
    columns = ("kind", "since", "owners", "others")
    print_table(columns, (tuple(str(row[name]) for name in columns) for row in rows))


@app.command()
def forget(
    kind: Kind,
    id_: Annotated[str, typer.Argument(metavar="ID", help="The object.")],
    owner: OwnerOption = None,
    policy: Policy = DEFAULT_POLICY,
) -> None:
    """Forget an owner of an object, or all of them; every worker knows at once.

    \b
    Example: stockade ownership forget shop/order 7 --owner principal:bob
    """
    with _opened(policy) as store:
        store.forget(kind, _canonical(id_) or id_, owner, time.time())
    typer.echo(f"forgot {owner or 'the owners'} of {kind} {id_}")


@app.command()
def export(policy: Policy = DEFAULT_POLICY) -> None:
    """Print all that was learned, a JSON object a line.

    \b
    Example: stockade ownership export --policy stockade.yaml
    """
    import msgspec

    with _opened(policy) as store:
        for edge in store.all():
            typer.echo(msgspec.json.encode(edge._asdict()).decode())


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Lines as `export` prints them.")],
    policy: Policy = DEFAULT_POLICY,
) -> None:
    """Add what another has learned, or what the API's own database knows: {"kind", "id", "owner"} a line will do.

    \b
    Example: stockade ownership import owners.jsonl
    """
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise typer.BadParameter(f"{file} cannot be read: {error.strerror}") from None
    edges, troubles = _read(file, lines)
    if troubles:
        typer.echo("\n".join(troubles[:20]), err=True)
        sys.exit(2)
    with _opened(policy) as store:
        new = store.load(edges)
    typer.echo(f"{len(edges)} read, {new} new")


def _read(file: Path, lines: list[bytes]) -> tuple[list[Edge], list[str]]:
    import msgspec

    from stockade.stores.owners import Edge

    now = time.time()
    edges, troubles = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            given = msgspec.json.decode(line, type=_Line)
        except msgspec.MsgspecError as error:
            troubles.append(f"{file}:{number}: {error}")
            continue
        id_ = _canonical(given["id"])
        if id_ is None or not all((given["kind"], given["owner"])):
            troubles.append(f"{file}:{number}: kind, id and owner must not be empty, nor an id over long")
            continue
        first = given.get("first", now)
        edges.append(Edge(given["kind"], id_, given["owner"], first, given.get("last", now), "import"))
    return edges, troubles


def _canonical(id_: str | None) -> str | None:
    from stockade.ownership import BadId, spellings

    if id_ is None:
        return None
    try:
        return spellings(id_)[0]
    except BadId as error:
        raise typer.BadParameter(str(error)) from None


def _as_dict(edge: Edge) -> dict[str, Any]:
    return {**edge._asdict(), "first": _moment(edge.first), "last": _moment(edge.last)}


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""
