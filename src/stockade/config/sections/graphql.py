"""`graphql:` which GraphQL may be asked, how much of it, and by whom."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from msgspec import Struct
from pydantic import BeforeValidator, Field

from stockade.config.base import Model, Section
from stockade.config.errors import did_you_mean, written
from stockade.config.site import Site
from stockade.config.texts import FilePath, UrlPath
from stockade.config.units import Count, Flag, Size
from stockade.controls.graphql import GraphQL, read_parts
from stockade.engine import Binding
from stockade.graphql import (
    BadDocuments,
    BadSchema,
    Endpoint,
    Limits,
    Rules,
    Schema,
    Settings,
    Sizes,
    documents_of,
    read_documents,
)
from stockade.graphql.paths import Place

T = TypeVar("T")
_DEFAULT = Limits()
_PERSISTED = ("graphql", "persisted", "file")
_DOCUMENTS = ("*.graphql", "*.gql")
_is_argument = re.compile(r"[_A-Za-z][_0-9A-Za-z]*(\.[_A-Za-z][_0-9A-Za-z]*){0,3}").fullmatch


def _argument(value: Any) -> Any:
    if isinstance(value, str) and not _is_argument(value):
        raise ValueError(f'{written(value)} is not an argument such as "first", or "page.limit" within an object')
    return value


Positive = Annotated[Count, Field(ge=1, le=1_000_000)]
Argument = Annotated[str, BeforeValidator(_argument)]


class PersistedSection(Model):
    """Documents that are known beforehand."""

    file: FilePath = Field(description="JSON, a map of SHA-256 to document; or a folder with .graphql files.")
    only: Flag = Field(True, description="Refuse all others.")


class GraphQLSection(Section):
    """An endpoint. Fragments count as if they stood in their places."""

    description: FilePath | None = Field(
        None, alias="schema", description="SDL, or the JSON that introspection gave; without it only limits hold."
    )
    path: UrlPath = Field("/graphql", description="Where the endpoint is; all that is under it is the endpoint's too.")
    size: Size = Field(_DEFAULT.size, description="The size of a document at most.")
    tokens: Positive = Field(_DEFAULT.tokens, description="Tokens of a document at most.")
    depth: Annotated[Count, Field(ge=1, le=50)] = Field(_DEFAULT.depth, description="Fields within fields at most.")
    fields: Positive = Field(_DEFAULT.fields, description="Fields at most.")
    aliases: Annotated[Count, Field(ge=0)] = Field(_DEFAULT.aliases, description="Aliases at most.")
    directives: Annotated[Count, Field(ge=0)] = Field(_DEFAULT.directives, description="Directives at most.")
    roots: Positive = Field(_DEFAULT.roots, description="Outermost fields of an operation at most.")
    repeats: Positive = Field(_DEFAULT.repeats, description="How often a request may call one mutation.")
    complexity: Positive = Field(_DEFAULT.complexity, description="What a request may cost at most.")
    field_costs: dict[str, Annotated[Count, Field(ge=0)]] = Field(
        {}, description='What fields cost, as in {"Query.orders": 5}; others cost 1.'
    )
    page_arguments: list[Argument] = Field(
        ["first", "last", "limit"], description="Arguments that say how many items a field gives."
    )
    list_size: Positive = Field(10, description="How many items a list is taken to have where no argument says it.")
    batch: Positive = Field(_DEFAULT.batch, description="Operations in one request at most.")
    values: Positive = Field(_DEFAULT.values, description="Members and items of variables at most.")
    introspection: Flag = Field(False, description="Whether clients may ask for the schema.")
    persisted: PersistedSection | None = None
    scopes: dict[str, list[str]] = Field(
        {}, description='Scopes, all of them, that fields need: {"Query.users": [admin], "Mutation": [write]}.'
    )
    get: Flag = Field(True, description="Whether queries may come by GET; nothing else ever may.")
    multipart: Flag = Field(False, description="Whether files may be sent with a request.")
    websocket: Flag = Field(False, description="Whether WebSockets may be opened; what they carry is not seen here.")
    operations: list[str] = Field(
        [], description="Names of operations that limits and logs may go by; those of persisted documents may anyway."
    )

    def compiled_limits(self) -> Limits:
        return Limits(**{name: getattr(self, name) for name in Limits.__struct_fields__ if name != "errors"})


def make(site: Site) -> list[Binding]:
    section = site.api.graphql
    if section is None or section.mode == "off":
        return []
    _check_path(site, section)
    _check_scopes(site, section)
    schema = _schema(site, section)
    found = _persisted(site, section)
    if schema is None or found is None:
        return []
    _check_names(site, schema, "field_costs", section.field_costs)
    _check_names(site, schema, "scopes", section.scopes)
    sizes = Sizes(tuple(tuple(name.split(".")) for name in section.page_arguments), section.list_size)
    rules = Rules(sizes, section.field_costs, {name: frozenset(scopes) for name, scopes in section.scopes.items()})
    settings = _settings(section)
    endpoint = _told(site, lambda: Endpoint(schema, rules, settings, found.documents, found.files))
    if endpoint is None:
        return []
    title = _title(section, len(found.documents))
    control = GraphQL(endpoint, Place(section.path), title=title, websocket=section.websocket)
    return [site.bind(control, section, "graphql")]


def place_of(site: Site) -> Place | None:
    """Which paths are the endpoint's, where there is one whose operations have names of their own."""
    section = site.api.graphql
    return None if section is None or section.mode == "off" else Place(section.path)


