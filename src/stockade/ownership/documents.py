"""Ids in GraphQL: the arguments of a field, whatever it is called (alias), wherever it stands (fragment, batch), and
however its values come (literal, variable, default).

Loaded only where a policy names such a place. Raises BadId where a request cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from graphql import GraphQLError, parse
from graphql.language import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)

from stockade.ownership.ids import BadId, Pairs
from stockade.ownership.places import Place, read_json, values_at

_MOST_TOKENS = 20_000
_MOST_REQUESTS = 100  # of a batch
_DEEPEST = 50


def ids_in_graphql(query: str, media: str, body: bytes, places: list[Place]) -> Iterator[Any]:
    """What stands at the places, `graphql.FIELD.ARGUMENT…`, in all that the request could be read as."""
    for text, variables in _requests(query, media, body):
        document = _parsed(text)
        known = {**_defaults(document), **variables}
        for field in _fields(document):
            for place in places:
                if place.name.casefold() == field.name.value.casefold():
                    for argument in field.arguments or ():
                        if argument.name.value.casefold() == place.steps[1].casefold():
                            yield from values_at(_value(argument.value, known), place.steps[2:])


def _requests(query: str, media: str, body: bytes) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each document with its variables: of the URL and of the body, for servers differ in which they take."""
    pairs = _pairs(query)
    texts = [value for name, value in pairs if name.casefold() == "query"]
    given = _object(next((value.encode() for name, value in pairs if name.casefold() == "variables"), b""))
    for text in texts:
        yield text, given
    if not body:
        return
    if media == "application/graphql":
        yield _utf8(body), given
        return
    if media != "application/json" and not media.endswith("+json"):
        raise BadId("the GraphQL request is no JSON")
    value = read_json(body)
    batch = value if type(value) is list else [value]
    if len(batch) > _MOST_REQUESTS:
        raise BadId("there are too many GraphQL requests in one")
    for each in batch:
        yield from _of_member(each, has_text=bool(texts))


def _of_member(value: Any, *, has_text: bool) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """One JSON request. Members that stand twice are read each way."""
    if not isinstance(value, Pairs):
        raise BadId("the GraphQL request is no object")
    queries = [member for name, member in value if name == "query" and isinstance(member, str)]
    if not queries and not has_text:
        raise BadId("the GraphQL document is not in the request")
    variables: dict[str, Any] = {}
    for name, member in value:
        if name == "variables":
            _merge(variables, member if not isinstance(member, str) else read_json(member.encode()))
    for text in queries:
        yield text, variables


def _merge(variables: dict[str, Any], member: Any) -> None:
    if isinstance(member, Pairs):
        for name, value in member:
            variables[name] = [variables[name], value] if name in variables else value


def _object(text: bytes) -> dict[str, Any]:
    variables: dict[str, Any] = {}
    if text:
        _merge(variables, read_json(text))
    return variables


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, max_num_fields=1000)
    except ValueError:
        raise BadId("there are too many parameters") from None


def _utf8(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise BadId("the GraphQL document is not UTF-8") from None


def _parsed(text: str) -> DocumentNode:
    try:
        return parse(text, no_location=True, max_tokens=_MOST_TOKENS)
    except (GraphQLError, RecursionError):
        raise BadId("the GraphQL document cannot be read") from None


def _defaults(document: DocumentNode) -> dict[str, Any]:
    return {
        definition.variable.name.value: _value(definition.default_value, {})
        for operation in document.definitions
        if isinstance(operation, OperationDefinitionNode)
        for definition in operation.variable_definitions or ()
        if definition.default_value is not None
    }


def _fields(document: DocumentNode) -> Iterator[FieldNode]:
    """All of them, of every operation and fragment, whether it would run or not."""
    waiting: list[Node] = list(document.definitions)
    while waiting:
        node = waiting.pop()
        if isinstance(node, FieldNode):
            yield node
        selections = getattr(node, "selection_set", None)
        if selections is not None and not isinstance(node, DirectiveNode):
            waiting += selections.selections


def _value(node: ValueNode, variables: Mapping[str, Any], depth: int = 0) -> Any:
    """As JSON would have it; objects keep what stands twice."""
    if depth > _DEEPEST:
        raise BadId("the GraphQL document is too deep")
    if isinstance(node, VariableNode):
        return variables.get(node.name.value)
    if isinstance(node, StringValueNode | EnumValueNode | FloatValueNode | IntValueNode | BooleanValueNode):
        return node.value
    if isinstance(node, ListValueNode):
        return [_value(each, variables, depth + 1) for each in node.values]
    if isinstance(node, ObjectValueNode):
        return Pairs((field.name.value, _value(field.value, variables, depth + 1)) for field in node.fields)
    return None
