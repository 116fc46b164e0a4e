"""What the selections of a document amount to: depth, fields, aliases, directives, cost, and the scopes they need.

A fragment is measured once, after those that it spreads; a spread adds its measure. Neither time nor memory grows with
what a document would be if it were expanded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from graphql import GraphQLField
from graphql.language import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)
from msgspec import Struct, field

from stockade.graphql.costs import Asked, Cost, Size, Sizes, largest
from stockade.graphql.faults import Fault, Refused
from stockade.graphql.schema import Schema, named_type

# Fields that tell of the schema: introspection (GraphQL, September 2025, section 4), and Apollo Federation's.
_TELLING = frozenset({"__schema", "__type", "_service"})


class Rules(Struct, frozen=True):
    """What fields cost and which scopes they need, by "Type.field"; a scope may be needed for all of "Type"."""

    sizes: Sizes
    costs: Mapping[str, int]
    scopes: Mapping[str, frozenset[str]]


class Measure(Struct):
    """Sums over a selection set. Only `depth` is the greatest of its parts."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    cost: Cost = field(default_factory=Cost)
    scopes: frozenset[str] = frozenset()
    guarded: frozenset[str] = frozenset()  # the fields that need them
    telling: FieldNode | None = None  # a field that tells of the schema
    roots: Counter[str] = field(default_factory=Counter)  # the outermost fields, by name, not alias

    def add(self, other: Measure) -> None:
        """Selections that stand beside ours."""
        self.depth = max(self.depth, other.depth)
        self.roots.update(other.roots)
        self.cost = _sum(self.cost, other.cost)
        self.count(other)

    def count(self, other: Measure) -> None:
        """What does not care where it stands."""
        self.fields += other.fields
        self.aliases += other.aliases
        self.directives += other.directives
        self.scopes |= other.scopes
        self.guarded |= other.guarded
        self.telling = self.telling or other.telling


class Measuring:
    """The measures of one document. Raises Refused on fragments that spread each other in a circle."""

    def __init__(self, schema: Schema, rules: Rules, fragments: Iterable[FragmentDefinitionNode]) -> None:
        self._schema = schema
        self._rules = rules
        self._fragments: dict[str, Measure] = {}
        self.varying: dict[str, Cost] = {}  # the costs of fragments that vary, each after those that it needs
        for fragment in _in_order({fragment.name.value: fragment for fragment in fragments}):
            name = fragment.name.value
            measure = self._selections(fragment.selection_set, fragment.type_condition.name.value)
            measure.directives += len(fragment.directives or ())
            if measure.cost.varies:
                self.varying[name] = measure.cost
                measure.cost = Cost(spread=(name,))
            self._fragments[name] = measure

    def operation(self, node: OperationDefinitionNode) -> Measure:
        root = self._schema.root(node.operation.value)
        if self._schema.types is not None:
            measure = self._selections(node.selection_set, root)
        else:
            measure = self._selections(node.selection_set, None)
            self._count_roots(measure, root)
        measure.directives += len(node.directives or ())
        measure.directives += sum(len(each.directives or ()) for each in node.variable_definitions or ())
        return measure

    def _count_roots(self, measure: Measure, root: str | None) -> None:
        """Without a schema: the outermost fields are the root type's, whatever fragments call it."""
        for name, count in measure.roots.items():
            scopes = self._scopes(root, name)
            measure.scopes |= scopes
            measure.guarded |= {name} if scopes else set()
            measure.cost = _sum(measure.cost, Cost((self._cost(root, name) - 1) * count))

    def _selections(self, node: SelectionSetNode, parent: str | None) -> Measure:
        """parent: the type's name; it is asked after only where there is a schema."""
        if not node.selections:
            raise Refused((at(node, "empty", "A selection set holds at least one field."),))
        measure = Measure()
        for selection in node.selections:
            measure.add(self._selection(selection, parent))
        return measure

    def _selection(self, node: SelectionNode, parent: str | None) -> Measure:
        if isinstance(node, FieldNode):
            return self._field(node, parent)
        if isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            measure = self._selections(node.selection_set, condition.name.value if condition is not None else parent)
        else:
            assert isinstance(node, FragmentSpreadNode)
            spread = self._fragments.get(node.name.value)
            if spread is None:
                raise Refused((at(node, "unknown-fragment", "The document has no such fragment."),))
            measure = Measure()
            measure.add(spread)
        measure.directives += len(node.directives or ())
        return measure

    def _field(self, node: FieldNode, parent: str | None) -> Measure:
        name, known = node.name.value, self._schema.field(parent, node.name.value)
        scopes, own = self._scopes(parent, name), self._cost(parent, name)
        measure = Measure(
            depth=1,
            fields=1,
            aliases=node.alias is not None,
            directives=len(node.directives or ()),
            cost=Cost(own),
            scopes=scopes,
            guarded=frozenset({name}) if scopes else frozenset(),
            telling=node if name in _TELLING else None,
            roots=Counter((name,)),
        )
        if node.selection_set is not None:
            inner = self._selections(node.selection_set, named_type(known).name if known is not None else None)
            measure.count(inner)
            if name.startswith("__") and known is not None:
                return measure  # introspection that is allowed is bounded by graphql-core, and costs no resolver
            measure.depth += inner.depth
            measure.cost = _product(own, self._size(known, node, parent), inner.cost)
        return measure

    def _size(self, known: GraphQLField | None, node: FieldNode, parent: str | None) -> Size:
        return self._rules.sizes.of(known, node.arguments or (), parent)

    def _cost(self, parent: str | None, name: str) -> int:
        if not self._rules.costs or parent is None:
            return 1
        found = (self._rules.costs.get(f"{kind}.{name}") for kind in self._schema.related(parent))
        return max((cost for cost in found if cost is not None), default=1)

    def _scopes(self, parent: str | None, name: str) -> frozenset[str]:
        if not self._rules.scopes or parent is None or name == "__typename":
            return frozenset()
        scopes = self._rules.scopes
        kinds = self._schema.related(parent)
        return frozenset().union(
            *(scopes.get(kind, ()) for kind in kinds), *(scopes.get(f"{kind}.{name}", ()) for kind in kinds)
        )


