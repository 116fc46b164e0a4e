"""From Cedar's parse tree (its JSON form) to Python closures: `compile_expression(tree)(request)` is the value.

Operators err as Cedar's do: on a type that they do not take, an attribute or entity that is not there, an overflow.
`&&`, `||` and `if` look no further than they must.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, TypeAlias

from stockade.cedar.errors import BadPolicy, EvaluationError, Fault
from stockade.cedar.extensions import Datetime, Duration, bounded
from stockade.cedar.functions import CONSTRUCTORS, METHODS
from stockade.cedar.values import Request, Set, Uid, Value, equal, key

Judge: TypeAlias = Callable[[Request], Any]
Tree: TypeAlias = Mapping[str, Any]
_DEEPEST = 100  # levels of an expression, chains of && and || counting as one
_ORDERED = (Datetime, Duration)


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
    return _boolean(compile_expression(tree))


def _boolean(judge: Judge) -> Judge:
    def sure(request: Request) -> bool:
        value = judge(request)
        if value is True or value is False:
            return value
        raise EvaluationError("not a boolean")

    return sure


def constant(tree: Tree) -> tuple[Value] | None:
    """The value of a literal, in a tuple; None of what is none."""
    if "Value" not in tree:
        return None
    value = tree["Value"]
    if isinstance(value, Mapping):
        inner = value.get("__entity")
        return (Uid(str(inner["type"]), str(inner["id"])),) if inner else None
    return (value,)


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


# Attributes and tags.


def _members(request: Request, value: Value) -> Mapping[str, Any] | None:
    """The attributes of a record or entity; None of an entity that is not known."""
    if type(value) is dict:
        return value
    if type(value) is Uid:
        entity = request.entities.get(value)
        return entity.attributes if entity is not None else None
    raise EvaluationError("neither a record nor an entity")


def _attribute(body: Tree, depth: int) -> Judge:
    name: str = body["attr"]
    variable = body["left"].get("Var")
    if variable is not None:
        return _of_variable(variable, name)
    left = compile_expression(body["left"], depth)

    def attribute(request: Request) -> Value:
        members = _members(request, left(request))
        if members is None or name not in members:
            raise EvaluationError("no such attribute")
        return members[name]  # type: ignore[no-any-return]

    return attribute


def _of_variable(variable: str, name: str) -> Judge:
    """`context.name`, `principal.name` and so on, of which policies mostly consist."""
    if variable == "context":

        def of_context(request: Request) -> Value:
            try:
                return request.context[name]  # type: ignore[no-any-return]
            except KeyError:
                raise EvaluationError("no such attribute") from None

        return of_context
    uid = attrgetter(variable)

    def of_entity(request: Request) -> Value:
        entity = request.entities.get(uid(request))
        if entity is None or name not in entity.attributes:
            raise EvaluationError("no such attribute")
        return entity.attributes[name]  # type: ignore[no-any-return]

    return of_entity


def _has(body: Tree, depth: int) -> Judge:
    left, name = compile_expression(body["left"], depth), body["attr"]

    def has(request: Request) -> bool:
        members = _members(request, left(request))
        return members is not None and name in members

    return has


def _tags(body: Tree, depth: int) -> Callable[[Request], tuple[Mapping[str, Any] | None, str]]:
    left, right = compile_expression(body["left"], depth), compile_expression(body["right"], depth)

    def tags(request: Request) -> tuple[Mapping[str, Any] | None, str]:
        uid, name = left(request), right(request)
        if type(uid) is not Uid or type(name) is not str:
            raise EvaluationError("tags are texts, of entities")
        entity = request.entities.get(uid)
        return (entity.tags if entity is not None else None), name

    return tags


def _has_tag(body: Tree, depth: int) -> Judge:
    tags = _tags(body, depth)

    def has_tag(request: Request) -> bool:
        found, name = tags(request)
        return found is not None and name in found

    return has_tag


def _get_tag(body: Tree, depth: int) -> Judge:
    tags = _tags(body, depth)

    def get_tag(request: Request) -> Value:
        found, name = tags(request)
        if found is None or name not in found:
            raise EvaluationError("no such tag")
        return found[name]  # type: ignore[no-any-return]

    return get_tag


# Logic.


def flattened(tree: Tree, operator: str) -> list[Tree]:
    """`a && b && c`, however it is bracketed, as its parts in order."""
    parts: list[Tree] = []
    waiting: list[Tree] = [tree]
    while waiting:
        each = waiting.pop()
        if operator in each:
            waiting += (each[operator]["right"], each[operator]["left"])
        else:
            parts.append(each)
    return parts


def _and(body: Tree, depth: int) -> Judge:
    parts = [compile_expression(part, depth) for part in flattened({"&&": body}, "&&")]

    def every(request: Request) -> bool:
        for part in parts:
            value = part(request)
            if value is False:
                return False
            if value is not True:
                raise EvaluationError("not a boolean")
        return True

    return every


def _or(body: Tree, depth: int) -> Judge:
    parts = [compile_expression(part, depth) for part in flattened({"||": body}, "||")]

    def some(request: Request) -> bool:
        for part in parts:
            value = part(request)
            if value is True:
                return True
            if value is not False:
                raise EvaluationError("not a boolean")
        return False

    return some


def _not(body: Tree, depth: int) -> Judge:
    inner = _boolean(compile_expression(body["arg"], depth))
    return lambda request: not inner(request)


def _if(body: Tree, depth: int) -> Judge:
    asked = _boolean(compile_expression(body["if"], depth))
    then, otherwise = compile_expression(body["then"], depth), compile_expression(body["else"], depth)
    return lambda request: then(request) if asked(request) else otherwise(request)


# Comparison and arithmetic.


def _equal(body: Tree, depth: int) -> Judge:
    left, right = compile_expression(body["left"], depth), compile_expression(body["right"], depth)
    for tree, judge in ((body["right"], left), (body["left"], right)):
        found = constant(tree)
        if found is not None and type(found[0]) in (str, Uid):  # which equal nothing of another type
            wanted = found[0]
            return lambda request: judge(request) == wanted
    return lambda request: equal(left(request), right(request))


def _unequal(body: Tree, depth: int) -> Judge:
    same = _equal(body, depth)
    return lambda request: not same(request)


def _comparison(compare: Callable[[Any, Any], bool]) -> Callable[[Tree, int], Judge]:
    def make(body: Tree, depth: int) -> Judge:
        left, right = compile_expression(body["left"], depth), compile_expression(body["right"], depth)

        def judge(request: Request) -> bool:
            one, other = left(request), right(request)
            if type(one) is not type(other):
                raise EvaluationError("values of two types have no order")
            if type(one) is int:
                return compare(one, other)
            if type(one) in _ORDERED:
                return compare(one.value, other.value)
            raise EvaluationError("values without an order")

        return judge

    return make


def _arithmetic(calculate: Callable[[int, int], int]) -> Callable[[Tree, int], Judge]:
    def make(body: Tree, depth: int) -> Judge:
        left, right = compile_expression(body["left"], depth), compile_expression(body["right"], depth)

        def judge(request: Request) -> int:
            one, other = left(request), right(request)
            if type(one) is not int or type(other) is not int:
                raise EvaluationError("not numbers")
            return bounded(calculate(one, other))

        return judge

    return make


def _negation(body: Tree, depth: int) -> Judge:
    inner = compile_expression(body["arg"], depth)

    def judge(request: Request) -> int:
        value = inner(request)
        if type(value) is not int:
            raise EvaluationError("not a number")
        return bounded(-value)

    return judge


# Hierarchy.


def lies_in(request: Request, uid: Uid, groups: Value) -> bool:
    """Whether an entity is, or is a descendant of, one of the groups: an entity, or a set of them."""
    if type(groups) is Uid:
        wanted: frozenset[Any] = frozenset((groups,))
    elif type(groups) is Set:
        wanted = groups.keys
        if not all(type(each) is Uid for each in wanted):
            raise EvaluationError("not all are entities")
    else:
        raise EvaluationError("neither an entity nor a set of them")
    if uid in wanted:
        return True
    entity = request.entities.get(uid)
    return entity is not None and not wanted.isdisjoint(entity.ancestors)


def _in(body: Tree, depth: int) -> Judge:
    left, right = compile_expression(body["left"], depth), compile_expression(body["right"], depth)

    def judge(request: Request) -> bool:
        uid, groups = left(request), right(request)
        if type(uid) is not Uid:
            raise EvaluationError("not an entity")
        return lies_in(request, uid, groups)

    return judge


def _is(body: Tree, depth: int) -> Judge:
    left, wanted = compile_expression(body["left"], depth), body["entity_type"]
    within = compile_expression(body["in"], depth) if "in" in body else None

    def judge(request: Request) -> bool:
        uid = left(request)
        if type(uid) is not Uid:
            raise EvaluationError("not an entity")
        return uid.type == wanted and (within is None or lies_in(request, uid, within(request)))

    return judge


# Texts, sets, records, and the functions of extensions.


def _like(body: Tree, depth: int) -> Judge:
    """Wildcards: pieces are sought one after another, as no backtracking is needed for `*` alone."""
    left = compile_expression(body["left"], depth)
    texts = [""]
    for part in body["pattern"]:
        if part == "Wildcard":
            texts.append("")
        else:
            texts[-1] += part["Literal"]

    def judge(request: Request) -> bool:
        text = left(request)
        if type(text) is not str:
            raise EvaluationError("not a text")
        return _matches(text, texts)

    return judge


def _matches(text: str, texts: list[str]) -> bool:
    first, last = texts[0], texts[-1]
    if len(texts) == 1:
        return text == first
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in texts[1:-1]:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


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


def _of_sets(operate: Callable[[frozenset[Any], frozenset[Any]], bool]) -> Callable[[Tree, int], Judge]:
    def make(body: Tree, depth: int) -> Judge:
        left, right = compile_expression(body["left"], depth), compile_expression(body["right"], depth)

        def judge(request: Request) -> bool:
            one, other = left(request), right(request)
            if type(one) is not Set or type(other) is not Set:
                raise EvaluationError("not sets")
            return operate(one.keys, other.keys)

        return judge

    return make


def _contains(body: Tree, depth: int) -> Judge:
    left, right = compile_expression(body["left"], depth), compile_expression(body["right"], depth)
    literal = constant(body["right"])
    if literal is not None and type(literal[0]) is str:
        return _contains_text(left, literal[0])

    def judge(request: Request) -> bool:
        one = left(request)
        other = right(request)
        if type(one) is not Set:
            raise EvaluationError("not a set")
        return key(other) in one.keys

    return judge


def _contains_text(left: Judge, text: str) -> Judge:
    def judge(request: Request) -> bool:
        value = left(request)
        if type(value) is not Set:
            raise EvaluationError("not a set")
        return text in value.keys

    return judge


def _is_empty(body: Tree, depth: int) -> Judge:
    inner = compile_expression(body["arg"], depth)

    def judge(request: Request) -> bool:
        value = inner(request)
        if type(value) is not Set:
            raise EvaluationError("not a set")
        return not value.keys

    return judge


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
_MAKERS: dict[str, Callable[[Any, int], Judge]] = {
    "Value": _value,
    "Var": _variable,
    ".": _attribute,
    "has": _has,
    "hasTag": _has_tag,
    "getTag": _get_tag,
    "&&": _and,
    "||": _or,
    "!": _not,
    "neg": _negation,
    "if-then-else": _if,
    "==": _equal,
    "!=": _unequal,
    "<": _comparison(lambda one, other: one < other),
    "<=": _comparison(lambda one, other: one <= other),
    ">": _comparison(lambda one, other: one > other),
    ">=": _comparison(lambda one, other: one >= other),
    "+": _arithmetic(lambda one, other: one + other),
    "-": _arithmetic(lambda one, other: one - other),
    "*": _arithmetic(lambda one, other: one * other),
    "in": _in,
    "is": _is,
    "like": _like,
    "Set": _set,
    "Record": _record,
    "contains": _contains,
    "containsAll": _of_sets(lambda one, other: other <= one),
    "containsAny": _of_sets(lambda one, other: not one.isdisjoint(other)),
    "isEmpty": _is_empty,
}
