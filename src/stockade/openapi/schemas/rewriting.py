"""From the schemas of a description to what is enforced on a message: one copy per direction.

- `readOnly` in requests and `writeOnly` in responses (OpenAPI 3.1, section 4.8.24.4): not required, and refused.
- A discriminator becomes a choice of the one branch that it names, so that errors are about that branch alone.
- `strict` closes every object that says which properties it has, unless it says itself that others may come.
- Patterns that the linear engine cannot run are left out and told of; formats become bounds and patterns.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from stockade.openapi.schemas.closing import closed, may_close
from stockade.openapi.schemas.discriminators import chosen, told_apart
from stockade.openapi.schemas.formats import bounded, unchecked
from stockade.openapi.schemas.keywords import BASE, MANY, Reached, Schema, absolute, mapped
from stockade.openapi.schemas.patterns import is_linear

Direction: TypeAlias = Literal["request", "response"]
_HIDDEN = {"request": "readOnly", "response": "writeOnly"}
REFUSED = {"readOnly": {"not": {"$comment": "readOnly"}}, "writeOnly": {"not": {"$comment": "writeOnly"}}}
_NAMED = f"{BASE}#/components/schemas/"
_ANNOTATIONS = frozenset({"example", "examples", "default", "description", "title", "xml", "externalDocs", "$schema"})
_CONDITIONS = frozenset({"not", "if", "contains", "propertyNames"})  # what is asked, not what is demanded
_PLACES = frozenset({"properties", "patternProperties", "additionalProperties", "items", "prefixItems"})


class Rewriting:
    """The schemas of one document for one direction. `partial` collects (pointer, what is not enforced)."""

    def __init__(self, document: dict[str, Any], direction: Direction, *, strict: bool) -> None:
        self.document = document
        self.hidden = _HIDDEN[direction]
        self.strict = strict
        self.partial: dict[str, str] = {}
        self._reached = Reached(document)

    @property
    def named(self) -> dict[str, Any]:
        """The schemas of the document that have names."""
        parts = self.document.get("components")
        schemas = parts.get("schemas") if isinstance(parts, dict) else None
        return schemas if isinstance(schemas, dict) else {}

    def components(self) -> dict[str, Any]:
        """The document's components, their schemas as they are enforced, and those once more closed to all others."""
        parts = self.document.get("components")
        components = dict(parts) if isinstance(parts, dict) else {}
        made = {name: self.inner(schema, f"/components/schemas/{name}") for name, schema in self.named.items()}
        shut = {name: closed(made[name]) for name in made if self.strict and may_close(self._reached, self.named[name])}
        return {**components, "schemas": made, "x-closed": shut}

    def whole(self, schema: Schema, pointer: str) -> Schema:
        """A schema for a value of its own, as against one that shares its value with another (`allOf`)."""
        made = self.inner(schema, pointer)
        if not (self.strict and isinstance(schema, dict) and may_close(self._reached, schema)):
            return made
        reference = made.get("$ref") if isinstance(made, dict) and len(made) == 1 else None
        if isinstance(reference, str) and reference.startswith(_NAMED) and "/" not in reference[len(_NAMED) :]:
            return {"$ref": reference.replace("/schemas/", "/x-closed/", 1)}
        return closed(made)

    def inner(self, schema: Any, pointer: str, dropped: frozenset[str] = frozenset()) -> Schema:
        """A schema as part of another. dropped: properties that the schemas around it do not want here."""
        if not isinstance(schema, dict):
            return schema if isinstance(schema, bool) else True
        dropped |= self._unwanted(schema)

        def change(part: Schema, keyword: str, place: str) -> Schema:
            if keyword in _CONDITIONS:
                return self._condition(part, pointer + place)
            if keyword in _PLACES:
                return self.whole(part, pointer + place)
            return self.inner(part, pointer + place, dropped if keyword in MANY else frozenset())

        made = mapped({key: value for key, value in schema.items() if key not in _ANNOTATIONS}, change)
        absolute(made)
        self._hide(made, dropped)
        self._leave_out(made, pointer)
        bounded(made)
        if "discriminator" in made:
            self._discriminate(made, pointer)
        told_apart(schema, made, self._reached)
        return made

    def _condition(self, schema: Schema, pointer: str) -> Schema:
        """What only tells cases apart: as it is, but for what cannot be run."""
        if not isinstance(schema, dict):
            return schema
        made = mapped(
            {key: value for key, value in schema.items() if key not in _ANNOTATIONS},
            lambda part, _, place: self._condition(part, pointer + place),
        )
        absolute(made)
        self._leave_out(made, pointer)
        bounded(made)
        return made

    def _unwanted(self, schema: dict[str, Any]) -> frozenset[str]:
        """The properties that this direction does not carry."""
        return frozenset(
            name
            for part in self._reached.together(schema)
            if isinstance(part.get("properties"), dict)
            for name, value in part["properties"].items()
            if self._is_hidden(value)
        )

    def _is_hidden(self, schema: Any) -> bool:
        return any(part.get(self.hidden) is True for part in self._reached.together(schema))

    def _hide(self, made: dict[str, Any], dropped: frozenset[str]) -> None:
        if not dropped:
            return
        if isinstance(made.get("required"), list):
            made["required"] = [name for name in made["required"] if name not in dropped]
        if isinstance(made.get("properties"), dict):
            refused: Schema = dict(REFUSED[self.hidden])
            made["properties"] = {
                name: refused if name in dropped else value for name, value in made["properties"].items()
            }

    def _leave_out(self, made: dict[str, Any], pointer: str) -> None:
        """Drop what cannot be enforced, so that nothing honest is refused for it, and tell of it."""
        pattern = made.get("pattern")
        if isinstance(pattern, str) and not is_linear(pattern):
            del made["pattern"]
            self.partial[f"{pointer}/pattern"] = "the pattern needs backtracking or is none: it is not enforced"
        by_pattern = made.get("patternProperties")
        if isinstance(by_pattern, dict) and not all(map(is_linear, by_pattern)):
            made["patternProperties"] = {name: part for name, part in by_pattern.items() if is_linear(name)}
            for keyword in ("additionalProperties", "unevaluatedProperties"):
                made.pop(keyword, None)
            self.partial[f"{pointer}/patternProperties"] = "a pattern needs backtracking or is none: not enforced"
        if made.get("format") == "regex":
            del made["format"]  # to compile an expression is work that no client may set us
            self.partial[f"{pointer}/format"] = "the format 'regex' is not checked"
        asked = unchecked(made)
        if asked is not None:
            self.partial[f"{pointer}/{asked.split()[-2] if ' ' in asked else asked}"] = f"{asked} is not checked"

    def _discriminate(self, made: dict[str, Any], pointer: str) -> None:
        discriminator = made.pop("discriminator")
        if not isinstance(discriminator, dict):
            return
        if not chosen(made, discriminator, self._reached):
            self.partial[f"{pointer}/discriminator"] = (
                "the discriminator stands without oneOf or anyOf: the schema that it names is not applied"
            )
