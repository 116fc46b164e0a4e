"""What an OpenAPI description tells about an API, as far as a starting policy can use it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from msgspec import Struct

from stockade.config.errors import BadConfig, Problem
from stockade.config.sections.firewall import METHODS
from stockade.config.texts import is_media_type
from stockade.openapi.document import component
from stockade.openapi.grammar.version3 import METHODS as METHODS_IN_PATHS
from stockade.openapi.reading import BadDescription, read
from stockade.operations import BadOperation, parse_operation
from stockade.stores.documents import load_document

Json: TypeAlias = dict[str, Any]


class Described(Struct, frozen=True):
    """The defaults are for an API without a description."""

    name: str = "api"
    operations: tuple[str, ...] = ()
    anonymous: tuple[str, ...] = ("GET /health",)
    methods: tuple[str, ...] = tuple(METHODS)
    media_types: tuple[str, ...] = ()


def read_description(path: Path) -> Described:
    """Read an OpenAPI 3 or Swagger 2 description, JSON or YAML, of one file or many. Raises BadConfig."""
    try:
        description = read(str(path), load=load_document)
    except BadDescription as error:
        raise BadConfig(Problem(part.file, part.line, part.text) for part in error.problems) from None
    return _described(description.document)


def _described(document: Json) -> Described:
    base, secured = _base_path(document), bool(document.get("security"))
    operations, anonymous = [], []
    media_types: set[str] | None = set()
    for template, method, operation in _operations(document):
        name = f"{method.upper()} {base}{template}"
        if not _usable(name):
            continue
        operations.append(name)
        if secured and operation.get("security") == []:
            anonymous.append(name)
        accepted = _media_types(document, operation)
        media_types = media_types | accepted if media_types is not None and accepted is not None else None
    used = {name.partition(" ")[0] for name in operations} or set(METHODS)
    methods = [method for method in METHODS if method in used | {"OPTIONS", "HEAD"}]
    return Described(
        _name(document), tuple(operations), tuple(anonymous), tuple(methods), tuple(sorted(media_types or ()))
    )


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Template, method and operation object of each."""
    for template, item in document["paths"].items():
        for method in METHODS_IN_PATHS:
            if method in item:
                yield template, method, item[method]


def _base_path(document: Json) -> str:
    """What all paths begin with: that of the first server."""
    servers = document.get("servers") or [{}]
    try:
        path = urlsplit(servers[0].get("url", "")).path.rstrip("/")
    except ValueError:
        return ""
    return path if path.startswith("/") and "{" not in path else ""


def _media_types(document: Json, operation: Json) -> set[str] | None:
    """Which types its body may have; None when that cannot be told, so that none must be refused."""
    body = operation.get("requestBody", {})
    if "$ref" in body:
        body = component(document, body["$ref"])
    types = {text.partition(";")[0].strip().lower() for text in body.get("content", {})}
    return types if all(map(is_media_type, types)) else None


def _name(document: Json) -> str:
    info = document.get("info")  # documentation, which nobody has checked
    title = str(info.get("title", "")) if isinstance(info, dict) else ""
    name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40].strip("-")
    # What YAML reads as no text at all (a number, true, null) is no name to write without quotes.
    return f"api-{name}" if re.fullmatch(r"[\d-]+(e\d+)?|true|false|null", name) else name or "api"


def _usable(operation: str) -> bool:
    """Whether a policy can hold it: an operation, and nothing that YAML or `${NAME}` would change."""
    try:
        parse_operation(operation)
    except BadOperation:
        return False
    return operation.isascii() and operation.isprintable() and "${" not in operation
