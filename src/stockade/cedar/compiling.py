"""From Cedar's parse tree (its JSON form) to Python closures: `compile_expression(tree)(request)` is the value.

Here is what each kind of node is made of; `operators` and `members` have what it does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import add, ge, gt, le, lt, mul, sub
from typing import Any, TypeAlias

from stockade.cedar import members, operators
from stockade.cedar.errors import BadPolicy, EvaluationError, Fault
from stockade.cedar.functions import CONSTRUCTORS, METHODS
from stockade.cedar.values import Judge, Request, Set, Uid, Value

Tree: TypeAlias = Mapping[str, Any]
Maker: TypeAlias = Callable[[Any, int], Judge]
_DEEPEST = 100  # levels of an expression, chains of && and || counting as one


def compile_expression(tree: Tree, depth: int = 0) -> Judge:
    """Raises BadPolicy on what this compiler does not know."""
    if depth > _DEEPEST:
        raise BadPolicy([Fault(1, "the expression is nested too deeply")])
    ((kind, body),) = tree.items()
    maker = _MAKERS.get(kind)
    if maker is not None:
        return maker(body, depth + 1)
    if kind in CONSTRUCTORS or kind in METHODS:
        return _call(kind, body, depth + 1)
    raise BadPolicy([Fault(1, f"{kind!r} is not known here")])


def compile_condition(tree: Tree) -> Judge:
    """The same for what must be true or false. Raises BadPolicy."""
    return operators.boolean(compile_expression(tree))


# What a tree says, as others read it too.


def constant(tree: Tree) -> tuple[Value] | None:
    """The value of a literal, in a tuple; None of what is none."""
    if "Value" not in tree:
        return None
    value = tree["Value"]
    if isinstance(value, Mapping):
        inner = value.get("__entity")
        return (Uid(str(inner["type"]), str(inner["id"])),) if inner else None
    return (value,)


def flattened(tree: Tree, sign: str) -> list[Tree]:
    """`a && b && c`, however it is bracketed, as its parts in order."""
    parts: list[Tree] = []
    waiting: list[Tree] = [tree]
    while waiting:
        each = waiting.pop()
        if sign in each:
            waiting += (each[sign]["right"], each[sign]["left"])
        else:
            parts.append(each)
    return parts


# One maker for each kind of node.


def _unary(make: Callable[[Judge], Judge]) -> Maker:
    return lambda body, depth: make(compile_expression(body["arg"], depth))


def _binary(make: Callable[[Judge, Judge], Judge]) -> Maker:
    return lambda body, depth: make(compile_expression(body["left"], depth), compile_expression(body["right"], depth))


def _chain(sign: str, make: Callable[[list[Judge]], Judge]) -> Maker:
    return lambda body, depth: make([compile_expression(part, depth) for part in flattened({sign: body}, sign)])


def _value(body: Any, _: int) -> Judge:
    found = constant({"Value": body})
    if found is None:
        raise BadPolicy([Fault(1, "a literal that is not known here")])
    value = found[0]
    return lambda _: value


def _variable(body: str, _: int) -> Judge:
    return {
        "principal": lambda request: request.principal,
        "action": lambda request: request.action,
        "resource": lambda request: request.resource,
        "context": lambda request: request.context,
    }[body]


def _attribute(body: Tree, depth: int) -> Judge:
    name: str = body["attr"]
    variable = body["left"].get("Var")
    if variable is not None:
        return members.attribute_of_variable(variable, name)
    return members.attribute(compile_expression(body["left"], depth), name)


def _has(body: Tree, depth: int) -> Judge:
    return members.has(compile_expression(body["left"], depth), body["attr"])


def _is(body: Tree, depth: int) -> Judge:
    within = compile_expression(body["in"], depth) if "in" in body else None
    return members.is_of_type(compile_expression(body["left"], depth), body["entity_type"], within)


def _if(body: Tree, depth: int) -> Judge:
    then, otherwise = compile_expression(body["then"], depth), compile_expression(body["else"], depth)
    return operators.choice(compile_expression(body["if"], depth), then, otherwise)


def _equal(body: Tree, depth: int) -> Judge:
    left, right = compile_expression(body["left"], depth), compile_expression(body["right"], depth)
    for tree, judge in ((body["right"], left), (body["left"], right)):
        found = constant(tree)
        if found is not None and isinstance(found[0], str | Uid):
            return operators.equals_name(judge, found[0])
    return operators.equals(left, right)


def _unequal(body: Tree, depth: int) -> Judge:
    same = _equal(body, depth)
    return lambda request: not same(request)


def _like(body: Tree, depth: int) -> Judge:
    texts = [""]
    for part in body["pattern"]:
        if part == "Wildcard":
            texts.append("")
        else:
            texts[-1] += part["Literal"]
    return operators.like(compile_expression(body["left"], depth), texts)


def _set(body: list[Tree], depth: int) -> Judge:
    parts = [compile_expression(part, depth) for part in body]
    found = [constant(part) for part in body]
    if all(each is not None for each in found):
        ready = Set(each[0] for each in found if each is not None)
        return lambda _: ready
    return lambda request: Set(part(request) for part in parts)


def _record(body: Tree, depth: int) -> Judge:
    parts = {name: compile_expression(part, depth) for name, part in body.items()}
    return lambda request: {name: part(request) for name, part in parts.items()}


def _contains(body: Tree, depth: int) -> Judge:
    left, right = compile_expression(body["left"], depth), compile_expression(body["right"], depth)
    literal = constant(body["right"])
    if literal is not None and isinstance(literal[0], str):
        return operators.contains_text(left, literal[0])
    return operators.contains(left, right)


def _call(name: str, body: list[Tree], depth: int) -> Judge:
    """A constructor or method of an extension type; what is made of literals alone is made once."""
    types, function = CONSTRUCTORS.get(name) or METHODS[name]
    parts = [compile_expression(part, depth) for part in body]
    if len(parts) != len(types):
        raise BadPolicy([Fault(1, f"{name} takes {len(types)} argument(s)")])

    def judge(request: Request) -> Value:
        values = [part(request) for part in parts]
        if tuple(map(type, values)) != types:
            raise EvaluationError(f"{name} does not take these")
        return function(*values)  # type: ignore[no-any-return]

    if name in CONSTRUCTORS and all(constant(part) is not None for part in body):
        return _once(judge)
    return judge


def _once(judge: Judge) -> Judge:
    try:
        value = judge(_NOTHING)
    except EvaluationError:
        return judge
    return lambda _: value


_NOWHERE = Uid("", "")
_NOTHING = Request(_NOWHERE, _NOWHERE, _NOWHERE, {}, {})
_MAKERS: dict[str, Maker] = {
    "Value": _value,
    "Var": _variable,
    ".": _attribute,
    "has": _has,
    "hasTag": _binary(members.has_tag),
    "getTag": _binary(members.get_tag),
    "&&": _chain("&&", operators.every),
    "||": _chain("||", operators.some),
    "!": _unary(operators.negated),
    "neg": _unary(operators.minus),
    "if-then-else": _if,
    "==": _equal,
    "!=": _unequal,
    "<": _binary(operators.comparison(lt)),
    "<=": _binary(operators.comparison(le)),
    ">": _binary(operators.comparison(gt)),
    ">=": _binary(operators.comparison(ge)),
    "+": _binary(operators.arithmetic(add)),
    "-": _binary(operators.arithmetic(sub)),
    "*": _binary(operators.arithmetic(mul)),
    "in": _binary(members.lies_in),
    "is": _is,
    "like": _like,
    "Set": _set,
    "Record": _record,
    "contains": _contains,
    "containsAll": _binary(operators.of_sets(ge)),
    "containsAny": _binary(operators.of_sets(lambda one, other: not one.isdisjoint(other))),
    "isEmpty": _unary(operators.is_empty),
}
