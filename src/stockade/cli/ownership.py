"""`stockade ownership`: show, forget, export, import, report what was learned."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, NotRequired, TypedDict

import typer

from stockade.cli.display import print_json, print_rows, print_table
from stockade.cli.options import DEFAULT_POLICY, AsJson, Policy
from stockade.cli.ownership_report import moment, report

if TYPE_CHECKING:
    from stockade.ownership import Form
    from stockade.stores import Owners
    from stockade.stores.owners import Edge

app = typer.Typer(
    help="Whose objects are, and who tried others'.\n\n\b\nExample: stockade ownership show shop/order 7",
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


app.command()(report)
OwnerOption = Annotated[str | None, typer.Option(help='An owner, "principal:ann" or "tenant:acme".')]
_MOST_SHOWN = 1000


class _Opened(NamedTuple):
    store: Owners
    forms: dict[str, Form]  # by kind

    def canonical(self, kind: str | None, id_: str) -> str:
        """The id's one form. Raises BadId."""
        from stockade.ownership import spellings

        return spellings(id_, self.forms.get(kind or "", "auto"))[0]

    def asked(self, kind: str | None, id_: str | None) -> str | None:
        from stockade.ownership import BadId

        try:
            return self.canonical(kind, id_) if id_ is not None else None
        except BadId as error:
            raise typer.BadParameter(str(error), param_hint="ID") from None


@contextmanager
def _opened(policy: Path, *, passive: bool = False) -> Iterator[_Opened]:
    from stockade.config import load
    from stockade.stores import Owners

    loaded = load(policy, passive=passive)
    config = loaded.config
    store = Owners(loaded.folder / config.owners.path, config.owners.objects, passive=passive, at=time.time())
    try:
        yield _Opened(store, {f"{api.name}/{item.type}": item.form for api in config.apis for item in api.ownership})
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
    with _opened(policy, passive=True) as opened:
        if kind is None and owner is None:
            _show_kinds(opened.store, as_json)
            return
        edges = []
        for edge in opened.store.all(kind, opened.asked(kind, id_), owner):
            edges.append(edge)
            if len(edges) >= _MOST_SHOWN:
                break
    print_rows([_as_dict(edge) for edge in edges], ("kind", "id", "owner", "first", "last", "source"), as_json)


def _show_kinds(store: Owners, as_json: bool) -> None:
    rows = []
    for kind, count in store.kinds():
        since, owners, others = store.edges.learned(kind)
        rows.append({"kind": kind, "edges": count, "since": moment(since), "owners": owners, "others": others})
    if as_json:
        table = {"entries": store.edges.used, "room": store.edges.room, "evicted": store.edges.evicted}
        print_json({"kinds": rows, **table})
        return
    columns = ("kind", "edges", "since", "owners", "others")
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
    with _opened(policy) as opened:
        known = opened.store.forget(kind, opened.asked(kind, id_) or id_, owner, time.time())
    if not known:
        typer.echo(f"nothing was known of {owner or 'any owner'} of {kind} {id_}")
        sys.exit(1)
    typer.echo(f"forgot {owner or 'the owners'} of {kind} {id_}")


@app.command()
def export(policy: Policy = DEFAULT_POLICY) -> None:
    """Print all that was learned, a JSON object a line.

    \b
    Example: stockade ownership export --policy stockade.yaml
    """
    import msgspec

    with _opened(policy, passive=True) as opened:
        for edge in opened.store.all():
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
    with _opened(policy) as opened:
        edges, troubles = _read(file, lines, opened)
        if troubles:
            typer.echo("\n".join(troubles[:20]), err=True)
            sys.exit(2)
        new = opened.store.load(edges)
    typer.echo(f"{len(edges)} read, {new} new")


def _read(file: Path, lines: list[bytes], opened: _Opened) -> tuple[list[Edge], list[str]]:
    import msgspec

    from stockade.ownership import BadId
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
        try:
            id_ = opened.canonical(given["kind"], given["id"])
        except BadId as error:
            troubles.append(f"{file}:{number}: {error}")
            continue
        if not all((given["kind"], id_, given["owner"])):
            troubles.append(f"{file}:{number}: kind, id and owner must not be empty")
            continue
        first = given.get("first", now)
        edges.append(Edge(given["kind"], id_, given["owner"], first, given.get("last", now), "import"))
    return edges, troubles


def _as_dict(edge: Edge) -> dict[str, Any]:
    return {**edge._asdict(), "first": moment(edge.first), "last": moment(edge.last)}
