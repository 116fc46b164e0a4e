"""From a bundled OpenAPI 3.1 document to its operations. What is wrong is collected, all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from stockade.openapi.bodies.compiling import Body
from stockade.openapi.bodies.compiling import Compiler as BodyCompiler
from stockade.openapi.bodies.contents import json_parser
from stockade.openapi.bodies.media import is_json, media_type
from stockade.openapi.dates import BadDate, lifetime_headers
from stockade.openapi.faults import escaped
from stockade.openapi.harmless import Prover
from stockade.openapi.keys import BODY_ALONE
from stockade.openapi.operations import Operation, requirements_of
from stockade.openapi.parameters.compiling import BadParameter, Parameter, parameter_of
from stockade.openapi.parameters.compiling import Compiler as ParameterCompiler
from stockade.openapi.parameters.readers import Text
from stockade.openapi.paths import BadTemplate, PathTable
from stockade.openapi.schemas.checking import BadSchema, Schemas
from stockade.openapi.schemas.keywords import resolved
from stockade.openapi.unknown import Describer, Known
from stockade.payloads import Limits

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_IGNORED = frozenset({"accept", "content-type", "authorization"})  # as header parameters (OpenAPI 3.1, 4.8.12.1)
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
T = TypeVar("T")


class Trouble(Struct, frozen=True, order=True):
    """Something about a place of the document."""

    pointer: str
    text: str


class Compiler:
    """Compiles one document; see `Contract.compile`."""

    def __init__(
        self, document: dict[str, Any], *, strict: bool, limits: Limits, refused_headers: Iterable[str]
    ) -> None:
        self._document = document
        self._strict = strict
        self._refused = frozenset(name.lower() for name in refused_headers) if strict else frozenset()
        self.troubles: set[Trouble] = set()
        self._prover = Prover(document)
        self._describer = Describer(document)
        try:
            self._schemas = Schemas(document, "request", strict=strict)
        except (BadSchema, RecursionError) as error:
            pointer = error.pointer if isinstance(error, BadSchema) else "/components"
            self.troubles.add(Trouble(pointer, str(error) or "the schemas are nested too deep"))
            self._schemas = Schemas({}, "request", strict=strict)
        self._parameters = ParameterCompiler(self._schemas, json_parser(limits))
        self._bodies = BodyCompiler(self._schemas, limits)
        self._names = PathTable[None]()
        self._security = requirements_of(document.get("security"))
        self._base = base_path(document)

    def partial(self) -> list[Trouble]:
        found = self._schemas.rewriting.partial | self._parameters.partial | self._bodies.partial
        return [Trouble(pointer, text) for pointer, text in found.items()]

    def operations(self) -> list[tuple[Operation, str]]:
        """Each operation, and the path under which it is found."""
        made: list[tuple[Operation, str]] = []
        if self.troubles:
            return made  # whatever refers to a broken schema would only repeat what is told of it
        for template, method, item, raw, pointer in self._described():
            path = self._base + template
            try:
                names = self._names.add(method.upper(), path, None)
            except BadTemplate as error:
                self.troubles.add(Trouble(pointer.rpartition("/")[0], str(error)))
                continue
            made.append((self._operation(path, method.upper(), item, raw, pointer, names), path))
        return made

    def _described(self) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any], str]]:
        paths = self._document.get("paths")
        for template, item in (paths if isinstance(paths, dict) else {}).items():
            found = resolved(self._document, item)
            if not isinstance(found, dict):
                continue
            for method in METHODS:
                raw = found.get(method)
                if isinstance(raw, dict):
                    yield template, method, found, raw, f"/paths/{escaped(template)}/{method}"

    def _operation(
        self, path: str, method: str, item: dict[str, Any], raw: dict[str, Any], pointer: str, names: tuple[str, ...]
    ) -> Operation:
        parameters = self._own_parameters(item, raw, pointer)
        self._check_path(parameters, names, pointer)
        declared = {parameter.name for parameter in parameters if parameter.location == "header"}
        body, body_harmless = self._body(raw, pointer)
        operation = Operation(
            f"{method} {path}",
            method,
            path,
            pointer,
            str(raw.get("operationId", "")),
            body=body,
            strict=self._strict and BODY_ALONE not in raw,
            refused_headers=self._refused - declared,
            security=requirements_of(raw["security"]) if "security" in raw else self._security,
            lifetime=self._lifetime(raw, pointer),
            harmless=frozenset(self._harmless(parameters)) | body_harmless,
            known_query=BODY_ALONE not in raw,
            covered=self._covered(raw.get("requestBody"), strict=self._strict and BODY_ALONE not in raw),
            known_body=self._known(raw.get("requestBody")),
        )
        return self._with_readers(operation, parameters, names)

    def _lifetime(self, raw: dict[str, Any], pointer: str) -> tuple[tuple[str, str], ...]:
        try:
            return lifetime_headers(raw)
        except BadDate as error:
            self.troubles.add(Trouble(pointer, str(error)))
            return ()

    def _with_readers(self, operation: Operation, parameters: list[Parameter], names: tuple[str, ...]) -> Operation:
        by = {
            place: [one for one in parameters if one.location == place]
            for place in ("path", "query", "header", "cookie")
        }
        described = {one.name: one for one in by["path"]}
        texts = [described.get(name) or _any_text(name, operation.pointer) for name in names]
        return replace(
            operation,
            path=tuple(enumerate(filter(None, [self._made(self._parameters.text, one) for one in texts]))),
            query=tuple(filter(None, [self._made(self._parameters.named, one) for one in by["query"]])),
            query_names=frozenset(one.name for one in by["query"]),
            headers=tuple(filter(None, map(self._header, by["header"]))),
            cookies=tuple(filter(None, [self._made(self._parameters.named, one) for one in by["cookie"]])),
        )

    def _header(self, parameter: Parameter) -> tuple[str, Text, bool, bool] | None:
        text = self._made(self._parameters.text, parameter)
        if text is None:
            return None
        is_list = "array" in self._parameters.shape(parameter).types
        return parameter.name, text, parameter.required, is_list

    def _made(self, make: Callable[[Parameter], T], parameter: Parameter) -> T | None:
        try:
            return make(parameter)
        except BadSchema as error:
            self.troubles.add(Trouble(parameter.pointer + error.pointer, str(error)))
            return None

    def _own_parameters(self, item: dict[str, Any], raw: dict[str, Any], pointer: str) -> list[Parameter]:
        """Those of the path and of the operation, which win (OpenAPI 3.1, section 4.8.10.1)."""
        found: dict[tuple[str, str], Parameter] = {}
        for source, place in ((item, pointer.rpartition("/")[0]), (raw, pointer)):
            listed = source.get("parameters")
            for index, entry in enumerate(listed if isinstance(listed, list) else ()):
                at = f"{place}/parameters/{index}"
                if isinstance(entry, dict) and isinstance(entry.get("$ref"), str) and entry["$ref"].startswith("#"):
                    at = entry["$ref"][1:]
                try:
                    one = parameter_of(_object(resolved(self._document, entry)), at)
                except BadParameter as error:
                    self.troubles.add(Trouble(at, str(error)))
                    continue
                if not (one.location == "header" and one.name in _IGNORED):
                    found[one.location, one.name] = one
        return list(found.values())

    def _check_path(self, parameters: list[Parameter], names: tuple[str, ...], pointer: str) -> None:
        for one in parameters:
            if one.location == "path" and one.name not in names:
                self.troubles.add(Trouble(pointer, f"the path has no parameter {{{one.name}}}, which is described"))

    def _body(self, raw: dict[str, Any], pointer: str) -> tuple[Body | None, frozenset[tuple[str, str]]]:
        entry = raw.get("requestBody")
        if entry is None:
            return None, frozenset()
        place = f"{pointer}/requestBody"
        if isinstance(entry, dict) and isinstance(entry.get("$ref"), str):
            place = entry["$ref"][1:]
        described = _object(resolved(self._document, entry))
        try:
            body = self._bodies.body(described, place)
        except BadSchema as error:
            self.troubles.add(Trouble(place + error.pointer, str(error)))
            return None, frozenset()
        return body, self._body_harmless(described)

    def _body_harmless(self, described: dict[str, Any]) -> frozenset[tuple[str, str]]:
        """What is proved whichever of the media types comes."""
        proved: frozenset[tuple[str, str]] | None = None
        for kind, entry in _object(described.get("content")).items():
            media = str(kind).partition(";")[0].strip().lower()
            found: frozenset[str] = frozenset()
            if is_json(media) or media in _FORMS:
                found = self._prover.pointers(_object(entry).get("schema", True))
            pointers = frozenset(("body", pointer) for pointer in found)
            proved = pointers if proved is None else proved & pointers
        return proved or frozenset()

    def _covered(self, body: Any, *, strict: bool) -> bool:
        """Of JSON, whichever of its media types comes."""
        entries = _object(_object(resolved(self._document, body)).get("content"))
        found = [
            _object(entry).get("schema", True) for kind, entry in entries.items() if is_json(media_type(str(kind)))
        ]
        wild = any("*" in str(kind) for kind in entries)
        return bool(found) and not wild and all(self._prover.covers(schema, strict=strict) for schema in found)

    def _known(self, body: Any) -> Known:
        """What is described of a body, whichever of the media types comes."""
        entries = _object(_object(resolved(self._document, body)).get("content"))
        return self._describer.known(_object(entry).get("schema", True) for entry in entries.values())

    def _harmless(self, parameters: list[Parameter]) -> Iterator[tuple[str, str]]:
        for one in parameters:
            if one.media_type:
                continue
            pointers = self._prover.pointers(one.schema)
            if "" in pointers or "/*" in pointers:
                kinds = self._parameters.shape(one).types
                if ("" in pointers or not kinds & {"string"}) and ("/*" in pointers or "array" not in kinds):
                    yield one.location, one.name
            if one.style == "deepObject":
                yield from ((one.location, f"{one.name}[{name[1:]}]") for name in pointers if name.count("/") == 1)


def _any_text(name: str, pointer: str) -> Parameter:
    """A parameter of the path that nobody describes."""
    return Parameter(name, "path", True, "simple", False, False, {"type": "string"}, "", pointer)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def base_path(document: dict[str, Any]) -> str:
    """What all paths begin with: the path of the first server, its variables at their defaults."""
    servers = document.get("servers")
    first = _object(servers[0]) if isinstance(servers, list) and servers else {}
    text = str(first.get("url", ""))
    for name, variable in _object(first.get("variables")).items():
        text = text.replace(f"{{{name}}}", str(_object(variable).get("default", "")))
    try:
        path = urlsplit(text).path.rstrip("/")
    except ValueError:
        return ""
    return path if path.startswith("/") and "{" not in path else ""