def _settings(section: GraphQLSection) -> Settings:
    return Settings(
        limits=section.compiled_limits(),
        introspection=section.introspection,
        get=section.get,
        only=section.persisted is not None and section.persisted.only,
        known=frozenset(section.operations),
        parts=read_parts if section.multipart else None,
    )


def _title(section: GraphQLSection, persisted: int) -> str:
    parts = [f"{section.path}: {'against its schema' if section.description is not None else 'syntax alone'}"]
    parts.append(f"depth {section.depth}, complexity {section.complexity}")
    if section.persisted is not None:
        parts.append(f"{'only ' if section.persisted.only else ''}{persisted} persisted document(s)")
    if section.scopes:
        parts.append(f"{len(section.scopes)} guarded")
    if section.introspection:
        parts.append("introspection on")
    return "; ".join(parts)


def _check_path(site: Site, section: GraphQLSection) -> None:
    prefix = site.api.prefix.rstrip("/")
    if not (section.path == prefix or section.path.startswith(f"{prefix}/")):
        site.problem(f"{section.path} is not under the API's prefix {site.api.prefix}", "graphql", "path")


def _schema(site: Site, section: GraphQLSection) -> Schema | None:
    if section.description is None:
        return Schema()
    data = site.read_file(section.description, "the schema", "graphql", "schema")
    if data is None:
        return None
    name = str(section.description)
    try:
        schema = Schema.read(data)
    except BadSchema as error:
        for problem in error.problems:
            site.problem(f"{_at(name, problem.line)}: {problem.text}", "graphql", "schema")
        return None
    for warning in schema.warnings:
        site.warn(f"{_at(name, warning.line)}: {warning.text}", "graphql", "schema")
    return schema


def _at(name: str, line: int) -> str:
    return f"{name}:{line}" if line else name


class Found(Struct, frozen=True):
    """Persisted documents by id, and the files of those that have one each."""

    documents: Mapping[str, str] = {}
    files: Mapping[str, str] = {}


def _persisted(site: Site, section: GraphQLSection) -> Found | None:
    """None, and problems, where the documents are no good."""
    if section.persisted is None:
        return Found()
    path = section.persisted.file
    folder = site.folder / path
    if folder.is_dir():
        return _from_folder(site, path, folder)
    data = site.read_file(path, "the list of documents", *_PERSISTED)
    documents = None if data is None else _told(site, lambda: read_documents(data), f"{path}: ")
    return None if documents is None else Found(documents)


def _from_folder(site: Site, path: Path, folder: Path) -> Found | None:
    site.watched.add(folder)
    files = sorted(file for pattern in _DOCUMENTS for file in folder.rglob(pattern))
    if not files:
        site.problem(f"{folder} has no .graphql files", *_PERSISTED)
        return None
    read = {str(path / file.relative_to(folder)): site.read_file(file, "the document", *_PERSISTED) for file in files}
    contents = {name: data for name, data in read.items() if data is not None}
    found = _told(site, lambda: documents_of(contents))
    return None if found is None or len(contents) < len(files) else Found(*found)


def _told(site: Site, work: Callable[[], T], where: str = "") -> T | None:
    """What comes of it; None, and problems, where documents are no good."""
    try:
        return work()
    except BadDocuments as error:
        for problem in error.problems:
            site.problem(where + problem, *_PERSISTED)
        return None


def _check_scopes(site: Site, section: GraphQLSection) -> None:
    authentication = site.api.authentication
    if section.scopes and (authentication is None or authentication.mode == "off"):
        site.warn("nobody is authenticated here, so nobody has the scopes that fields need", "graphql", "scopes")


def _check_names(site: Site, schema: Schema, key: str, names: Mapping[str, object]) -> None:
    for name in names:
        wrong = schema.has(name)
        if wrong:
            site.problem(f"{wrong}{did_you_mean(name, schema.names())}", "graphql", key, name)
