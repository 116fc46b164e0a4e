"""From rules and what is declared of a value to a graph of what happens where; cut down for who is asking.

The graph is the one of states that the paths can be in at a place (a deterministic automaton over member names), times
what is declared there. It may have circles, as schemas do.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Protocol, TypeAlias

from msgspec import Struct

from stockade.projections.actions import REMOVE, Action
from stockade.projections.paths import Path, Step
from stockade.projections.projecting import Cut

_MOST_PLACES = 20_000  # of one plan
_MOST_CUTS = 1024  # remembered: one for each set of permissions that has come
_ITEM = 0  # what an array's items are called, which no member is
_OTHER = 1  # any name that no rule and no declaration has
State: TypeAlias = tuple[int, int]  # of a path, so many steps are done
States: TypeAlias = frozenset[State]


class Rule(Struct, frozen=True, gc=False):
    """A place: a path from the top, or (`schema`) from every value that is declared under that name.

    Where nothing is declared of a value, the path of a rule with a schema holds at any depth: better too much is held
    back than that an undescribed answer goes round the rule.
    """

    path: Path
    schema: str = ""


class Declared(Protocol):
    """What a description says of a value, whichever of its alternatives holds."""

    @property
    def key(self) -> Hashable:
        """Equal for what is declared alike; false where nothing is."""
        ...

    @property
    def names(self) -> frozenset[str]:
        """Of the schemas that hold here."""
        ...

    @property
    def members(self) -> Mapping[str, Declared]:
        """The declared ones, without those that must not leave."""
        ...

    @property
    def hidden(self) -> frozenset[str]:
        """Members that must not leave (`writeOnly`)."""
        ...

    @property
    def others(self) -> Declared | None:
        """Further members; None where there are to be none."""
        ...

    @property
    def items(self) -> Declared | None:
        """Of an array; None where it is to be none."""
        ...

    @property
    def is_object(self) -> bool: ...

    @property
    def is_described(self) -> bool:
        """False where anything may stand."""
        ...


class TooLarge(ValueError):
    """Paths and schemas make more places than can be kept."""


class Edge(Struct, gc=False):
    """What happens to a member or item: the rules whose place it is, and what lies within. drop: whoever asks."""

    rules: tuple[int, ...] = ()
    node: Node | None = None
    drop: bool = False


class Node:
    """A place. A container of a kind that is not declared here is dropped: `is_object`, `is_array`."""

    __slots__ = ("is_array", "is_object", "items", "members", "others")

    def __init__(self) -> None:
        self.members: dict[str, Edge] = {}
        self.others = Edge()
        self.items = Edge()
        self.is_object = self.is_array = True

    def edges(self) -> Iterable[Edge]:
        yield from self.members.values()
        yield self.others
        yield self.items


class Planner:
    """Makes plans for one set of rules. strip: whether what is not declared goes."""

    def __init__(self, rules: Iterable[Rule], *, strip: bool = False) -> None:
        self._strip = strip
        self._paths: list[tuple[int, Path]] = []  # each with the number of its rule
        self._start: set[State] = set()
        self._by_schema: dict[str, set[State]] = {}
        self._unknown: set[State] = set()  # begin where nothing is declared
        self._rules = 0
        for rule in rules:
            if rule.schema:
                self._by_schema.setdefault(rule.schema, set()).add(self._begin(rule.path))
                self._unknown.add(self._begin((Step(rule.path[0].name, deep=True), *rule.path[1:])))
            else:
                self._start.add(self._begin(rule.path))
            self._rules += 1
        self._nodes: dict[tuple[Hashable, States], Node] = {}
        self._waiting: list[tuple[Node, Declared | None, States]] = []

    def _begin(self, path: Path) -> State:
        self._paths.append((self._rules, path))
        return len(self._paths) - 1, 0

    def plan(self, shape: Declared | None = None) -> Plan:
        """shape: what is declared of the whole value; None: nothing is known of it. Raises TooLarge."""
        root = self._node(shape, frozenset(self._start))
        while self._waiting:
            self._fill(*self._waiting.pop())
        return Plan(root)

    def _node(self, shape: Declared | None, states: States) -> Node:
        if shape is None or not shape.is_described:
            states |= self._unknown
        else:
            states = states.union(*(self._by_schema.get(name, ()) for name in shape.names))
        key = (shape.key if shape is not None else None, states)
        node = self._nodes.get(key)
        if node is None:
            if len(self._nodes) >= _MOST_PLACES:
                raise TooLarge(f"the rules and schemas make more than {_MOST_PLACES} places")
            node = self._nodes[key] = Node()
            self._waiting.append((node, shape, states))
        return node

    def _fill(self, node: Node, shape: Declared | None, states: States) -> None:
        declared: Mapping[str, Declared] = shape.members if shape is not None else {}
        others = shape.others if shape is not None else None
        strips = shape is not None and self._strip
        hidden = shape.hidden if shape is not None and self._strip else frozenset()
        wild = states | self._unknown  # what is not declared here may be anything, and so under any schema's rule
        named = {name for path, step in wild if (name := self._paths[path][1][step].name) is not None}
        for name in named | declared.keys() | hidden:
            known = declared.get(name, others)
            gone = name in hidden or (strips and known is None)
            node.members[name] = (
                Edge(drop=True) if gone else self._edge(known, wild if _is_open(known) else states, name)
            )
        if strips and others is None:
            node.others = Edge(drop=True)
        else:
            node.others = self._edge(others, wild if _is_open(others) else states, _OTHER)
        node.items = self._edge(shape.items if shape is not None else None, states, _ITEM)
        if strips and shape is not None:
            node.is_object, node.is_array = shape.is_object, shape.items is not None

    def _edge(self, shape: Declared | None, states: States, name: str | int) -> Edge:
        """To the member of that name, or to the items."""
        kept: set[State] = set()
        met: list[int] = []
        for place, done in states:
            rule, path = self._paths[place]
            step = path[done]
            if step.deep:
                kept.add((place, done))
            if step.name is None or step.name == name:
                if done + 1 == len(path):
                    met.append(rule)
                else:
                    kept.add((place, done + 1))
        rules = tuple(sorted(set(met)))
        if shape is None and not kept and not self._unknown:
            return Edge(rules)
        return Edge(rules, self._node(shape, frozenset(kept)))


def _is_open(shape: Declared | None) -> bool:
    """Whether nothing at all is said of the value."""
    return shape is None or not shape.key


class Plan:
    """The graph; `cut` makes of it what one set of permissions needs."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self._cuts: dict[tuple[Action | None, ...], Cut | None] = {}
        self._nodes = _reached(root)

    def cut(self, actions: tuple[Action | None, ...]) -> Cut | None:
        """actions: one for each rule, None where it lets the value pass. None: nothing is to be done at all."""
        try:
            return self._cuts[actions]
        except KeyError:
            if len(self._cuts) >= _MOST_CUTS:
                self._cuts.clear()
            made = self._cuts[actions] = self._made(actions)
            return made

    def _made(self, actions: tuple[Action | None, ...]) -> Cut | None:
        useful = self._useful(actions)
        cuts = {id(node): Cut() for node in self._nodes if id(node) in useful}
        for node in self._nodes:
            if (cut := cuts.get(id(node))) is not None:
                _fill_cut(cut, node, actions, cuts)
        return cuts.get(id(self._root))

    def _useful(self, actions: tuple[Action | None, ...]) -> set[int]:
        """The places where, or within which, something happens."""
        above: dict[int, list[int]] = {}
        waiting = []
        for node in self._nodes:
            if not (node.is_object and node.is_array) or any(_action(edge, actions) for edge in node.edges()):
                waiting.append(id(node))
            for edge in node.edges():
                if edge.node is not None:
                    above.setdefault(id(edge.node), []).append(id(node))
        useful: set[int] = set()
        while waiting:
            place = waiting.pop()
            if place not in useful:
                useful.add(place)
                waiting += above.get(place, ())
        return useful


