"""Schemas that stand in the policy, put into a document: those of operations without a description, or further ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from stockade.openapi.bodies.media import is_xml
from stockade.openapi.compiling import base_path
from stockade.openapi.keys import BODY_ALONE
from stockade.openapi.schemas.keywords import resolved

OVERLAID = "x-policy-"  # what the schemas of the policy are called in the document
_JSON = "application/json"
_XML = ("application/xml", "text/xml")
_EMPTY: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": "", "version": ""}, "paths": {}}


def overlaid(
    document: dict[str, Any] | None, requests: Mapping[str, Any], documents: Collection[str] = ()
) -> dict[str, Any]:
    """A copy of the document in which the JSON body of each operation must meet the schema named for it as well.

    requests: by operation, "POST /orders"; None: of JSON nothing is said. documents: operations that take XML.
    An operation that the document lacks is added, its parameters left open.
    """
    made = dict(document or _EMPTY)
    paths = dict(made.get("paths") or {})
    components = dict(made.get("components") or {})
    schemas = dict(components.get("schemas") or {})
    base = base_path(made)
    for number, (name, schema) in enumerate(requests.items()):
        method, template = _placed(name, base)
        item = dict(paths.get(template) or {})
        operation = item.get(method.lower())
        if schema is not None:
            key = f"{OVERLAID}{number}"
            schemas[key] = _moved(schema, f"#/components/schemas/{key}")
            operation = _demanding(made, operation, {"$ref": f"#/components/schemas/{key}"})
        if name in documents:
            operation = _taking_xml(made, operation)
        paths[template] = {**item, method.lower(): operation}
    return {**made, "paths": paths, "components": {**components, "schemas": schemas}}


def compiled_name(document: dict[str, Any] | None, name: str) -> str:
    """What an operation of the policy is called once it stands in the document: `Operation.name`."""
    base = base_path(document or _EMPTY)
    method, template = _placed(name, base)
    return f"{method.upper()} {base}{template}"


def _placed(name: str, base: str) -> tuple[str, str]:
    """Method and template within the document, whether or not the name has the base path before it."""
    method, _, path = name.strip().partition(" ")
    path = path.strip()
    return method, path.removeprefix(base) if base and path.startswith(f"{base}/") else path


def _demanding(document: dict[str, Any], operation: Any, schema: dict[str, Any]) -> dict[str, Any]:
    """The operation, its JSON body held to the schema."""
    if not isinstance(operation, dict):
        return {BODY_ALONE: True, "requestBody": {"required": True, "content": {_JSON: {"schema": schema}}}}
    body = resolved(document, operation.get("requestBody"))
    body = body if isinstance(body, dict) else {}
    content = dict(body.get("content") or {})
    entry = content.get(_JSON)
    known = entry.get("schema") if isinstance(entry, dict) else None
    content[_JSON] = {"schema": schema if known is None else {"allOf": [known, schema]}}
    return {**operation, "requestBody": {**body, "content": content}}


def _taking_xml(document: dict[str, Any], operation: Any) -> dict[str, Any]:
    """The operation, its body perhaps XML; what that may be is looked at by others."""
    known = operation if isinstance(operation, dict) else {BODY_ALONE: True, "requestBody": {"required": True}}
    body = resolved(document, known.get("requestBody"))
    body = body if isinstance(body, dict) else {}
    content = body.get("content") or {}
    if not any(is_xml(name.partition(";")[0].strip().lower()) for name in content):
        content = {**content, **{kind: {} for kind in _XML}}
    return {**known, "requestBody": {**body, "content": content}}


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
