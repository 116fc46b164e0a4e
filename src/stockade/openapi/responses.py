"""`Promises`: what a description promises of the responses of each operation, compiled once.

promises = Promises.compile(description.document, strict=True)
operation = promises.find("GET", "/users/7")               # None: not described
answer = operation.answer(200)                             # None: no such status is described
faults = answer.check_head(headers) + answer.check_body(content_type, body)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from stockade.openapi.bodies.compiling import Body
from stockade.openapi.bodies.compiling import Compiler as BodyCompiler
from stockade.openapi.bodies.contents import json_parser
from stockade.openapi.bodies.media import MediaMap, is_json, media_type
from stockade.openapi.compiling import METHODS, Trouble, base_path
from stockade.openapi.contract import BadContract
from stockade.openapi.declared import Shape, Shapes
from stockade.openapi.faults import NO_FAULTS, Fault, escaped
from stockade.openapi.parameters.compiling import BadParameter, parameter_of
from stockade.openapi.parameters.compiling import Compiler as ParameterCompiler
from stockade.openapi.parameters.readers import Text
from stockade.openapi.paths import BadTemplate, PathTable
from stockade.openapi.schemas.checking import BadSchema, Schemas
from stockade.openapi.schemas.keywords import resolved
from stockade.payloads import Limits
from stockade.wire import Headers

# An upstream may answer more than a client may ask; what it may not is be read in two ways.
RESPONSE_LIMITS = Limits(
    depth=128, members=2_000_000, items=2_000_000, name=4096, string=16 << 20, number=1024, integer=2**64 - 1
)
_IGNORED = frozenset({"content-type"})  # as a response header (OpenAPI 3.1, section 4.8.17.1)


class Answer:
    """One entry of an operation's `responses`."""

    def __init__(self, body: Body, shapes: MediaMap[Shape], headers: Iterable[tuple[str, Text, bool]]) -> None:
        self._body = body
        self._shapes = shapes
        self._headers = tuple(headers)
        self.takes_body = bool(body.accepted)
        self.shapes = shapes.entries

    def check_head(self, headers: Headers) -> tuple[Fault, ...]:
        found = NO_FAULTS
        for name, text, required in self._headers:
            value = headers.get(name)
            if value is not None:
                found += text.faults(value)
            elif required:
                found += (Fault(text.where, "", "required", "is required"),)
        return found

    def accepts(self, content_type: str | None) -> bool:
        """Whether a body of that type is described."""
        return self.takes_body and self._body.accepts(content_type)

    def check_body(self, content_type: str | None, body: bytes) -> tuple[Fault, ...]:
        return self._body.faults(body, content_type)

    def shape(self, content_type: str | None) -> Shape | None:
        """What is declared of a JSON body of that type; None when it is not described."""
        return self._shapes.find(media_type(content_type))


class Promised(Struct, frozen=True):
    """The responses of one operation, by "200", "2XX", "default" (OpenAPI 3.1, section 4.8.16)."""

    name: str
    answers: Mapping[str, Answer]

    def answer(self, status: int) -> Answer | None:
        answers = self.answers
        return answers.get(str(status)) or answers.get(f"{status // 100}XX") or answers.get("default")


class Promises:
    """All operations. partial: what is asked for and not enforced."""

    def __init__(self, operations: Iterable[tuple[str, str, Promised]], partial: Iterable[Trouble]) -> None:
        self._table: PathTable[Promised] = PathTable()
        self.partial = tuple(sorted(partial))
        self.operations = []
        for method, template, promised in operations:
            self._table.add(method, template, promised)
            self.operations.append(promised)

    @classmethod
    def compile(cls, document: dict[str, Any], *, strict: bool) -> Promises:
        """strict: properties that are not declared are faults. Raises BadContract."""
        compiler = _Compiler(document, strict=strict)
        operations = list(compiler.operations())
        if compiler.troubles:
            raise BadContract(sorted(compiler.troubles))
        return cls(operations, compiler.partial())

    def find(self, method: str, path: str) -> Promised | None:
        found = self._table.find(method, path)
        if found is None and method == "HEAD":
            found = self._table.find("GET", path)
        return found.value if found is not None else None


