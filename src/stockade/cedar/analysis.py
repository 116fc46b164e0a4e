"""What can be proved of policies without a request: that one never applies, or that another does wherever it would.

Each proof is by necessary conditions alone (conjuncts that contradict one another), so what is said is so; what is
not said may be so all the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from stockade.cedar.compiling import constant, flattened
from stockade.cedar.guards import path_of
from stockade.cedar.policies import Policy, Scope
from stockade.cedar.values import Entity, Uid, Value, key

Tree: TypeAlias = Mapping[str, Any]
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_INVERSE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


def conjuncts(policy: Policy) -> list[Tree]:
    """All that must be true for a policy to apply. `unless { a || b }` is !a and !b."""
    found: list[Tree] = []
    for kind, body in policy.conditions:
        parts = flattened(body, "&&") if kind == "when" else [{"!": {"arg": part}} for part in flattened(body, "||")]
        found += map(_simplified, parts)
    return found


def _simplified(tree: Tree) -> Tree:
    """Without double negations, and `!(a < b)` as `a >= b`: where either errs, so does the other."""
    while set(tree) == {"!"}:
        inner = tree["!"]["arg"]
        if set(inner) == {"!"}:
            tree = inner["!"]["arg"]
            continue
        ((operator, body),) = inner.items()
        return {_INVERSE[operator]: body} if operator in _INVERSE else tree
    return tree


def contradiction(policy: Policy) -> str:
    """Why the policy can never apply; "" where that is not proved."""
    parts = conjuncts(policy)
    texts = {_text(part) for part in parts}
    for part in parts:
        if _is_false(part):
            return "a condition is always false"
        if _text({"!": {"arg": part}}) in texts:
            return "one condition is the opposite of another"
    for path, said in _facts(parts).items():
        if not _satisfiable(said):
            return f"no value of {'.'.join(path)} meets all its conditions"
    return ""


def _is_false(part: Tree) -> bool:
    """Of a literal: that it is not `true`. What is no boolean at all makes the policy err, and so not apply."""
    value = constant(part)
    if value is not None:
        return value[0] is not True
    inner = constant(part["!"]["arg"]) if "!" in part else None
    return inner is not None and inner[0] is not False


def _facts(parts: list[Tree]) -> dict[tuple[str, ...], list[tuple[str, Value]]]:
    """What is said of each path: comparisons with literals."""
    facts: dict[tuple[str, ...], list[tuple[str, Value]]] = {}
    for part in parts:
        found = _comparison(part)
        if found is not None:
            facts.setdefault(found[0], []).append(found[1:])
    return facts


def _text(tree: Tree) -> str:
    return json.dumps(tree, sort_keys=True)


def _comparison(tree: Tree) -> tuple[tuple[str, ...], str, Value] | None:
    ((operator, body),) = tree.items()
    if operator not in _MIRRORED:
        return None
    left, right = path_of(body["left"]), path_of(body["right"])
    for path, other, sign in ((left, body["right"], operator), (right, body["left"], _MIRRORED[operator])):
        value = constant(other)
        if path is not None and value is not None:
            return path, sign, value[0]
    return None


def _satisfiable(said: list[tuple[str, Value]]) -> bool:
    equal = {key(value): value for sign, value in said if sign == "=="}
    if len(equal) > 1:
        return False
    low, high = -(1 << 63), (1 << 63) - 1
    for sign, value in said:
        if sign in ("==", "!=") or type(value) is not int:
            continue
        low = max(low, value + (sign == ">")) if sign in (">", ">=") else low
        high = min(high, value - (sign == "<")) if sign in ("<", "<=") else high
    if low > high:
        return False
    ordered = any(sign in ("<", "<=", ">", ">=") for sign, _ in said)
    for wanted, value in equal.items():
        if any(sign == "!=" and key(other) == wanted for sign, other in said):
            return False
        if ordered and type(value) is int and not low <= value <= high:
            return False
    return True


def covers(wide: Policy, narrow: Policy, entities: Mapping[Uid, Entity], *, action: bool = True) -> bool:
    """Whether `wide` applies, or errs, to every request to which `narrow` applies. action: compare that scope, too."""
    pairs = [(wide.principal, narrow.principal), (wide.resource, narrow.resource)]
    if action:
        pairs.append((wide.action, narrow.action))
    if not all(_scope_covers(one, other, entities) for one, other in pairs):
        return False
    return set(map(_text, conjuncts(wide))) <= set(map(_text, conjuncts(narrow)))


def _scope_covers(wide: Scope, narrow: Scope, entities: Mapping[Uid, Entity]) -> bool:
    if wide.is_open or wide == narrow:
        return True
    if wide.type and wide.type != narrow.type and not (narrow.exactly and _types(narrow.within) == {wide.type}):
        return False
    if wide.exactly:
        return narrow.exactly and set(narrow.within) <= set(wide.within)
    if not wide.within:
        return True
    return bool(narrow.within) and all(
        uid in wide.within or not entities.get(uid, _UNKNOWN).ancestors.isdisjoint(wide.within) for uid in narrow.within
    )


def _types(uids: Iterable[Uid]) -> set[str]:
    return {uid.type for uid in uids}


_UNKNOWN = Entity()
