"""The JSON Schema of the policy file, for editors: what may be written, not what it becomes."""

from __future__ import annotations

from typing import Any, TypeAlias

from stockade.config.models import Config
from stockade.config.units import size_text

Json: TypeAlias = dict[str, Any]
_ENVIRONMENT = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"}
_HERE = {"$ref": "#/$defs/FromEnvironment"}
_NOT_WRITTEN = ("title", "default")


def policy_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12. It may accept what `stockade check` refuses, never the other way round."""
    schema = Config.model_json_schema()
    models = schema.pop("$defs")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stockade policy",
        **_model(schema),
        "$defs": {**{name: _model(model) for name, model in models.items()}, "FromEnvironment": _ENVIRONMENT},
    }


def _model(schema: Json) -> Json:
    """A model's schema, each key as it is written."""
    schema.pop("title", None)
    if "properties" in schema:
        schema["properties"] = {name: _key(value) for name, value in schema["properties"].items()}
    return schema


def _key(schema: Json) -> Json:
    """A key's: without what pydantic adds for Python (titles, null, parsed defaults), with `${NAME}`."""
    kept = {name: value for name, value in schema.items() if name not in _NOT_WRITTEN}
    choices = [choice for choice in kept.pop("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        kept = {**choices[0], **kept}
    elif choices:
        kept["anyOf"] = [_key(choice) for choice in choices]
    if "items" in kept:
        kept["items"] = _key(kept["items"])
    if not {"$ref", "anyOf", "items"} & kept.keys() and kept != {"type": "string"}:
        described = {name: kept.pop(name) for name in ("description",) if name in kept}
        kept = {"anyOf": [kept, _HERE], **described}
    default = _as_written(schema)
    return kept if default is None else {**kept, "default": default}


def _as_written(schema: Json) -> Any:
    """The default as it would be written; None where it is no simple value."""
    default = schema.get("default")
    if isinstance(default, dict) or default is None:
        return None
    if schema.get("type") != "string":
        return default
    if isinstance(default, list):
        host, port = default
        return f"{host}:{port}"
    if isinstance(default, float):
        return f"{default:g}s"
    return size_text(default) if isinstance(default, int) else default