def at(node: Any, rule: str, message: str) -> Fault:
    """A fault at a place of the document."""
    token = node.loc.start_token if node.loc is not None else None
    return Fault(rule, message, token.line if token else 0, token.column if token else 0)


def _sum(one: Cost, other: Cost) -> Cost:
    return Cost(one.fixed + other.fixed, one.scaled + other.scaled, one.spread + other.spread)


def _product(own: int, size: Size, inner: Cost) -> Cost:
    """own + size × inner, as far as it does not depend on variables worked out now."""
    if inner.varies or any(isinstance(part, Asked) for part in size):
        return Cost(own, ((size, inner),))
    return Cost(own + largest(size, {}) * inner.fixed)


def _in_order(fragments: Mapping[str, FragmentDefinitionNode]) -> list[FragmentDefinitionNode]:
    """The fragments, each after those that it spreads. No recursion: a chain of them may be long."""
    found: dict[str, FragmentDefinitionNode] = {}
    for root in fragments:
        path = {root: iter(_spreads(fragments[root].selection_set))} if root not in found else {}
        while path:
            name = next(reversed(path))
            spread = next(path[name], None)
            if spread is None:
                path.popitem()
                found[name] = fragments[name]
            elif spread.name.value in path:
                raise Refused((at(spread, "circle", "Fragments spread each other in a circle."),))
            elif spread.name.value in fragments and spread.name.value not in found:
                path[spread.name.value] = iter(_spreads(fragments[spread.name.value].selection_set))
    return list(found.values())


def _spreads(node: SelectionSetNode) -> list[FragmentSpreadNode]:
    spreads, waiting = [], [node]
    while waiting:
        for selection in waiting.pop().selections:
            if isinstance(selection, FragmentSpreadNode):
                spreads.append(selection)
            elif selection.selection_set is not None:  # type: ignore[attr-defined]
                waiting.append(selection.selection_set)  # type: ignore[attr-defined]
    return spreads
