"""Which versions of the specification are read, and by what they are told apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from stockade.openapi.grammar import version2, version3
from stockade.openapi.grammar.shapes import Object
from stockade.openapi.problems import shown

_KNOWN = "3.1, 3.0 and Swagger 2.0 are"
NO_DESCRIPTION = "no OpenAPI description: `openapi` (or `swagger`) and `paths` are missing"


class Version(Struct, frozen=True):
    """sections: where in a document each kind of component is kept, by its name in version 3."""

    name: str
    root: Object
    sections: Mapping[str, tuple[str, ...]]


class UnknownVersion(ValueError):
    """The message says what would be understood. key: the one in which the version is stated, or ""."""

    def __init__(self, text: str, key: str = "") -> None:
        super().__init__(text)
        self.key = key


_V31 = Version("3.1", version3.ROOT, version3.SECTIONS)
_V30 = Version("3.0", version3.ROOT, version3.SECTIONS)
_V20 = Version("2.0", version2.ROOT, version2.SECTIONS)


def version_of(document: Any) -> Version:
    """Raises UnknownVersion."""
    if not isinstance(document, dict) or not {"openapi", "swagger"} & document.keys():
        raise UnknownVersion(NO_DESCRIPTION)
    if {"openapi", "swagger"} <= document.keys():
        raise UnknownVersion("states both `openapi` and `swagger`: remove one", "swagger")
    key = "openapi" if "openapi" in document else "swagger"
    stated = document[key]
    text = str(stated) if isinstance(stated, str | int | float) else ""
    if key == "swagger" and re.fullmatch(r"2(\.0)?(\.0)?", text):
        return _V20
    if key == "openapi" and re.fullmatch(r"3\.[01](\.[0-9]{1,3})?(-\S{1,20})?", text):
        return _V31 if text.startswith("3.1") else _V30
    raise UnknownVersion(f"{key} {shown(stated)} is no version that is understood: {_KNOWN}", key)
