"""The schema of an API: read from SDL or from the answer to an introspection query, checked once, then only asked.

`Schema()` is the schema of an API that told none: it knows the names of the root types, and nothing below them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    build_ast_schema,
    build_client_schema,
    get_named_type,
    parse,
    validate_schema,
)
from graphql.type import is_abstract_type, is_composite_type, is_interface_type, is_object_type
from graphql.validation.validate import validate_sdl
from msgspec import Struct

ROOTS = {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}
_MOST_BYTES = 16 << 20


class SchemaProblem(Struct, frozen=True):
    """What is wrong with a schema, or weak. line: in the file, from 1; 0 where there is none."""

    line: int
    text: str


class BadSchema(Exception):
    """A schema that cannot be used, with all that is wrong with it."""

    def __init__(self, problems: Iterable[SchemaProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problem.text for problem in self.problems))


class Schema:
    """graphql-core's schema, and what we ask of it while a document is measured."""

    def __init__(self, schema: GraphQLSchema | None = None, warnings: Iterable[SchemaProblem] = ()) -> None:
        self.types = schema
        self.warnings = tuple(warnings)
        self._roots = ROOTS if schema is None else _roots(schema)
        self._related: dict[str, frozenset[str]] = {}

    @classmethod
    def read(cls, data: bytes) -> Schema:
        """From SDL, or from JSON that an introspection query was answered with. Raises BadSchema."""
        if len(data) > _MOST_BYTES:
            raise BadSchema([SchemaProblem(0, f"more than {_MOST_BYTES >> 20} MiB are too much for a schema")])
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise BadSchema([SchemaProblem(0, "it is not UTF-8")]) from None
        schema, warnings = _from_introspection(text) if text.lstrip()[:1] == "{" else _from_sdl(text)
        wrong = [SchemaProblem(_line(error), error.message) for error in validate_schema(schema)]
        if wrong:
            raise BadSchema(wrong)
        return cls(schema, warnings)

    def root(self, kind: str) -> str | None:
        """The type that a query, mutation or subscription begins with; None where the schema has none."""
        return self._roots.get(kind)

    def field(self, parent: str | None, name: str) -> GraphQLField | None:
        if self.types is None or parent is None:
            return None
        found = self.types.get_type(parent)
        if not is_composite_type(found):
            return None
        return self.types.get_field(found, name)

    def has(self, name: str) -> str:
        """What is wrong with `Type` or `Type.field` as a name; empty when it is one of an object or interface."""
        type_name, dot, field = name.partition(".")
        if self.types is None:
            known = type_name in ROOTS.values()
            return "" if known else "without a schema only the fields of Query, Mutation and Subscription are known"
        found = self.types.get_type(type_name)
        if not (is_object_type(found) or is_interface_type(found)):
            return f"the schema has no object type or interface {type_name!r}"
        if dot and field not in found.fields:
            return f"the schema has no field {name!r}"
        return ""

    def names(self) -> list[str]:
        """Every `Type` and `Type.field`, for suggestions to the operator."""
        if self.types is None:
            return list(ROOTS.values())
        kinds = [kind for kind in self.types.type_map.values() if is_object_type(kind) or is_interface_type(kind)]
        kinds = [kind for kind in kinds if not kind.name.startswith("__")]
        return [kind.name for kind in kinds] + [f"{kind.name}.{field}" for kind in kinds for field in kind.fields]

    def related(self, name: str) -> frozenset[str]:
        """The types by whose names an object of this type may go: itself, its interfaces, what it may turn out to be.

        A field that is guarded in one of them must be so in all: else who may not ask `User.email` asks `Node.email`.
        """
        found = self._related.get(name)
        if found is None:
            found = self._related[name] = frozenset(self._find_related(name))
        return found

    def _find_related(self, name: str) -> Iterable[str]:
        kind = self.types.get_type(name) if self.types is not None else None
        yield name
        if self.types is None or kind is None:
            return
        kinds: list[Any] = [kind]
        if is_abstract_type(kind):
            kinds += self.types.get_possible_types(kind)
        for each in kinds:
            yield each.name
            yield from (interface.name for interface in getattr(each, "interfaces", ()))


def named_type(field: GraphQLField) -> GraphQLNamedType:
    named: GraphQLNamedType = get_named_type(field.type)
    return named


def _roots(schema: GraphQLSchema) -> dict[str, str]:
    kinds = {"query": schema.query_type, "mutation": schema.mutation_type, "subscription": schema.subscription_type}
    return {kind: found.name for kind, found in kinds.items() if found is not None}


def _from_sdl(text: str) -> tuple[GraphQLSchema, list[SchemaProblem]]:
    try:
        document = parse(text)
    except GraphQLError as error:
        raise BadSchema([SchemaProblem(_line(error), error.message)]) from None
    wrong: list[SchemaProblem] = []
    warnings: list[SchemaProblem] = []
    for fault in validate_sdl(document):
        # Tools that write schemas leave the definitions of directives out; what they mean is no matter here.
        told = warnings if fault.message.startswith("Unknown directive") else wrong
        told.append(SchemaProblem(_line(fault), fault.message))
    if wrong:
        raise BadSchema(wrong)
    try:
        return build_ast_schema(document, assume_valid_sdl=True), warnings
    except (GraphQLError, TypeError, ValueError, KeyError, RecursionError) as error:
        raise BadSchema([SchemaProblem(0, str(error))]) from None


def _from_introspection(text: str) -> tuple[GraphQLSchema, list[SchemaProblem]]:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadSchema([SchemaProblem(getattr(error, "lineno", 0), f"it is no JSON: {error}")]) from None
    found = answer.get("data", answer)
    if not isinstance(found, dict) or not isinstance(found.get("__schema"), dict):
        raise BadSchema([SchemaProblem(1, "JSON without __schema: it should be the answer to an introspection query")])
    try:
        return build_client_schema(found), []  # type: ignore[arg-type]
    except (GraphQLError, TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise BadSchema([SchemaProblem(0, f"it is no answer to an introspection query: {error}")]) from None


def _line(error: GraphQLError) -> int:
    return error.locations[0].line if error.locations else 0
