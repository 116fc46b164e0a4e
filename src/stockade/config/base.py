"""What every section of the policy file shares."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from stockade.vocabulary import Failure, Mode


class FromEnvironment(str):
    """A text that came, at least in part, from `${NAME}`."""


class Model(BaseModel):
    """Unknown keys are refused, nothing is changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Section(Model):
    """A control's section. `mode` and `failure` mean the same on every control."""

    mode: Mode = Field("block", description="block: enforce. monitor: only report. off: not there at all.")
    failure: Failure = Field(
        "closed", description="When the control cannot decide: closed answers 503, open lets the request pass."
    )


class Secret(Model):
    """A secret: `${NAME}` from the environment, or `{file: path}`. Inline text works, with a warning."""

    file: Path | None = None
    value: str | None = Field(None, repr=False)
    inline: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"value": str(value), "inline": not isinstance(value, FromEnvironment)}
        if not isinstance(value, dict) or set(value) != {"file"}:
            raise ValueError("a secret is written ${NAME} (from the environment) or {file: path}")
        return value


class HostPort(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _parse_host_port(value: Any) -> HostPort:
    if isinstance(value, HostPort):
        return value
    host, colon, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    if not colon or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f'{value!r} is not an address such as "127.0.0.1:8080" or "[::]:8443"')
    return HostPort(host.strip("[]") or "0.0.0.0", int(port))


Address = Annotated[
    HostPort,
    BeforeValidator(_parse_host_port),
    WithJsonSchema({"type": "string", "description": "host:port", "pattern": r"^.*:\d+$"}),
]
Kind = Literal["open", "partner", "internal", "composite"]
