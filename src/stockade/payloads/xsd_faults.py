"""What libxml2 finds when it validates, told without repeating a value."""

from __future__ import annotations

from typing import Any

from stockade.payloads.faults import Fault
from stockade.payloads.xml_body import local_name, path_of

_SAID = {
    "PATTERN": "the value does not match the pattern of its type",
    "ENUMERATION": "the value is none of those allowed",
    "LENGTH": "the value has another length than its type wants",
    "MINLENGTH": "the value is too short",
    "MAXLENGTH": "the value is too long",
    "MININCLUSIVE": "the value is too small",
    "MAXINCLUSIVE": "the value is too large",
    "MINEXCLUSIVE": "the value is too small",
    "MAXEXCLUSIVE": "the value is too large",
    "TOTALDIGITS": "the value has too many digits",
    "FRACTIONDIGITS": "the value has too many digits after the point",
    "DATATYPE": "the value is not of the type that the schema wants",
    "IDC": "a value that must be unique stands twice, or a key is missing",
}
_CONTENT = (
    "SCHEMAV_ELEMENT_CONTENT",
    "SCHEMAV_CVC_ELT_1",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_2",
    "SCHEMAV_CVC_COMPLEX_TYPE_4",
)
_LONGEST = 300


def told(error: Any, root: Any) -> Fault:
    """The fault of one entry of lxml's error log."""
    name: str = error.type_name
    if name in _CONTENT:  # names of elements and attributes, and which are expected
        text = error.message.partition(": ")[2][:_LONGEST].strip().rstrip(".") or "the element is not expected here"
    else:
        word = name.removeprefix("SCHEMAV_CVC_").partition("_")[0]
        text = _SAID.get(word, "the element does not fit the schema")
    return Fault(_path(error.path or "", root), "schema", text)


def _path(path: str, root: Any) -> str:
    """Our path of the node that libxml2's path leads to: `/a:b/*[2]/@c`, the root of which is the element validated."""
    node = root
    for step in path.split("/")[2:]:
        if step.startswith("@"):
            return f"{path_of(node)}/{step}"
        name, _, place = step.partition("[")
        inner = [child for child in node if type(child.tag) is str and (name in ("*", _qualified(child)))]
        index = int(place.rstrip("]") or 1) - 1 if place else 0
        if index >= len(inner):
            break
        node = inner[index]
    return path_of(node)


def _qualified(node: Any) -> str:
    return f"{node.prefix}:{local_name(node.tag)}" if node.prefix else local_name(node.tag)
