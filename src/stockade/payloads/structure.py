"""The limits of structure of a body of whatever kind, by what it says it is."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Literal, TypeAlias

from stockade.payloads.form import read_form
from stockade.payloads.json_body import check_json
from stockade.payloads.limits import Limits

Kind: TypeAlias = Literal["json", "form", "multipart", "xml", ""]

_KINDS: dict[str, Kind] = {
    "application/json": "json",
    "application/x-www-form-urlencoded": "form",
    "multipart/form-data": "multipart",
    "application/xml": "xml",
    "text/xml": "xml",
}
_REMEMBERED, _SHORT = 256, 256  # fields, and characters of one: nobody can fill the memory with them


def structure_of(content_type: str) -> Kind:
    """What structure bodies of this type (the field as it was sent) have; empty: none that is known."""
    return _remembered(content_type) if len(content_type) <= _SHORT else _structure_of(content_type)


def _structure_of(content_type: str) -> Kind:
    media = content_type.partition(";")[0].strip().lower()
    if media.endswith("+json"):
        return "json"
    return "xml" if media.endswith("+xml") else _KINDS.get(media, "")


_remembered: Callable[[str], Kind] = lru_cache(maxsize=_REMEMBERED)(_structure_of)


def check_structure(body: bytes, content_type: str, limits: Limits, *, files: bool = True) -> None:
    """Raises BadPayload. A body of another type may be anything. files: whether those of multipart are looked into."""
    kind = structure_of(content_type)
    if kind == "json":
        check_json(body, limits)
    elif kind == "form":
        read_form(body, limits)
    elif kind == "multipart":
        from stockade.payloads.multipart import read_multipart

        read_multipart(body, content_type, limits, look_into=files)
    elif kind == "xml":
        from stockade.payloads.xml_body import read_xml  # and with it lxml

        read_xml(body, limits)
