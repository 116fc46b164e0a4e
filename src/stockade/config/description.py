"""What an OpenAPI description tells about an API, as far as a starting policy can use it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import yaml
from msgspec import Struct

from stockade.config.errors import BadConfig, Problem
from stockade.config.sections.firewall import METHODS
from stockade.config.texts import is_media_type
from stockade.operations import BadOperation, parse_operation

Json: TypeAlias = dict[str, Any]
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_MOST_BYTES = 16 << 20
_MOST_REFERENCES = 8  # one after the other


class Described(Struct, frozen=True):
    """The defaults are for an API without a description."""

    name: str = "api"
    operations: tuple[str, ...] = ()
    anonymous: tuple[str, ...] = ("GET /health",)
    methods: tuple[str, ...] = tuple(METHODS)
    media_types: tuple[str, ...] = ()


def read_description(path: Path) -> Described:
    """Read an OpenAPI 3 or Swagger 2 description, JSON or YAML. Raises BadConfig."""
    try:
        document = _parse(_read(path))
    except OSError as error:
        raise BadConfig([Problem(str(path), 0, f"cannot be read: {error.strerror}")]) from None
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BadConfig([Problem(str(path), 0, f"neither JSON nor YAML: {reason}")]) from None
    if not isinstance(document, dict) or not {"openapi", "swagger"} & document.keys() or not _is_map(document, "paths"):
        text = "no OpenAPI description: `openapi` (or `swagger`) and `paths` are missing"
        raise BadConfig([Problem(str(path), 0, text)])
    return _described(document)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise BadConfig([Problem(str(path), 0, f"more than {_MOST_BYTES >> 20} MiB are too much for a description")])
    return data


def _parse(data: bytes) -> Any:
    return json.loads(data) if data.lstrip()[:1] == b"{" else yaml.safe_load(data)


def _is_map(mapping: Json, key: str) -> bool:
    return isinstance(mapping.get(key), dict)


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
        item = _resolve(document, item)
        for method in _METHODS:
            operation = item.get(method) if isinstance(item, dict) else None
            if isinstance(operation, dict):
                yield str(template), method, operation


def _resolve(document: Json, value: Any) -> Any:
    """What a reference within the document stands for (RFC 6901); None when it leads nowhere."""
    for _ in range(_MOST_REFERENCES):
        reference = value.get("$ref") if isinstance(value, dict) else None
        if reference is None:
            return value
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return None
        value = document
        for part in reference[2:].split("/"):
            value = value.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(value, dict) else None
    return None


def _base_path(document: Json) -> str:
    """What all paths begin with: of the first server (OpenAPI 3), or `basePath` (Swagger 2)."""
    servers = document.get("servers")
    first = servers[0] if isinstance(servers, list) and servers else {}
    text = str(first.get("url", "") if isinstance(first, dict) else "") or str(document.get("basePath", ""))
    try:
        path = urlsplit(text).path.rstrip("/")
    except ValueError:
        return ""
    return path if path.startswith("/") and "{" not in path else ""


def _media_types(document: Json, operation: Json) -> set[str] | None:
    """Which types its body may have; None when that cannot be told, so that none must be refused."""
    if "swagger" in document:
        return None  # version 2 leaves it open where `consumes` is absent
    if "requestBody" not in operation:
        return set()
    body = _resolve(document, operation["requestBody"])
    if not isinstance(body, dict) or not _is_map(body, "content"):
        return None
    types = {str(text).partition(";")[0].strip().lower() for text in body["content"]}
    return types if all(map(is_media_type, types)) else None


def _name(document: Json) -> str:
    info = document.get("info")
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
