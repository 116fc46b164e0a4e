"""Templates that mean the same paths with other words, `/a/{id}` and `/a/{name}`: made one where their methods differ.

The specification forbids them (OpenAPI 3.1, section 4.8.8.2), yet many public descriptions have them, and which
operation is meant is plain as long as the method tells. The parameters get the names of the first template.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from stockade.openapi.document import Document
from stockade.openapi.grammar.version3 import METHODS
from stockade.openapi.pointers import Tokens

Json: TypeAlias = dict[str, Any]
PARAMETER = re.compile(r"\{([^{}]*)\}")


def merge_paths(whole: Document) -> dict[Tokens, Tokens]:
    """Change the document; from each new place to the old one. Pairs with a method in common are left as they are."""
    moves: dict[Tokens, Tokens] = {}
    first: dict[str, str] = {}
    for path, item in list(whole.items()):
        same = first.setdefault(PARAMETER.sub("{}", path), path)
        if same == path:
            continue
        target = whole.document["paths"][same]
        methods = [method for method in METHODS if method in item]
        if any(method in target for method in methods) or not _distinct(path) or not _distinct(same):
            continue
        names = dict(zip(PARAMETER.findall(path), PARAMETER.findall(same), strict=True))
        whole.remark(
            ("paths", path), f"{path[:80]!r} is read as one with {same[:80]!r}, whose names its parameters get"
        )
        _push_down(whole, same, moves)
        _push_down(whole, path, moves)
        for method in methods:
            target[method] = item[method]
            moves["paths", same, method] = ("paths", path, method)
            target[method]["parameters"] = [_renamed(whole, part, names) for part in item[method]["parameters"]]
        del whole.document["paths"][path]
    return moves


def _distinct(path: str) -> bool:
    names = PARAMETER.findall(path)
    return len(set(names)) == len(names) and "" not in names


def _push_down(whole: Document, path: str, moves: dict[Tokens, Tokens]) -> None:
    """Give what the path item says of its operations to each of them."""
    item = whole.document["paths"][path]
    shared, servers = item.pop("parameters", []), item.pop("servers", None)
    for method in METHODS:
        if method not in item:
            continue
        operation = item[method]
        if servers is not None:
            operation.setdefault("servers", servers)
        own = operation.get("parameters", [])
        taken = {_key(whole, part) for part in own}
        operation["parameters"] = list(own)
        for index, part in enumerate(shared):
            if _key(whole, part) not in taken:
                place = ("paths", path, method, "parameters", str(len(operation["parameters"])))
                moves[place] = ("paths", path, "parameters", str(index))
                operation["parameters"].append(part)


def _key(whole: Document, parameter: Json) -> tuple[Any, Any]:
    found, _ = whole.resolved(parameter, ())
    return found.get("in"), found.get("name")


def _renamed(whole: Document, parameter: Json, names: dict[str, str]) -> Json:
    found, _ = whole.resolved(parameter, ())
    name: str = found.get("name", "")
    if found.get("in") != "path" or names.get(name, name) == name:
        return parameter
    return {**found, "name": names[name]}
