"""Validation against the schema (GraphQL, September 2025, section 5) by graphql-core, within bounds of work.

Whoever may see the schema by introspection gets graphql-core's own words, without suggestions; others learn which rule
is broken and where.
"""

from __future__ import annotations

import re
from typing import Any

from graphql import GraphQLBoolean, GraphQLError, GraphQLField, GraphQLObjectType, GraphQLSchema, validate
from graphql.language import DocumentNode
from graphql.validation import (
    KnownFragmentNamesRule,
    NoUndefinedVariablesRule,
    NoUnusedFragmentsRule,
    NoUnusedVariablesRule,
    OverlappingFieldsCanBeMergedRule,
    UniqueArgumentNamesRule,
    UniqueFragmentNamesRule,
    UniqueInputFieldNamesRule,
    UniqueVariableNamesRule,
    ValidationRule,
    specified_rules,
)

from stockade.graphql.faults import Fault

_BUDGET = 50_000  # of comparisons of fields with fields, which can go up with their square


class _BoundedMerging(OverlappingFieldsCanBeMergedRule):
    """graphql-core's rule with less patience than its own, which is for servers that have little else to do."""

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = _BUDGET


_TEXTS = {
    "ExecutableDefinitionsRule": "Only operations and fragments may stand here.",
    "FieldsOnCorrectTypeRule": "This field is not known here.",
    "FragmentsOnCompositeTypesRule": "A fragment cannot be on this type.",
    "KnownArgumentNamesRule": "This argument is not known here.",
    "KnownDirectivesRule": "This directive is not known here.",
    "KnownFragmentNamesRule": "The document has no such fragment.",
    "KnownOperationTypesRule": "This kind of operation is not known here.",
    "KnownTypeNamesRule": "This type is not known here.",
    "LoneAnonymousOperationRule": "An operation without a name must be the only one.",
    "NoUndefinedVariablesRule": "The operation does not declare this variable.",
    "NoUnusedFragmentsRule": "This fragment is never used.",
    "NoUnusedVariablesRule": "This variable is never used.",
    "OverlappingFieldsCanBeMergedRule": "Fields of one name differ, or are too many to compare.",
    "PossibleFragmentSpreadsRule": "This fragment can never apply here.",
    "ProvidedRequiredArgumentsRule": "A required argument is missing.",
    "ScalarLeafsRule": "A selection is missing here, or cannot be here.",
    "SingleFieldSubscriptionsRule": "A subscription has one field.",
    "UniqueArgumentNamesRule": "An argument stands twice.",
    "UniqueDirectivesPerLocationRule": "A directive stands twice.",
    "UniqueFragmentNamesRule": "Two fragments have one name.",
    "UniqueInputFieldNamesRule": "A member stands twice.",
    "UniqueOperationNamesRule": "Two operations have one name.",
    "UniqueVariableNamesRule": "A variable is declared twice.",
    "ValuesOfCorrectTypeRule": "This value is not of the type that may stand here.",
    "VariablesAreInputTypesRule": "A variable cannot be of this type.",
    "VariablesInAllowedPositionRule": "A variable of this type cannot stand here.",
}
_suggestion = re.compile(r" Did you mean .*", re.DOTALL)
_INVALID = "The document is not valid here."


def _telling(rule: Any) -> type[ValidationRule]:
    """The rule, whose errors say by which rule they are."""

    def report_error(self: Any, error: GraphQLError) -> None:
        error.extensions = {"rule": rule.__name__}
        self.context.report_error(error)

    base = _BoundedMerging if rule is OverlappingFieldsCanBeMergedRule else rule
    return type(rule.__name__, (base,), {"report_error": report_error})


_RULES = tuple(_telling(rule) for rule in specified_rules)
# What can be said of a document without knowing the schema.
_WITHOUT_SCHEMA = tuple(
    _telling(rule)
    for rule in (
        KnownFragmentNamesRule,
        NoUndefinedVariablesRule,
        NoUnusedFragmentsRule,
        NoUnusedVariablesRule,
        UniqueArgumentNamesRule,
        UniqueFragmentNamesRule,
        UniqueInputFieldNamesRule,
        UniqueVariableNamesRule,
    )
)
_NO_SCHEMA = GraphQLSchema(GraphQLObjectType("Query", {"nothing": GraphQLField(GraphQLBoolean)}))


def invalidity(schema: GraphQLSchema | None, document: DocumentNode, most: int, *, open_schema: bool) -> list[Fault]:
    """The faults of a document, `most` at most; none where it is valid. open_schema: who asks may know the schema."""
    rules = _RULES if schema is not None else _WITHOUT_SCHEMA
    errors = validate(schema or _NO_SCHEMA, document, rules, max_errors=most, hide_suggestions=True)
    return [_fault(error, open_schema) for error in errors[:most]]


def _fault(error: GraphQLError, open_schema: bool) -> Fault:
    rule = str((error.extensions or {}).get("rule", ""))
    place = error.locations[0] if error.locations else None
    message = _suggestion.sub("", error.message)[:256] if open_schema else _TEXTS.get(rule, _INVALID)
    return Fault("validation", message, place.line if place else 0, place.column if place else 0)
