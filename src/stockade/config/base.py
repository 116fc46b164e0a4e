"""What every section of the policy file shares."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema

from stockade.config.errors import written
from stockade.config.texts import FilePath
from stockade.vocabulary import Failure, Mode


class FromEnvironment(str):
    """A text that came, at least in part, from `${NAME}`. An error that shows it shows what was written instead."""

    __slots__ = ("written",)

    written: str

    def __new__(cls, text: str, written: str) -> FromEnvironment:
        self = super().__new__(cls, text)
        self.written = written
        return self

    def __repr__(self) -> str:
        return repr(self.written)


class Model(BaseModel):
    """Unknown keys are refused, nothing is changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Section(Model):
    """A control's section. `mode` and `failure` mean the same on every control."""

    mode: Mode = Field("block", description="block: enforce. monitor: only report. off: not there at all.")
    failure: Failure = Field(
        "closed", description="When the control cannot decide: closed answers 503, open lets the request pass."
    )


INLINE = "is written in the policy, where many can read it; use ${NAME} or {file: …}"


class Secret(Model):
    """A secret: `${NAME}` from the environment, or `{file: path}`. Inline text works, with a warning."""

    file: FilePath | None = None
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

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """What may be written, which is not what it becomes."""
        by_file = {
            "type": "object",
            "properties": {"file": {"type": "string"}},
            "required": ["file"],
            "additionalProperties": False,
        }
        return {"description": cls.__doc__, "anyOf": [{"type": "string"}, by_file]}


class HostPort(NamedTuple):
    """A listening address. `host` is a textual IP address."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def overlaps(self, other: HostPort) -> bool:
        """Whether both claim one socket: the same port, and the same address or all of its family."""
        mine, theirs = ip_address(self.host), ip_address(other.host)
        same_family = mine.version == theirs.version
        return (
            self.port == other.port and same_family and (mine == theirs or mine.is_unspecified or theirs.is_unspecified)
        )


_NO_ADDRESS = 'is not an address such as "127.0.0.1:8080", "[::]:8443" or ":8080" (all IPv4)'


def _parse_host_port(value: Any) -> HostPort:
    if isinstance(value, HostPort):
        return value
    host, colon, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    if not colon or not (port.isascii() and port.isdigit() and len(port) <= 5):
        raise ValueError(f"{written(value)} {_NO_ADDRESS}")
    if not 0 < int(port) < 65536:
        raise ValueError(f"{written(value)}: a port is 1 to 65535")
    return HostPort(_parse_host(value, host), int(port))


def _parse_host(value: str, host: str) -> str:
    bare = {"": "0.0.0.0", "localhost": "127.0.0.1"}.get(host.lower(), host)  # noqa: S104 - what the operator wrote
    bracketed = bare.startswith("[") and bare.endswith("]")
    try:
        address = ip_address(bare[1:-1] if bracketed else bare)
    except ValueError:
        raise ValueError(f"{written(value)} {_NO_ADDRESS}") from None
    if bracketed != (address.version == 6):
        raise ValueError(f"{written(value)}: an IPv6 address, and no other, stands in brackets, as in [::1]:8080")
    if "%" in bare:
        raise ValueError(f"{written(value)}: an address with a zone cannot be listened on")
    return str(address)


Address = Annotated[
    HostPort,
    BeforeValidator(_parse_host_port),
    WithJsonSchema({"type": "string", "description": "host:port", "pattern": r"^.*:\d{1,5}$"}),
]
Kind = Literal["open", "partner", "internal", "composite"]
