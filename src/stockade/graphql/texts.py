"""The texts that clients chose freely: what a firewall looks at instead of the query's syntax.

All else in a document are names and numbers, of which nothing can be made. A text of a document is what its escapes
stand for; a block string without its indentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from graphql.language import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    Node,
    ObjectFieldNode,
    StringValueNode,
    VariableDefinitionNode,
)
from msgspec import Struct

_is_name = re.compile(r"[_A-Za-z][_0-9A-Za-z]*").fullmatch


class Text(Struct, frozen=True, gc=False):
    """place: "orders.filter.note" (field, argument, members), "@include.if", "$filter.note" of a variable's default,
    "variables.filter.note", "extensions.trace"; items of a list have their list's place.
    """

    place: str
    value: str


def literals(document: DocumentNode) -> tuple[Text, ...]:
    """The texts that stand in a document."""
    found: list[Text] = []
    waiting: list[tuple[Node, str]] = [(document, "")]
    while waiting:
        node, place = waiting.pop()
        if isinstance(node, StringValueNode):
            found.append(Text(place, node.value))
            continue
        place = _place(node, place)
        waiting += [(child, place) for child in _children(node)]
    return tuple(reversed(found))


def _children(node: Node) -> Iterator[Node]:
    for key in node.keys:
        if key in ("loc", "description"):
            continue
        value = getattr(node, key, None)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple | list):
            yield from (each for each in value if isinstance(each, Node))


def _place(node: Node, place: str) -> str:
    if isinstance(node, FieldNode):
        return node.name.value
    if isinstance(node, DirectiveNode):
        return f"@{node.name.value}"
    if isinstance(node, VariableDefinitionNode):
        return f"${node.variable.name.value}"
    if isinstance(node, ArgumentNode | ObjectFieldNode):
        return f"{place}.{node.name.value}"
    return place


def values(value: Any, place: str) -> Iterator[Text]:
    """The texts within a JSON value: those of its members and items, and names that could be no name in GraphQL."""
    waiting = [(place, value)]
    while waiting:
        where, each = waiting.pop()
        if isinstance(each, str):
            yield Text(where, each)
        elif isinstance(each, dict):
            for name, member in each.items():
                if not _is_name(name):
                    yield Text(f"{where}.{name}", name)
                waiting.append((f"{where}.{name}", member))
        elif isinstance(each, list):
            waiting += [(where, item) for item in each]
