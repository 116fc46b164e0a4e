"""Path templates (OpenAPI 3.1, section 4.8.8): well-formed, no two alike, and their parameters declared."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from stockade.openapi.document import Document
from stockade.openapi.grammar.version3 import METHODS
from stockade.openapi.merge_paths import PARAMETER
from stockade.openapi.pointers import Tokens

Json: TypeAlias = dict[str, Any]
_UNMATCHABLE = re.compile(r"[?#]")


def check_paths(whole: Document) -> None:
    seen: dict[str, str] = {}
    for path, item in list(whole.items()):
        place = ("paths", path)
        if not path.startswith("/"):
            whole.problem(place, f"the path {path[:80]!r} must begin with '/'")
            continue
        if _UNMATCHABLE.search(path):
            whole.remark(place, f"{path[:80]!r} is left out: a query or fragment is no part of a path template")
            del whole.document["paths"][path]
            continue
        same = PARAMETER.sub("{}", path)
        if same in seen:
            where = "{}:{}".format(*whole.places.where(("paths", seen[same])))
            other = f"{seen[same][:80]!r} ({where})"
            whole.problem(
                place, f"{path[:80]!r} means the same paths as {other}, with a method in common: make them one"
            )
        seen.setdefault(same, path)
        names = _names(whole, path)
        if names is not None:
            _check_item(whole, path, item, names)


def _names(whole: Document, path: str) -> frozenset[str] | None:
    """The template's parameters; None, and a problem, when it is no template."""
    place, names = ("paths", path), PARAMETER.findall(path)
    rest = PARAMETER.sub("", path)
    if "{" in rest or "}" in rest:
        whole.problem(place, f"{path[:80]!r} has a brace that is not closed, or not opened")
    elif "" in names:
        whole.problem(place, f"{path[:80]!r} has a parameter without a name: {{}}")
    elif len(set(names)) != len(names):
        whole.problem(place, f"{path[:80]!r} has one parameter twice: give them different names")
    else:
        return frozenset(names)
    return None


def _check_item(whole: Document, path: str, item: Json, names: frozenset[str]) -> None:
    place = ("paths", path)
    shared = _declared(whole, item, place)
    methods = [method for method in METHODS if method in item]
    for method in methods:
        own = _declared(whole, item[method], (*place, method))
        if own is not None:
            _check_unused(whole, own, names)
            if shared is not None:
                _check_undeclared(whole, (*place, method), names - own.keys() - shared.keys())
    if methods and shared is not None:
        _check_unused(whole, shared, names)


def _check_undeclared(whole: Document, place: Tokens, missing: frozenset[str]) -> None:
    for name in sorted(missing):
        hint = f"add {{name: {name}, in: path, required: true, schema: {{type: string}}}} to its parameters"
        whole.problem(place, f"{place[2].upper()} does not declare the path parameter {name[:60]!r}: {hint}")


def _check_unused(whole: Document, declared: dict[str, Tokens], names: frozenset[str]) -> None:
    for name in sorted(declared.keys() - names):
        others = f"; it has {', '.join(sorted(names))}" if names else ""
        whole.problem(declared[name], f"the path has no {{{name[:60]}}}, which is declared as its parameter{others}")


def _declared(whole: Document, holder: Json, place: Tokens) -> dict[str, Tokens] | None:
    """The path parameters that it lists, and where; None when that cannot be told, for what was told already."""
    found: dict[str, Tokens] = {}
    unclear = whole.is_replaced(place) or whole.is_replaced((*place, "parameters"))
    for index, written in enumerate(holder.get("parameters", ())):
        here = (*place, "parameters", str(index))
        parameter, _ = whole.resolved(written, here)
        if parameter.get("in") is None or "name" not in parameter:
            unclear = True
        elif parameter["in"] == "path":
            found[parameter["name"]] = here
    return None if unclear else found
