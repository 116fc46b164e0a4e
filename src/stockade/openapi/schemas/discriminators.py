"""Discriminators (OpenAPI 3.1, section 4.8.25): the property that says which of several schemas a value is of.

A server makes of the value what that property says, so the value must meet the schema that it names. Where every
branch fixes the property to values of its own, that is all that `oneOf` can say, and takes its place.
"""

from __future__ import annotations

from typing import Any

from stockade.openapi.schemas.keywords import BASE, Reached

_PREFIX = f"{BASE}#/components/schemas/"


def chosen(made: dict[str, Any], discriminator: dict[str, Any], reached: Reached) -> bool:
    """Put the choice into `made`, whose references are absolute. False where there is nothing to choose among."""
    name = discriminator.get("propertyName")
    keyword = next((key for key in ("oneOf", "anyOf") if isinstance(made.get(key), list)), None)
    if keyword is None or not isinstance(name, str):
        return False
    branches = made[keyword]
    values = _values(branches, discriminator.get("mapping"))
    if not values:
        return False
    if _fixed_by_all(branches, values, name, reached):
        del made[keyword]
        made["required"] = sorted({*made.get("required", ()), name})
    choices = [
        {"if": {"properties": {name: {"const": value}}, "required": [name]}, "then": {"$ref": reference}}
        for value, reference in values.items()
    ]
    known = {"properties": {name: {"enum": sorted(values)}}}
    made["allOf"] = [*made.get("allOf", ()), known, *choices]
    return True


def told_apart(schema: dict[str, Any], made: dict[str, Any], reached: Reached) -> None:
    """The same where no discriminator is named, but every branch demands a property with values of its own.

    schema: as described; made: as enforced, its branches in the same order.
    """
    for keyword in ("oneOf", "anyOf"):
        branches = schema.get(keyword)
        if not isinstance(branches, list) or len(branches) < 2 or keyword not in made:
            continue
        name, constants = _telling(branches, reached)
        if not name:
            continue
        choices = [
            {"if": {"properties": {name: {"enum": sorted(values)}}, "required": [name]}, "then": branch}
            for values, branch in zip(constants, made.pop(keyword), strict=True)
        ]
        known = {"type": "object", "properties": {name: {"enum": sorted(set().union(*constants))}}, "required": [name]}
        made["allOf"] = [*made.get("allOf", ()), known, *choices]


def _telling(branches: list[Any], reached: Reached) -> tuple[str, list[set[str]]]:
    """The property that tells the branches apart, and its values in each; "" where there is none."""
    names = {name for part in reached.together(branches[0]) for name in part.get("required", ())}
    for name in sorted(names):
        found = [_constants(branch, name, reached) for branch in branches]
        constants = [values for values in found if values]
        apart = sum(map(len, constants)) == len(set().union(*constants))
        if len(constants) == len(branches) and apart and all(_requires(branch, name, reached) for branch in branches):
            return name, constants
    return "", []


def _values(branches: list[Any], mapping: Any) -> dict[str, str]:
    """Each value of the property and the reference of the branch that it names: by the mapping, or by its name."""
    references = [branch["$ref"] for branch in branches if isinstance(branch, dict) and _is_name(branch.get("$ref"))]
    values: dict[str, str] = {}
    for value, target in (mapping if isinstance(mapping, dict) else {}).items():
        reference = f"{BASE}{target}" if str(target).startswith("#") else f"{_PREFIX}{target}"
        if reference in references:
            values[str(value)] = reference
    mapped = set(values.values())
    for reference in references:
        if reference not in mapped:
            values.setdefault(reference[len(_PREFIX) :], reference)
    return values


def _is_name(reference: Any) -> bool:
    return isinstance(reference, str) and reference.startswith(_PREFIX) and "/" not in reference[len(_PREFIX) :]


def _fixed_by_all(branches: list[Any], values: dict[str, str], name: str, reached: Reached) -> bool:
    """Whether each branch demands the property with exactly the values that name it, so that no two can hold."""
    for branch in branches:
        reference = branch.get("$ref") if isinstance(branch, dict) else None
        own = {value for value, target in values.items() if target == reference}
        if not own or _constants(branch, name, reached) != own or not _requires(branch, name, reached):
            return False
    return True


def _constants(branch: Any, name: str, reached: Reached) -> set[str] | None:
    for part in reached.together(branch):
        value = part.get("properties", {}).get(name) if isinstance(part.get("properties"), dict) else None
        if isinstance(value, dict) and isinstance(value.get("const"), str):
            return {value["const"]}
        if isinstance(value, dict) and isinstance(value.get("enum"), list):
            return set(value["enum"]) if all(isinstance(item, str) for item in value["enum"]) else None
    return None


def _requires(branch: Any, name: str, reached: Reached) -> bool:
    parts = list(reached.together(branch))
    required = any(isinstance(part.get("required"), list) and name in part["required"] for part in parts)
    return required and any(part.get("type") == "object" for part in parts)
