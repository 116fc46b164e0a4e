"""Parameters (OpenAPI 3.1, section 4.8.12): none twice, each with one description of its value and a fitting style."""

from __future__ import annotations

from typing import Any, TypeAlias

from stockade.openapi.document import Document
from stockade.openapi.pointers import Tokens

Json: TypeAlias = dict[str, Any]
STYLES = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
_IGNORED_HEADERS = ("accept", "content-type", "authorization")


def check_parameters(whole: Document) -> None:
    for name, parameter in whole.document.get("components", {}).get("parameters", {}).items():
        _check(whole, parameter, ("components", "parameters", name))
    for path, item in whole.items():
        _check_list(whole, item, ("paths", path))
    for place, operation in whole.operations():
        _check_list(whole, operation, place)


def _check_list(whole: Document, holder: Json, place: Tokens) -> None:
    seen: set[tuple[str, str]] = set()
    for index, written in enumerate(holder.get("parameters", ())):
        here = (*place, "parameters", str(index))
        if "$ref" not in written:
            _check(whole, written, here)
        parameter, _ = whole.resolved(written, here)
        name, kind = parameter.get("name"), parameter.get("in")
        if name is None or kind is None:
            continue
        key = kind, name.lower() if kind == "header" else name
        if key in seen:
            whole.problem(here, f"the {kind} parameter {name[:60]!r} is declared twice: remove one")
        seen.add(key)


def _check(whole: Document, parameter: Json, place: Tokens) -> None:
    kind, name = parameter.get("in"), parameter.get("name", "")
    if "$ref" in parameter or kind is None or whole.is_broken(place):
        return
    if not name:
        whole.problem(place, f"a {kind} parameter without a name")
    if kind == "path":
        parameter["required"] = True  # it cannot be anything else: without it the path is another
    if kind == "header" and name.lower() in _IGNORED_HEADERS:
        text = f"the header parameter {name} is ignored, as OpenAPI wants: say it by content, responses or security"
        whole.remark(place, text)
    _check_style(whole, parameter, place)
    _check_value(whole, parameter, place)


def _check_style(whole: Document, parameter: Json, place: Tokens) -> None:
    style, kind = parameter.get("style"), parameter["in"]
    if style is not None and style not in STYLES[kind]:
        text = f"a {kind} parameter cannot have the style {style}: {', '.join(STYLES[kind])}"
        whole.problem((*place, "style"), text)


def _check_value(whole: Document, parameter: Json, place: Tokens) -> None:
    name = parameter.get("name", "")[:60]
    if "schema" in parameter and "content" in parameter:
        whole.problem(place, f"the parameter {name!r} has both schema and content: remove one")
    elif "content" in parameter and len(parameter["content"]) != 1:
        whole.problem((*place, "content"), f"the parameter {name!r} must have one media type in content")
    elif not {"schema", "content"} & parameter.keys():
        whole.remark(place, f"the parameter {name!r} has no schema: any text is a good value")
