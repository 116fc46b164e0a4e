"""Which values a schema proves harmless: whatever it admits there, no rule against injection has a reason to look.

Numbers, booleans, null, dates, UUIDs, addresses, texts of letters, digits, "_", ".", ":" and "-"; pictures, documents
and archives in base64. A proof of an object
goes by its members: what they are called is not part of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from stockade.openapi.faults import escaped
from stockade.openapi.parameters.shapes import ALL, SCALARS, own_types
from stockade.openapi.schemas.formats import signature_of
from stockade.openapi.schemas.keywords import Reached
from stockade.openapi.schemas.patterns import admits_only_words, is_linear

_FORMATS = frozenset({"uuid", "date", "date-time", "time", "duration", "ipv4", "ipv6"})
_is_name = re.compile(r"[A-Za-z0-9_-]{1,64}").fullmatch
_is_word = re.compile(r"[A-Za-z0-9_.:-]*").fullmatch
_DEEPEST = 12
_MOST = 10_000  # pointers of one schema


class Proof(Struct, frozen=True):
    """text: no text that is admitted here can do harm. types: of the values that are admitted.

    `members` are proofs of what stands under a name, `items` of what stands in a list; None: nothing is proved.
    """

    text: bool = False
    types: frozenset[str] = ALL
    members: dict[str, Proof] = {}
    items: Proof | None = None


_NOTHING = Proof()
_NEVER = Proof(True, frozenset())


class Prover:
    """Proofs for the schemas of one document."""

    def __init__(self, document: Any) -> None:
        self._reached = Reached(document)
        self._left = 0

    def pointers(self, schema: Any) -> frozenset[str]:
        """Where in a value of this schema every simple value is harmless: JSON pointers, "*" for every item."""
        self._left = _MOST
        found: set[str] = set()
        for pointer in _walk(self.proof(schema), ""):
            if len(found) >= _MOST:
                break
            found.add(pointer)
        return frozenset(found)

    def covers(self, schema: Any, *, strict: bool = False) -> bool:
        """Whether every value that this schema admits is harmless in all its places, names included: each object is
        closed, each member described and proved. strict: objects that list their members are closed by others."""
        self._left = _MOST
        return self._covers(schema, 0, strict)

    def _covers(self, schema: Any, depth: int, strict: bool) -> bool:
        proof = self.proof(schema, depth)
        if self._left < 0 or depth > _DEEPEST or not proof.text:
            return False
        parts = list(self._reached.together(schema)) if isinstance(schema, dict) else []
        if "object" in proof.types and not any(self._closed(part, depth, strict) for part in parts):
            return False
        if "array" not in proof.types:
            return True
        lists = [part for part in parts if "items" in part and "prefixItems" not in part]
        return any(self._covers(part["items"], depth + 1, strict) for part in lists)

    def _closed(self, part: dict[str, Any], depth: int, strict: bool) -> bool:
        properties = part.get("properties")
        if not isinstance(properties, dict) or part.get("patternProperties") or not all(map(_is_name, properties)):
            return False
        if part.get("additionalProperties", not strict) is not False:
            return False
        return all(self._covers(value, depth + 1, strict) for value in properties.values())

    def proof(self, schema: Any, depth: int = 0) -> Proof:
        if schema is False:
            return _NEVER
        self._left -= 1
        if not isinstance(schema, dict) or depth > _DEEPEST or self._left < 0:
            return _NOTHING
        made = _NOTHING
        for part in self._reached.together(schema):
            made = _both(made, self._own(part, depth))
            for key in ("anyOf", "oneOf"):
                if isinstance(part.get(key), list) and part[key]:
                    made = _both(made, self._any(part[key], depth))
        return made

    def _own(self, part: dict[str, Any], depth: int) -> Proof:
        properties = part.get("properties")
        members = {
            str(name): self.proof(value, depth + 1)
            for name, value in (properties.items() if isinstance(properties, dict) else ())
        }
        items = self.proof(part["items"], depth + 1) if "items" in part and "prefixItems" not in part else None
        types = own_types(part)
        return Proof("string" not in types or _has_only_words(part), types, members, items)

    def _any(self, branches: list[Any], depth: int) -> Proof:
        made: Proof | None = None
        for branch in branches:
            proof = self.proof(branch, depth + 1)
            made = proof if made is None else _either(made, proof)
        return made or _NOTHING


def _has_only_words(part: dict[str, Any]) -> bool:
    values = [part["const"]] if "const" in part else part.get("enum")
    if isinstance(values, list) and all(_is_safe(value) for value in values):
        return True
    pattern = part.get("pattern")
    if isinstance(pattern, str) and admits_only_words(pattern) and is_linear(pattern):
        return True
    return (isinstance(part.get("format"), str) and part["format"] in _FORMATS) or signature_of(part) is not None


def _is_safe(value: Any) -> bool:
    return _is_word(value) is not None if isinstance(value, str) else not isinstance(value, list | dict)


def _both(one: Proof, other: Proof) -> Proof:
    """The value meets both schemas."""
    members = dict(one.members)
    for name, proof in other.members.items():
        members[name] = _both(members[name], proof) if name in members else proof
    items = _both(one.items, other.items) if one.items and other.items else one.items or other.items
    return Proof(one.text or other.text, one.types & other.types, members, items)


def _either(one: Proof, other: Proof) -> Proof:
    """The value meets one of them, nobody knows which. What cannot be an object says nothing of members."""
    if "object" in one.types and "object" in other.types:
        names = one.members.keys() & other.members
        members = {name: _either(one.members[name], other.members[name]) for name in names}
    else:
        members = one.members if "object" in one.types else other.members
    if "array" in one.types and "array" in other.types:
        items = _either(one.items, other.items) if one.items and other.items else None
    else:
        items = one.items if "array" in one.types else other.items
    return Proof(one.text and other.text, one.types | other.types, members, items)


def _walk(proof: Proof, pointer: str) -> Iterator[str]:
    if proof.text and proof.types & SCALARS:
        yield pointer
    for name, member in proof.members.items():
        yield from _walk(member, f"{pointer}/{escaped(name)}")
    if proof.items is not None:
        yield from _walk(proof.items, f"{pointer}/*")
