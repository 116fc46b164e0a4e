"""What `graphql:` becomes: the schema, the persisted documents and the rules, compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from stockade.config.errors import did_you_mean
from stockade.config.site import Site
from stockade.controls.graphql import GraphQL, read_parts
from stockade.engine import Binding
from stockade.graphql import (
    BadDocuments,
    BadSchema,
    Endpoint,
    Rules,
    Schema,
    Settings,
    Sizes,
    documents_of,
    read_documents,
)
from stockade.graphql.paths import Place

if TYPE_CHECKING:
    from stockade.config.sections.graphql import GraphQLSection

T = TypeVar("T")
_PERSISTED = ("graphql", "persisted", "file")
_DOCUMENTS = ("*.graphql", "*.gql")


def make_with(site: Site, section: GraphQLSection) -> list[Binding]:
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
