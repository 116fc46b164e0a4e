"""A policy's first condition, where it begins with `path == literal` or `path.contains(literal)`: by it, policies are
found rather than tried."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from stockade.cedar.compiling import compile_expression, constant, flattened
from stockade.cedar.policies import Policy
from stockade.cedar.values import Judge, Request, Set, Value, key

Path: TypeAlias = tuple[str, ...]


class Guard(Struct, frozen=True, eq=False):
    """path: ("context", "method"). read: its value. member: whether `wanted` is to be in it rather than to be it."""

    path: Path
    read: Judge
    wanted: Value
    member: bool = False

    def fits(self, request: Request) -> Collection[Any] | None:
        """The keys of the literals that it equals or contains; None where asking errs. Raises EvaluationError too."""
        value = self.read(request)
        if not self.member:
            return (key(value),)
        return value.keys if type(value) is Set else None


def guard_of(policy: Policy) -> Guard | None:
    if not policy.conditions or policy.conditions[0][0] != "when":
        return None
    first = flattened(policy.conditions[0][1], "&&")[0]
    contained = first.get("contains")
    if contained is not None:
        path, literal = path_of(contained["left"]), constant(contained["right"])
        if path is None or len(path) < 2 or literal is None:
            return None
        return Guard(path, compile_expression(contained["left"]), literal[0], True)
    body = first.get("==")
    if body is None:
        return None
    for left, right in (("left", "right"), ("right", "left")):
        path, literal = path_of(body[left]), constant(body[right])
        if path is not None and len(path) > 1 and literal is not None:
            return Guard(path, compile_expression(body[left]), literal[0])
    return None


def path_of(tree: Mapping[str, Any]) -> Path | None:
    """("principal", "claims", "tenant") of principal.claims.tenant; None of what is no such path."""
    names: list[str] = []
    while "." in tree:
        names.append(tree["."]["attr"])
        tree = tree["."]["left"]
    if "Var" not in tree:
        return None
    return (str(tree["Var"]), *reversed(names))


def paths_in(policy: Policy) -> frozenset[Path]:
    """Every path that the conditions read or ask for, the longest of each."""
    return paths_of(body for _, body in policy.conditions)


def paths_of(trees: Iterable[Mapping[str, Any]]) -> frozenset[Path]:
    found: set[Path] = set()
    waiting: list[Any] = list(trees)
    while waiting:
        tree = waiting.pop()
        if isinstance(tree, list):
            waiting += tree
        if not isinstance(tree, Mapping):
            continue
        path = path_of(tree)
        if path is None and len(tree) == 1 and "has" in tree:
            body = tree["has"]
            left = path_of(body["left"]) if isinstance(body, Mapping) and "left" in body else None
            path = (*left, body["attr"]) if left is not None else None
        if path is not None:
            found.add(path)
        else:
            waiting += tree.values()
    return frozenset(found)
