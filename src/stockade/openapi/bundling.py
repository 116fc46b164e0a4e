"""From files that refer to one another to one document in which every `$ref` is `#/components/<section>/<name>`.

The walk copies the root by the grammar of its version. Where it meets a reference it leaves one to a component, and
puts what is meant, unless it is a component of the root already, on a list of things to copy next. Nothing is followed
where no reference may stand: an example that holds `$ref` is an example.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import Any, TypeAlias

from msgspec import Struct

from stockade.openapi.grammar.schemas import SCHEMA
from stockade.openapi.grammar.shapes import Shape
from stockade.openapi.places import Places
from stockade.openapi.pointers import Tokens, find
from stockade.openapi.problems import Hints, shown
from stockade.openapi.report import Report
from stockade.openapi.schema_dialects import modernize
from stockade.openapi.sources import BadReference, Library, Source, Unreadable
from stockade.openapi.targets import Targets
from stockade.openapi.versions import Version

_MOST_COPIED = 500_000  # mappings and lists, however often one is written; the largest public ones have 300,000
_MOST_SPLICED = 16  # one within the other
_MOST_SPLICES = 50_000
_DEEPEST_SPLICE = 64  # levels of the document; each file may have as many again as it is allowed
_SAFE_NAME = re.compile(r"[A-Za-z0-9._-]+")
_SILENT = frozenset(
    {"$comment", "title", "description", "summary", "example", "examples", "externalDocs", "deprecated"}
)
_DIALECTS = (
    "https://json-schema.org/draft/2020-12/schema",
    "https://spec.openapis.org/oas/3.1/dialect/base",
)

Json: TypeAlias = dict[str, Any]


class _TooMuch(Exception):
    """The bound on what is copied is reached."""


class _Wanted(Struct, frozen=True):
    """Something to copy into the components."""

    source: Source
    tokens: Tokens
    shape: Any
    out: Tokens


class Bundler:
    """One walk over one description. It is the `Walk` of the shapes."""

    def __init__(self, library: Library, root: Source, version: Version, report: Report) -> None:
        self._root = root
        self._version = version
        self._report = report
        self._targets = Targets(library, version)
        self._hints = Hints()
        self._names: dict[tuple[str, Tokens, str], str] = {}
        self._taken: dict[str, set[str]] = {}
        self._numbers: dict[tuple[str, str], int] = {}  # the last that made a name different
        self._wanted: list[_Wanted] = []
        self._copied = self._splices = 0
        self._open: list[tuple[str, Tokens]] = []  # what is being put in the place of references to it
        self._bases: list[str] = []  # of the schemas around, those that have an `$id`
        self._source, self._start, self._out = root, (), ()  # type: tuple[Source, Tokens, Tokens]
        self.path: list[str] = []
        self.places = Places(root)
        self.broken: set[Tokens] = set()  # where in the document something is wrong

    def bundle(self) -> Json:
        """The document, in the version that it was written in."""
        renamed = self._rename_odd()
        try:
            made: Json = self._version.root.members(self._root.value, self)
            self._move(made, renamed)
            while self._wanted and not self._report.full:
                self._pull(made, self._wanted.pop())
        except _TooMuch:
            place = self._root.file, 1
            self._report.problem(
                place, "too many parts, counted as often as they are referred to: do references multiply?"
            )
            return {}
        return made

    # The names of components.

    def _rename_odd(self) -> dict[Tokens, str]:
        """Names that a component may not have (version 2.0 has no rule) and what they become."""
        renamed: dict[Tokens, str] = {}
        for section, place in self._version.sections.items():
            names = self._components(place)
            self._taken[section] = {name for name in names if _SAFE_NAME.fullmatch(name)}
            for name in names:
                known = name if _SAFE_NAME.fullmatch(name) else self._free(section, name)
                if known != name:
                    renamed[*place, name] = known
                self._names[self._root.file, (*place, name), section] = known
        return renamed

    def _components(self, place: Tokens) -> Json:
        here = self._root.value
        for key in place:
            here = here.get(key) if isinstance(here, dict) else None
        return here if isinstance(here, dict) else {}

    def _move(self, made: Json, renamed: dict[Tokens, str]) -> None:
        for place, name in renamed.items():
            here = self._section(made, place[:-1])
            if place[-1] in here:
                here[name] = here.pop(place[-1])
                self.places.came_from((*place[:-1], name), self._root, place)

    def _free(self, section: str, wanted: str) -> str:
        taken = self._taken[section]
        base = re.sub(r"[^A-Za-z0-9._-]+", "_", wanted)[:80].strip("_") or "unnamed"
        name, number = base, self._numbers.get((section, base), 1)
        while name in taken:
            number += 1
            name = f"{base}_{number}"
        self._numbers[section, base] = number
        taken.add(name)
        return name

    def _section(self, made: Json, place: Tokens) -> Json:
        for key in place:
            made = made.setdefault(key, {})
        return made

    # What the shapes ask for.

    def problem(self, text: str) -> None:
        self.broken.add((*self._out, *self.path))
        self._report.problem(self._place(), text)

    def remark(self, text: str) -> None:
        self._report.remark(self._place(), text)

    def _place(self) -> tuple[str, int]:
        return self._source.file, self._source.line((*self._start, *self.path))

    def count(self) -> None:
        self._copied += 1
        if self._copied > _MOST_COPIED:
            raise _TooMuch

    def near(self, word: str, known: Iterable[str]) -> str:
        return self._hints.near(word, known)

    def refer(self, value: Json, shape: Any) -> Any:
        """A reference, left as one."""
        found = self._component(value["$ref"], shape)
        if found is None:
            return shape.empty()
        rest = {key: part for key, part in value.items() if key != "$ref"}
        if shape is not SCHEMA or not rest:
            return {"$ref": found}
        if self._version.name == "3.1":
            return {"$ref": found, **self._beside(rest)}
        lost = [key for key in rest if key in SCHEMA.fields and key not in _SILENT]
        if lost:
            text = f"{', '.join(lost)} beside $ref says nothing in OpenAPI {self._version.name}; write allOf: [$ref: …]"
            self.remark(text)
        return {"$ref": found}

    def _beside(self, rest: Json) -> Json:
        made = SCHEMA.members(rest, self)
        self.finish_schema(made)
        return made

    def splice(self, value: Json, shape: Shape) -> Any:
        """A reference, replaced by what it means."""
        target = self._find(value["$ref"])
        if target is None:
            return shape.empty()
        source, tokens = target
        key = source.file, tokens
        self._splices += 1
        if self._splices > _MOST_SPLICES:
            raise _TooMuch
        if len(self._out) + len(self.path) > _DEEPEST_SPLICE:
            self.problem(f"$ref {shown(value['$ref'])} stands more than {_DEEPEST_SPLICE} levels deep")
            return shape.empty()
        if key in self._open or len(self._open) >= _MOST_SPLICED:
            self.problem(f"$ref {shown(value['$ref'])} leads back to itself, which makes sense in schemas alone")
            return shape.empty()
        out = (*self._out, *self.path)
        self.places.came_from(out, source, tokens)
        self._open.append(key)
        before = self._source, self._start, self._out, self.path, self._bases
        self._enter(source, tokens, out)
        try:
            return shape.copy(find(source.value, tokens), self)
        finally:
            self._source, self._start, self._out, self.path, self._bases = before
            self._open.pop()

    def mapping_target(self, text: str) -> str:
        """What a discriminator's value stands for: names that stay are kept, references become local."""
        name = self._names.get((self._root.file, (*self._version.sections["schemas"], text), "schemas"))
        if name is not None:
            return text if name == text else f"#/components/schemas/{name}"
        return self._component(text, SCHEMA) or ""

    def enter_id(self, text: str) -> None:
        self._bases.append(self._targets.join(self._bases[-1] if self._bases else "", text))

    def leave_id(self) -> None:
        self._bases.pop()

    def finish_schema(self, schema: Json) -> None:
        """What must be done once all of a schema is there: old words for new ones, no name but the component's."""
        if self._version.name == "3.1":
            self._refuse_old(schema)
        else:
            if self._version.name == "3.0" and schema.get("type") == "file":
                self.problem("type: file is Swagger 2.0; write type: string, format: binary")
            modernize(schema)
        if "$dynamicRef" in schema:
            self._follow_dynamic(schema)
        for key in ("$id", "$anchor", "$dynamicAnchor", "$comment"):
            schema.pop(key, None)
        dialect = schema.pop("$schema", _DIALECTS[0]).rstrip("#")
        if dialect not in _DIALECTS:
            self.remark(f"$schema {shown(dialect)} is read as JSON Schema 2020-12")

    def _refuse_old(self, schema: Json) -> None:
        for key in ("exclusiveMinimum", "exclusiveMaximum"):
            if isinstance(schema.get(key), bool):
                self.problem(f"{key}: must be a number since OpenAPI 3.1; write the bound itself")
        if schema.get("type") == "file":
            self.problem("type: file is Swagger 2.0; write type: string, contentMediaType: application/octet-stream")
        if schema.pop("nullable", False):
            self.remark("nullable says nothing since OpenAPI 3.1; add null to the type: [string, 'null']")

    def _follow_dynamic(self, schema: Json) -> None:
        self.remark("$dynamicRef is read as $ref: it does not change with where it is used from")
        found = self._component(schema.pop("$dynamicRef"), SCHEMA)
        if found is not None and "$ref" in schema:
            schema.setdefault("allOf", []).append({"$ref": found})
        elif found is not None:
            schema["$ref"] = found

    # References.

    def _find(self, reference: str) -> tuple[Source, Tokens] | None:
        """What it means; None, and a problem, when that cannot be had."""
        try:
            return self._targets.find(self._source, reference, self._bases[-1] if self._bases else "")
        except BadReference as error:
            self.problem(f"$ref {shown(reference)} {error}")
        except Unreadable as error:
            if error.problem is not None:
                self._report.problem((error.problem.file, error.problem.line), error.problem.text)
            self.problem(f"$ref {shown(reference)}: the file {error}")
        return None

    def _component(self, reference: str, shape: Any) -> str | None:
        """The local reference to what is meant, which is a component, or will be."""
        target = self._find(reference)
        if target is None:
            return None
        if shape is not SCHEMA:  # a chain of references is one
            try:
                target = self._targets.end(*target)
            except (BadReference, Unreadable) as error:
                self.problem(f"$ref {shown(reference)} {error}")
                return None
        source, tokens = target
        key = source.file, tokens, shape.section
        if key not in self._names:
            name = self._names[key] = self._free(shape.section, _telling(source, tokens))
            out = (*self._version.sections[shape.section], name)
            self._wanted.append(_Wanted(source, tokens, shape, out))
        return f"#/components/{shape.section}/{self._names[key]}"

    def _pull(self, made: Json, wanted: _Wanted) -> None:
        self._enter(wanted.source, wanted.tokens, wanted.out)
        self.places.came_from(wanted.out, wanted.source, wanted.tokens)
        value = find(wanted.source.value, wanted.tokens)
        self._section(made, wanted.out[:-1])[wanted.out[-1]] = wanted.shape.copy(value, self)

    def _enter(self, source: Source, tokens: Tokens, out: Tokens) -> None:
        self._source, self._start, self._out = source, tokens, out
        self.path, self._bases = [], []


def _telling(source: Source, tokens: Tokens) -> str:
    """A name for what has none: the last word of the pointer that says something, or the file's."""
    for word in reversed(tokens):
        if not word.isdigit() and word not in SCHEMA.fields and word != "schema":
            return word
    return posixpath.splitext(posixpath.basename(source.file))[0]
