"""Media types (RFC 9110, section 8.3.1) and which entry of a `content` map one falls under."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Generic, TypeVar

T = TypeVar("T")
_is_type = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*+.^_`|~0-9a-z-]+").fullmatch
_charset = re.compile(r';\s*charset\s*=\s*"?([^";\s]*)', re.IGNORECASE).findall
_UTF8 = frozenset({"utf-8", "utf8", "us-ascii"})


def media_type(field: str | None) -> str:
    """The type without parameters, lower case; "" when there is none, or what is there is none (two, for one)."""
    text = (field or "").partition(";")[0].strip(" \t").lower()
    return text if _is_type(text) else ""


def is_utf8(field: str | None) -> bool:
    """Whether no parameter says that the text is in another encoding."""
    return all(name.lower() in _UTF8 for name in _charset(field or ""))


def is_json(text: str) -> bool:
    return text == "application/json" or text.endswith("+json")


def is_xml(text: str) -> bool:
    return text in ("application/xml", "text/xml") or text.endswith("+xml")


class MediaMap(Generic[T]):
    """The most exact entry first: application/json, application/*, */* (OpenAPI 3.1, section 4.8.14)."""

    def __init__(self, entries: Mapping[str, T]) -> None:
        self._entries = {key.partition(";")[0].strip().lower(): entry for key, entry in entries.items()}

    def find(self, text: str) -> T | None:
        found = self._entries.get(text)
        if found is not None or not text:
            return found
        found = self._entries.get(text.partition("/")[0] + "/*")
        return found if found is not None else self._entries.get("*/*")

    @property
    def entries(self) -> tuple[T, ...]:
        return tuple(self._entries.values())

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._entries)