class _Compiler:
    def __init__(self, document: dict[str, Any], *, strict: bool) -> None:
        self._document = document
        self.troubles: set[Trouble] = set()
        try:
            self._schemas = Schemas(document, "response", strict=strict)
        except (BadSchema, RecursionError) as error:
            pointer = error.pointer if isinstance(error, BadSchema) else "/components"
            self.troubles.add(Trouble(pointer, str(error) or "the schemas are nested too deep"))
            self._schemas = Schemas({}, "response", strict=strict)
        self._bodies = BodyCompiler(self._schemas, RESPONSE_LIMITS)
        self._parameters = ParameterCompiler(self._schemas, json_parser(RESPONSE_LIMITS))
        self._shapes = Shapes(document)
        self._known: dict[int, Answer] = {}
        self._unread: dict[str, str] = {}  # schemas of what is not looked into

    def partial(self) -> list[Trouble]:
        found = self._schemas.rewriting.partial | self._parameters.partial | self._bodies.partial
        told = {**found, **self._unread}
        return [Trouble(pointer, text) for pointer, text in told.items()]

    def operations(self) -> Iterable[tuple[str, str, Promised]]:
        """Method, path template with the base path, and what is promised."""
        names: PathTable[None] = PathTable()
        base = base_path(self._document)
        for template, item in _object(self._document.get("paths")).items():
            found = _object(resolved(self._document, item))
            for method in METHODS:
                raw = found.get(method)
                if not isinstance(raw, dict):
                    continue
                pointer = f"/paths/{escaped(template)}/{method}/responses"
                try:
                    names.add(method.upper(), base + template, None)
                except BadTemplate:
                    continue  # told by the contract of requests
                promised = Promised(f"{method.upper()} {base}{template}", self._answers(raw, pointer))
                yield method.upper(), base + template, promised

    def _answers(self, raw: dict[str, Any], pointer: str) -> dict[str, Answer]:
        made = {}
        for status, entry in _object(raw.get("responses")).items():
            place = f"{pointer}/{escaped(str(status))}"
            if isinstance(entry, dict) and isinstance(entry.get("$ref"), str):
                place = entry["$ref"][1:]
            described = _object(resolved(self._document, entry))
            key = str(status)
            known = self._known.get(id(described))
            made[key if key == "default" else key.upper()] = known or self._answer(described, place)
        return made

    def _answer(self, described: dict[str, Any], pointer: str) -> Answer:
        content = _object(described.get("content"))
        try:
            body = self._bodies.body({"content": content, "required": bool(content)}, pointer)
        except BadSchema as error:
            self.troubles.add(Trouble(pointer + error.pointer, str(error)))
            body = Body(MediaMap({}), required=False)
        shapes = {
            str(kind): self._shapes.shape([_object(entry).get("schema", True)])
            for kind, entry in content.items()
            if is_json(str(kind).partition(";")[0].strip().lower())
        }
        for kind, entry in content.items():
            schema = _object(_object(entry).get("schema"))
            if str(kind) not in shapes and ("$ref" in schema or "properties" in schema):
                text = f"the schema of answers of type {kind}: of other types than JSON the type alone is looked at"
                self._unread[f"{pointer}/content/{escaped(str(kind))}/schema"] = text
        answer = Answer(body, MediaMap(shapes), self._headers(described, pointer))
        self._known[id(described)] = answer
        return answer

    def _headers(self, described: dict[str, Any], pointer: str) -> Iterable[tuple[str, Text, bool]]:
        for name, entry in _object(described.get("headers")).items():
            raw = _object(resolved(self._document, entry))
            place = f"{pointer}/headers/{escaped(str(name))}"
            if str(name).lower() in _IGNORED:
                continue
            try:
                parameter = parameter_of({**raw, "name": str(name), "in": "header"}, place)
                yield parameter.name, self._parameters.text(parameter), parameter.required
            except (BadSchema, BadParameter) as error:
                self.troubles.add(Trouble(place, str(error)))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
