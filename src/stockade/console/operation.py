"""One call of the admin API, and the way it says no."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct
from pydantic import BaseModel, ConfigDict

from stockade.identity.office import Office

READ, WRITE = "read", "write"
PREFIX: Final = "/api/v1"


class Body(BaseModel):
    """What a request may carry: nothing that is not named, and each of its own type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Refused(Exception):
    """An answer other than the wanted one. detail: what the asker may know."""

    def __init__(self, status: int, detail: str, **members: object) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.members = members


class Caller(Struct, frozen=True):
    """Who asks: the id of an API key, its owner and scopes."""

    key_id: str
    owner: str
    scopes: frozenset[str]

    @property
    def actor(self) -> str:
        """For the audit."""
        return f"key:{self.key_id}"


class Asked(Struct, frozen=True):
    """One request. at: epoch seconds. path: its parameters. query: each once. body: of the operation's own model."""

    office: Office
    caller: Caller
    at: float
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = None


class Operation(Struct, frozen=True):
    """path: under PREFIX, with {parameters}. resource, right: what the caller's scopes must hold. query: names."""

    method: str
    path: str
    resource: str
    right: str
    summary: str
    run: Callable[[Asked], Any]
    body: type[Body] | None = None
    status: int = 200
    query: tuple[str, ...] = ()
