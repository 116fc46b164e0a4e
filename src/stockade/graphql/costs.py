"""What a selection costs: a sum that may have variables in it, since `orders(first: $n)` costs what `$n` says.

Each fragment has one sum, and whoever spreads it adds that sum: a document whose fragments spread each other twice, a
hundred deep, is added up in a hundred steps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from graphql import GraphQLArgument, GraphQLField
from graphql.language import ArgumentNode, ObjectValueNode, VariableNode
from graphql.type import is_list_type, is_non_null_type
from msgspec import Struct

_LARGEST = 10**9  # more need not be told apart
_DIGITS = 32  # of a number that stands as text


class Asked(Struct, frozen=True):
    """A number that a variable holds, at a path within its value. default: where it is not given."""

    variable: str
    path: tuple[str, ...]
    default: int


Size: TypeAlias = "tuple[int | Asked, ...]"  # of which the largest counts


class Cost(Struct, frozen=True):
    """fixed + Σ size × cost + Σ the cost of a fragment. What does not depend on a variable is in `fixed`."""

    fixed: int = 0
    scaled: tuple[tuple[Size, Cost], ...] = ()
    spread: tuple[str, ...] = ()

    @property
    def varies(self) -> bool:
        return bool(self.scaled or self.spread)

    def total(self, variables: Mapping[str, Any], fragments: Mapping[str, int]) -> int:
        """The sum. fragments: the sums of those fragments that vary."""
        found = self.fixed
        for size, cost in self.scaled:
            found += largest(size, variables) * cost.total(variables, fragments)
        for name in self.spread:
            found += fragments[name]
        return found


class Sizes(Struct, frozen=True):
    """How many items a field may give. arguments: those that say it, "first", or "page.limit" within an object.

    usual: how many where nothing says it, or what says it is no sensible number.
    """

    arguments: tuple[tuple[str, ...], ...]
    usual: int

    def of(self, field: GraphQLField | None, given: Sequence[ArgumentNode], parent: str | None) -> Size:
        """The size of what a field gives, as the arguments at hand have it."""
        nodes = {node.name.value: node.value for node in given}
        known = [path for path in self.arguments if field is not None and path[0] in field.args]
        presets = [_preset(field.args[path[0]]) for path in known] if field is not None else []
        preset = max((self._sensible(value) for value in presets), default=self.usual)
        told = [self._read(nodes[path[0]], path[1:], preset) for path in self.arguments if path[0] in nodes]
        found = tuple(size for size in told if size is not None)
        if found or field is None:
            return found or (1,)
        if known:
            return (preset,)
        if (parent or "").endswith("Connection"):
            return (1,)  # as many as the field was asked for that gave the connection (Relay's specification)
        return (self.usual ** _levels(field),)

    def _read(self, node: Any, path: tuple[str, ...], preset: int) -> int | Asked | None:
        if isinstance(node, VariableNode):
            return Asked(node.name.value, path, max(preset, self.usual))
        if path:
            fields = {each.name.value: each.value for each in node.fields} if isinstance(node, ObjectValueNode) else {}
            return self._read(fields[path[0]], path[1:], preset) if path[0] in fields else None
        return self._sensible(getattr(node, "value", None))

    def _sensible(self, value: Any) -> int:
        return _number(value) or self.usual


def _preset(argument: GraphQLArgument) -> int:
    """The default that the schema gives an argument; 0 where it gives none."""
    default = argument.default
    if default is None:
        return 0
    return _number(getattr(default.literal, "value", default.value))


def _number(value: Any) -> int:
    """A number of items, given as number or text. 0 for what is none, or not above 0, which to many servers is all."""
    if isinstance(value, str):
        try:
            value = float(value[:_DIGITS])
        except ValueError:
            return 0
    if type(value) not in (int, float) or not value > 0:
        return 0
    return int(min(math.ceil(value) if value < _LARGEST else _LARGEST, _LARGEST))


def largest(size: Size, variables: Mapping[str, Any]) -> int:
    return max(part if isinstance(part, int) else _value(part, variables) for part in size)


def _value(asked: Asked, variables: Mapping[str, Any]) -> int:
    value: Any = variables.get(asked.variable)
    for name in asked.path:
        value = value.get(name) if isinstance(value, dict) else None
    return _number(value) or asked.default


def _levels(field: GraphQLField) -> int:
    """How many lists within lists its type is."""
    levels, kind = 0, field.type
    while is_list_type(kind) or is_non_null_type(kind):
        levels += is_list_type(kind)
        kind = kind.of_type
    return levels
