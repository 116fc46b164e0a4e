"""`openapi:` where an API is described, and how it is read. It makes no control: others ask their Site for it."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema

from stockade.config.base import Model
from stockade.config.errors import written
from stockade.config.texts import FilePath, check_url

_IS_URL = re.compile(r"https?://", re.IGNORECASE)
_HOST = r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?"


def _remote(text: Any) -> Any:
    if not isinstance(text, str) or re.fullmatch(_HOST, text):
        return text
    if not _IS_URL.match(text):
        raise ValueError(f'{written(text)} is neither a host, "schemas.example.com", nor the beginning of a URL')
    parts = check_url(text, "https://schemas.example.com/v1/")
    if parts.query or parts.fragment:
        raise ValueError(f"{written(text)}: what URLs may begin with has no query and no fragment")
    return text


Remote = Annotated[str, BeforeValidator(_remote), WithJsonSchema({"type": "string"})]


class OpenapiSection(Model):
    """A file or URL with an OpenAPI 3.1, 3.0 or Swagger 2.0 description, JSON or YAML."""

    file: FilePath | None = Field(None, description="The description; what it refers to is watched too.")
    url: str | None = Field(None, description="Where it is fetched from whenever the policy is read.")
    allow_remote: list[Remote] = Field(
        [], description='Hosts (by https) and URL prefixes that its references may lead to: "schemas.example.com".'
    )
    folder: FilePath | None = Field(
        None, description="What references to files may not leave; default: the folder of the file."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"url" if _IS_URL.match(value) else "file": value}
        if not isinstance(value, dict | cls):
            raise ValueError("a description is a file or a URL, as in openapi.yaml, or {file: …} or {url: …}")  # noqa: TRY004 - pydantic collects no other
        if isinstance(value, dict) and ("file" in value) == ("url" in value):
            raise ValueError("either file or url says where the description is")
        return value

    @field_validator("url", mode="before")
    @classmethod
    def _plain(cls, url: Any) -> Any:
        if isinstance(url, str):
            check_url(url, "https://api.example.com/openapi.json")
        return url

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """What may be written, which is not what it becomes."""
        text, texts = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
        rest = {"allow_remote": texts, "folder": text}
        choices: list[dict[str, Any]] = [text]
        for key in ("file", "url"):
            properties = {key: text, **rest}
            choices.append(
                {"type": "object", "properties": properties, "required": [key], "additionalProperties": False}
            )
        return {"description": cls.__doc__, "anyOf": choices}