def _reached(root: Node) -> list[Node]:
    found = {id(root): root}
    waiting = [root]
    while waiting:
        for edge in waiting.pop().edges():
            if edge.node is not None and id(edge.node) not in found:
                found[id(edge.node)] = edge.node
                waiting.append(edge.node)
    return list(found.values())


def _action(edge: Edge, actions: tuple[Action | None, ...]) -> Action | None:
    """The strictest: to remove is more than to mask, and what comes first in the policy more than what follows."""
    if edge.drop:
        return REMOVE
    wanted = [action for rule in edge.rules if (action := actions[rule]) is not None]
    return REMOVE if REMOVE in wanted else wanted[0] if wanted else None


def _fill_cut(cut: Cut, node: Node, actions: tuple[Action | None, ...], cuts: Mapping[int, Cut]) -> None:
    drops, changes, deeper = [], [], []
    for name, edge in node.members.items():
        action = _action(edge, actions)
        if action is REMOVE:
            drops.append(name)
        elif action is not None:
            changes.append((name, action))
        elif edge.node is not None and id(edge.node) in cuts:
            deeper.append((name, cuts[id(edge.node)]))
    cut.drops, cut.changes, cut.deeper = tuple(drops), tuple(changes), tuple(deeper)
    cut.others, cut.within_others = _action(node.others, actions), cuts.get(id(node.others.node))
    cut.watches_others = cut.others is not None or cut.within_others is not None
    cut.known = frozenset(node.members)
    cut.item, cut.items = _action(node.items, actions), cuts.get(id(node.items.node))
    cut.is_object, cut.is_array = node.is_object, node.is_array
