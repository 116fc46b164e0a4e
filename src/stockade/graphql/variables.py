"""Variables against the types that an operation declares (GraphQL, September 2025, sections 3 and 6.1.2), strictly.

A type becomes a function once; a value then costs a call, and what passes is what every server reads alike: no number
for a text, no 1.0 for an Int, no member that the type does not have, no variable that the operation does not declare.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from graphql import GraphQLInputObjectType
from graphql.language import ListTypeNode, NonNullTypeNode, OperationDefinitionNode, TypeNode
from graphql.type import is_enum_type, is_input_object_type, is_list_type, is_non_null_type, is_required_input_field
from graphql.utilities import value_from_ast_untyped
from msgspec import Struct

from stockade.graphql.faults import Fault
from stockade.graphql.schema import Schema

_MOST_FAULTS = 10


class Wrong(Struct, frozen=True):
    """What is wrong with a value, and where in it. path: names and indexes, the innermost first."""

    rule: str
    message: str
    path: tuple[str, ...] = ()

    def below(self, name: str) -> Wrong:
        return Wrong(self.rule, self.message, (*self.path, name))


Check: TypeAlias = Callable[[Any], Wrong | None]


class Variable(Struct, frozen=True):
    name: str
    required: bool
    check: Check


class Variables(Struct, frozen=True):
    """What an operation declares. defaults: of those that have one."""

    declared: dict[str, Variable]
    required: frozenset[str]
    defaults: dict[str, Any]

    def faults(self, given: Mapping[str, Any]) -> list[Fault]:
        """What is wrong with the values, one fault for each variable."""
        found = []
        for name, value in given.items():
            variable = self.declared.get(name)
            wrong = variable.check(value) if variable is not None else _UNKNOWN
            if wrong is not None:
                found.append(Fault(wrong.rule, wrong.message, pointer=_pointer(name, *reversed(wrong.path))))
        if not self.required <= given.keys():
            missing = sorted(self.required - given.keys())
            found += [Fault("variable-required", "This variable is required.", pointer=_pointer(n)) for n in missing]
        return found[:_MOST_FAULTS]

    def complete(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values with the defaults of those that were not given."""
        return {**self.defaults, **given} if self.defaults else given


_UNKNOWN = Wrong("variable-unknown", "The operation does not declare this variable.")


def _pointer(*names: str) -> str:
    return "/variables/" + "/".join(name.replace("~", "~0").replace("/", "~1") for name in names)


class Checks:
    """The checks of a schema's types, each made when it is first asked for and then kept."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._named: dict[str, Check] = {}

    def variables(self, node: OperationDefinitionNode) -> Variables:
        declared, defaults = {}, {}
        for each in node.variable_definitions or ():
            name = each.variable.name.value
            if each.default_value is not None:
                defaults[name] = value_from_ast_untyped(each.default_value)
            required = isinstance(each.type, NonNullTypeNode) and each.default_value is None
            declared[name] = Variable(name, required, self._written(each.type))
        required_names = frozenset(name for name, variable in declared.items() if variable.required)
        return Variables(declared, required_names, defaults)

    def _written(self, node: TypeNode) -> Check:
        """The check of a type as a document writes it."""
        if isinstance(node, NonNullTypeNode):
            return _not_null(self._written(node.type))
        if isinstance(node, ListTypeNode):
            return _nullable(_list_of(self._written(node.type)))
        return _nullable(self.named(node.name.value))  # type: ignore[attr-defined]

    def _typed(self, kind: Any) -> Check:
        """The check of a type of the schema."""
        if is_non_null_type(kind):
            return _not_null(self._typed(kind.of_type))
        if is_list_type(kind):
            return _nullable(_list_of(self._typed(kind.of_type)))
        return _nullable(self.named(kind.name))

    def named(self, name: str) -> Check:
        """The check of a value that is not null. Of a scalar that is not GraphQL's own nothing is known."""
        found = self._named.get(name)
        if found is None:
            if name in _SCALARS:
                return _SCALARS[name]
            kind = self._schema.types.get_type(name) if self._schema.types is not None else None
            if is_enum_type(kind):
                found = _enum(frozenset(kind.values))
            elif is_input_object_type(kind):
                found = self._input(kind)
            else:
                return _anything  # not kept: without a schema clients can make up names
            self._named[name] = found
        return found

    def _input(self, kind: GraphQLInputObjectType) -> Check:
        required = frozenset(name for name, each in kind.fields.items() if is_required_input_field(each))
        members: dict[str, Check] = {}
        one_of = kind.is_one_of

        def check(value: Any) -> Wrong | None:
            if type(value) is not dict:
                return _NO_OBJECT
            if one_of and (len(value) != 1 or None in value.values()):
                return _NOT_ONE
            for name, each in value.items():
                member = members.get(name)
                wrong = member(each) if member is not None else _NO_MEMBER
                if wrong is not None:
                    return wrong.below(name)
            missing = required - value.keys()
            return _MISSING.below(min(missing)) if missing else None

        # A type may hold itself: it is there before its members are.
        self._named[kind.name] = check
        members.update({name: self._typed(each.type) for name, each in kind.fields.items()})
        return check


_NULL = Wrong("variable-null", "This must not be null.")
_NO_OBJECT = Wrong("variable-type", "This must be an object.")
_NO_MEMBER = Wrong("variable-member", "This member is not known here.")
_MISSING = Wrong("variable-required", "This member is required.")
_NOT_ONE = Wrong("variable-member", "Exactly one member must be given.")
_NO_NAME = Wrong("variable-enum", "This is none of the values that may stand here.")
_NO_INT = Wrong("variable-type", "This must be a whole number of 32 bits.")
_NO_FLOAT = Wrong("variable-type", "This must be a number.")
_NO_STRING = Wrong("variable-type", "This must be a text.")
_NO_BOOLEAN = Wrong("variable-type", "This must be true or false.")
_NO_ID = Wrong("variable-type", "This must be a text or a whole number.")


def _int(value: Any) -> Wrong | None:
    return None if type(value) is int and -(1 << 31) <= value < 1 << 31 else _NO_INT


def _float(value: Any) -> Wrong | None:
    if type(value) is int:
        return None if -(10**308) < value < 10**308 else _NO_FLOAT
    return None if type(value) is float and math.isfinite(value) else _NO_FLOAT


def _string(value: Any) -> Wrong | None:
    return None if type(value) is str else _NO_STRING


def _boolean(value: Any) -> Wrong | None:
    return None if type(value) is bool else _NO_BOOLEAN


def _id(value: Any) -> Wrong | None:
    return None if type(value) is str or type(value) is int else _NO_ID


def _anything(value: Any) -> Wrong | None:  # noqa: ARG001 - a check like the others
    return None


_SCALARS: dict[str, Check] = {"Int": _int, "Float": _float, "String": _string, "Boolean": _boolean, "ID": _id}


def _nullable(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def _not_null(check: Check) -> Check:
    return lambda value: _NULL if value is None else check(value)


def _list_of(check: Check) -> Check:
    def check_list(value: Any) -> Wrong | None:
        if type(value) is not list:
            return check(value)  # one item stands for a list of one (section 3.12)
        for index, each in enumerate(value):
            wrong = check(each)
            if wrong is not None:
                return wrong.below(str(index))
        return None

    return check_list


def _enum(names: frozenset[str]) -> Check:
    return lambda value: None if type(value) is str and value in names else _NO_NAME
