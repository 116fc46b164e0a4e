"""`fields` of `exposure:` who may see what."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from stockade.config.base import Model


class FieldAccess(Model):
    """Who may see a field: who has all the scopes, or one of the roles, or is one of the principals."""

    scopes: list[str] = Field([], description="All of them are needed.")
    roles: list[str] = Field([], description="Of the claim `roles` of a JWT.")
    principals: list[str] = Field([], description="By name: the subject of a JWT, the owner of an API key.")
    otherwise: Literal["mask", "remove", "hash"] = Field(
        "mask",
        alias="else",
        description="For everybody else: *** (null where it is no text), nothing, or a keyed hash.",
    )

    @model_validator(mode="before")
    @classmethod
    def _no_empty(cls, value: Any) -> Any:
        if isinstance(value, dict) and not value:
            raise ValueError("say who may see the field, as in {scopes: [pii:read], else: mask}")
        return value
