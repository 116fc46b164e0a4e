"""Schemas that stand in the policy, put into a document: those of operations without a description, or further ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stockade.openapi.compiling import base_path
from stockade.openapi.keys import BODY_ALONE

OVERLAID = "x-policy-"  # what the schemas of the policy are called in the document
_JSON = "application/json"
_EMPTY: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": "", "version": ""}, "paths": {}}


def overlaid(document: dict[str, Any] | None, requests: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the document in which the JSON body of each operation must meet the schema named for it as well.

    requests: by operation, "POST /orders". An operation that the document lacks is added, its parameters left open.
    """
    made = dict(document or _EMPTY)
    paths = dict(made.get("paths") or {})
    components = dict(made.get("components") or {})
    schemas = dict(components.get("schemas") or {})
    base = base_path(made)
    for number, (name, schema) in enumerate(requests.items()):
        method, _, path = name.partition(" ")
        template = path.removeprefix(base) if base and path.startswith(f"{base}/") else path
        key = f"{OVERLAID}{number}"
        schemas[key] = _moved(schema, f"#/components/schemas/{key}")
        item = dict(paths.get(template) or {})
        item[method.lower()] = _demanding(item.get(method.lower()), {"$ref": f"#/components/schemas/{key}"})
        paths[template] = item
    return {**made, "paths": paths, "components": {**components, "schemas": schemas}}


def _demanding(operation: Any, schema: dict[str, Any]) -> dict[str, Any]:
    """The operation, its JSON body held to the schema."""
    if not isinstance(operation, dict):
        return {BODY_ALONE: True, "requestBody": {"required": True, "content": {_JSON: {"schema": schema}}}}
    body = operation.get("requestBody")
    body = dict(body) if isinstance(body, dict) and "$ref" not in body else {}
    content = dict(body.get("content") or {})
    entry = content.get(_JSON)
    known = entry.get("schema") if isinstance(entry, dict) else None
    content[_JSON] = {"schema": schema if known is None else {"allOf": [known, schema]}}
    return {**operation, "requestBody": {**body, "content": content}}


def _moved(schema: Any, place: str) -> Any:
    """The schema with its own references ("#/$defs/…") made true for where it stands now."""
    if isinstance(schema, list):
        return [_moved(part, place) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _moved(value, place) for key, value in schema.items()}
    reference = made.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        made["$ref"] = place + reference[1:]
    return made
