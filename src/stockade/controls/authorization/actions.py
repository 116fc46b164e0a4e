"""Cedar's actions: the operations that are known, and the groups that each belongs to.

`Action::"GET /orders/{id}"` is an operation. Groups are the methods (`Action::"GET"`), `Action::"read"` (methods
that change nothing) and `Action::"write"`, the tags of the description (`Action::"tag:admin"`), and operations for any
method or path (`Action::"* /admin/*"`). What no operation fits is `Action::"other"`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from stockade.access import Reading, Templates, folded
from stockade.cedar import Entity, Uid
from stockade.operations import method_name, parse_operation

SAFE = frozenset({"GET", "OPTIONS", "TRACE"})  # RFC 9110, section 9.2.1; HEAD is read as GET
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "_OTHER")
OTHER = "other"
GROUPS = frozenset({*METHODS, "read", "write"})


_STRANGE: tuple[str, tuple[str, ...], frozenset[Uid]] = (OTHER, (), frozenset())


class Action(Struct, frozen=True, eq=False):
    """An operation, as a request with a given method has it. parameters: names of those of its path."""

    uid: Uid
    ancestors: frozenset[Uid]
    parameters: tuple[str, ...] = ()
    entity: Entity = Entity()


class Actions:
    """operations: "GET /orders/{id}", "* /admin/*". tags: operations by tag."""

    def __init__(self, operations: Iterable[str], tags: Mapping[str, Iterable[str]] | None = None) -> None:
        self._templates = Templates[tuple[str, tuple[str, ...], frozenset[Uid]]]()
        self._made: dict[tuple[str, str], Action] = {}
        self.names: dict[tuple[str, tuple[str, ...]], str] = {}  # how each is called, whatever its parameters are
        tagged: dict[str, set[Uid]] = {}
        for tag, names in (tags or {}).items():
            for name in names:
                tagged.setdefault(canonical(name), set()).add(_action(f"tag:{tag}"))
        every = list(dict.fromkeys(map(canonical, operations)))
        patterns = [name for name in every if is_pattern(name)]
        for name in every:
            method, segments = parse_operation(name)
            if self.names.setdefault(_shape(name), name) != name:
                continue
            groups = {_action(pattern) for pattern in patterns if pattern != name and covers(pattern, name)}
            parameters = tuple(part[1:-1] for part in segments if part.startswith("{"))
            self._templates.insert(method, segments, (name, parameters, frozenset(groups | tagged.get(name, set()))))

    def find(self, method: str, reading: Reading) -> tuple[Action, tuple[str, ...]]:
        """The action, and what stands in the path for its parameters."""
        found = self._templates.find(method, reading)
        if found is None:
            found = [_STRANGE], ()
        (name, parameters, groups), captured = found[0][0], found[1]
        method = method_name(method)
        action = self._made.get((method, name))
        if action is None:
            above = groups | method_groups(method)
            action = Action(_action(name), above, parameters, Entity({}, above))
            self._made[method, name] = action
        return action, captured

    def called(self, operation: str) -> str:
        """How an operation of the same method and path is called here; itself where none is."""
        return self.names.get(_shape(operation), operation)

    def all(self) -> list[Action]:
        """Every operation that is none for any method or path, with its groups."""
        found = []
        for name in self.names.values():
            if not is_pattern(name):
                method, segments = parse_operation(name)
                found.append(self.find(method, tuple(part for part in segments if part))[0])
        return found


def method_groups(method: str) -> frozenset[Uid]:
    return frozenset({_action(method), _action("read" if method in SAFE else "write")})


def canonical(operation: str) -> str:
    """One spelling of a known operation. Raises BadOperation."""
    method, segments = parse_operation(operation)
    return f"{'GET' if method == 'HEAD' else method} /{'/'.join(segments)}"


def is_pattern(operation: str) -> bool:
    """Whether it is one for any method or any path below."""
    method, segments = parse_operation(operation)
    return method == "*" or segments[-1] == "*"


def covers(pattern: str, operation: str) -> bool:
    """Whether every request that is the operation's fits the pattern."""
    method, segments = parse_operation(pattern)
    own_method, own = parse_operation(operation)
    if method not in ("*", own_method):
        return False
    rest = segments[-1] == "*"
    wanted = [part for part in (segments[:-1] if rest else segments) if part]
    given = [part for part in own if part]
    if len(given) < len(wanted) or (len(given) > len(wanted) and not rest):
        return False
    if not rest and given and given[-1] == "*":
        return False
    return all(
        part.startswith("{") or (not own_part.startswith("{") and folded(part) == folded(own_part))
        for part, own_part in zip(wanted, given, strict=False)
    )


def _shape(operation: str) -> tuple[str, tuple[str, ...]]:
    method, segments = parse_operation(operation)
    return method, tuple("{}" if part.startswith("{") else folded(part) for part in segments if part)


def _action(name: str) -> Uid:
    return Uid("Action", name)
