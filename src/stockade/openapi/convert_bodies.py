"""Bodies of Swagger 2.0: one `body` parameter, or the fields of a form, become a request body."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from stockade.openapi.convert_parameters import style_of, value_schema
from stockade.openapi.pointers import Tokens

Json: TypeAlias = dict[str, Any]
_FORM, _PARTS = "application/x-www-form-urlencoded", "multipart/form-data"
_ANY_TYPE, _JSON = "*/*", "application/json"


def media_types(stated: list[str]) -> list[str]:
    """What `consumes` or `produces` comes to. Where that is anything, JSON is named too, so that it can be checked."""
    types = [kind for kind in stated if "/" in kind] or [_ANY_TYPE]
    return [_JSON, *types] if _ANY_TYPE in types and _JSON not in types else types


def body_of(
    bodies: list[tuple[Json, Tokens]],
    consumes: list[str],
    place: Tokens,
    moves: dict[Tokens, Tokens],
    remark: Callable[[Tokens, str], None],
) -> Json:
    """The request body that these parameters are. place: where it will be; each parameter comes with its old place."""
    whole = [part for part in bodies if part[0].get("in") == "body"]
    moves[place] = bodies[0][1]
    if whole:
        if len(bodies) > 1:
            remark(bodies[1][1], "a request has one body: this parameter is ignored beside the body")
        return _whole(*whole[0], consumes, place, moves)
    return _form(bodies, consumes, place, moves, remark)


def _whole(old: Json, before: Tokens, consumes: list[str], place: Tokens, moves: dict[Tokens, Tokens]) -> Json:
    moves[place] = before
    types = media_types(consumes)
    new = {key: value for key, value in old.items() if key == "description" or key.startswith("x-")}
    new["content"] = {kind: {"schema": old.get("schema", {})} for kind in types}
    for kind in types:
        moves[*place, "content", kind, "schema"] = (*before, "schema")
    return {**new, "required": old.get("required", False)}


def _form(
    fields: list[tuple[Json, Tokens]],
    consumes: list[str],
    place: Tokens,
    moves: dict[Tokens, Tokens],
    remark: Callable[[Tokens, str], None],
) -> Json:
    has_file = any(old.get("type") == "file" for old, _ in fields)
    types = [kind for kind in consumes if kind.partition(";")[0].strip().lower() in (_FORM, _PARTS)]
    types = types or ([_PARTS] if has_file else [_FORM])
    properties, encoding = {}, {}
    for old, before in fields:
        name = old.get("name", "")
        style = style_of(old)
        if style is None:
            remark(before, "a list written so is read as one text; its items are not checked")
        properties[name] = value_schema(old) if style is not None else {"type": "string"}
        if style:
            encoding[name] = style
        for kind in types:
            moves[*place, "content", kind, "schema", "properties", name] = before
    schema: Json = {"type": "object", "properties": properties}
    required = [old.get("name", "") for old, _ in fields if old.get("required")]
    if required:
        schema["required"] = required
    media_type = {"schema": schema, "encoding": encoding} if encoding else {"schema": schema}
    return {"content": dict.fromkeys(types, media_type), "required": bool(required)}
