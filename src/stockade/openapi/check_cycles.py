"""Schemas that say of a value only what they say of that same value: cycles without a step into the value.

`node: {properties: {next: node}}` is a list of any length; `a: {allOf: [a]}` says nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from stockade.openapi.document import Document

Json: TypeAlias = dict[str, Any]
_ALWAYS = ("allOf",)
_PERHAPS = ("anyOf", "oneOf")
_SINGLE = ("not", "if", "then", "else")


def check_cycles(whole: Document) -> None:
    schemas = whole.document.get("components", {}).get("schemas", {})
    must = {name: sorted(set(_same_value(schema, perhaps=False))) for name, schema in schemas.items()}
    may = {name: sorted(set(_same_value(schema, perhaps=True))) for name, schema in schemas.items()}
    refused = _in_cycles(must)
    for name in sorted(refused):
        text = f"the schema {name[:60]!r} is defined by itself alone ($ref, allOf); say what it is"
        whole.problem(("components", "schemas", name), text)
    for name in sorted(_in_cycles(may) - refused):
        text = (
            f"the schema {name[:60]!r} refers to itself with no step into the value; the circle is cut where it closes"
        )
        whole.remark(("components", "schemas", name), text)


def _same_value(schema: Any, *, perhaps: bool) -> Iterator[str]:
    """The components that apply to the very value that the schema applies to."""
    waiting = [schema]
    while waiting:
        here = waiting.pop()
        if not isinstance(here, dict):
            continue
        if "$ref" in here:
            yield here["$ref"].rpartition("/")[2]
        for key in _ALWAYS + _PERHAPS if perhaps else _ALWAYS:
            waiting += here.get(key, ())
        if perhaps:
            waiting += [here[key] for key in _SINGLE if key in here]
            waiting += here.get("dependentSchemas", {}).values()


def _in_cycles(edges: dict[str, list[str]]) -> set[str]:
    """The nodes that can be reached from themselves: strongly connected components (Tarjan), without recursion."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    open_: list[str] = []
    is_open: set[str] = set()
    found: set[str] = set()
    for start in edges:
        work = [] if start in index else [(start, iter(edges[start]))]
        while work:
            node, rest = work[-1]
            if node not in index:
                index[node] = low[node] = len(index)
                open_.append(node)
                is_open.add(node)
            for target in rest:
                if target not in index and target in edges:
                    work.append((target, iter(edges[target])))
                    break
                if target in is_open:
                    low[node] = min(low[node], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    found |= _close(node, open_, is_open, edges)
    return found


def _close(node: str, open_: list[str], is_open: set[str], edges: dict[str, list[str]]) -> set[str]:
    group: set[str] = set()
    while node not in group:
        group.add(open_.pop())
    is_open -= group
    return group if len(group) > 1 or node in edges[node] else set()
