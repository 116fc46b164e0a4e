"""The policy file as models: every key, its default and what it means. `stockade schema` prints them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from stockade.config.base import Address, HostPort, Kind, Model, Secret
from stockade.config.database import DatabaseSection
from stockade.config.errors import written
from stockade.config.secrets import SecretsSection
from stockade.config.sections import (
    AuthenticationSection,
    AuthorizationSection,
    ExposureSection,
    FirewallSection,
    GraphQLSection,
    GrpcSection,
    LeaksSection,
    LimitItem,
    MessagesSection,
    OpenapiSection,
    OwnershipItem,
    SchemaSection,
    WafSection,
)
from stockade.config.texts import FilePath, HeaderName, Host, Name, Operation, Prefix, UrlPath, check_url
from stockade.config.units import Count, Duration, Flag, PositiveDuration, Size, parse_count

_MOST_CONNECTIONS = 1_000_000
_KIB = 1 << 10


class ListenTls(Model):
    """TLS on a listener: TLS 1.2 and 1.3 with forward secrecy only."""

    certificate: FilePath = Field(description="PEM file: the certificate and its chain.")
    key: FilePath = Field(description="PEM file: the private key.")
    client_ca: FilePath | None = Field(
        None, description="PEM file: who may sign client certificates; they are then asked for."
    )
    require_client_certificate: Flag = Field(False, description="Refuse clients that bring none.")
    min_version: Literal["1.2", "1.3"] = "1.2"


class Listen(Model):
    """An address on which traffic is taken."""

    address: Address
    tls: ListenTls | None = None
    proxy_protocol: Flag = Field(
        False, description="Read the PROXY protocol (v1, v2); believed only from trusted_proxies of the API."
    )


class Admin(Model):
    """Where /healthz, /readyz and /metrics are served. Keep it private."""

    address: Address = HostPort("127.0.0.1", 9700)


class Log(Model):
    """The decision log."""

    path: str = Field("decisions.jsonl", min_length=1, description='A file, or "-" for standard output.')
    headers: list[HeaderName] = Field([], description="Request headers that are copied into the record.")

    @field_validator("headers")
    @classmethod
    def _lower(cls, names: list[str]) -> list[str]:
        return [name.lower() for name in names]


class Keys(Model):
    """The store of API keys."""

    path: FilePath = Field(Path("stockade.db"), description="SQLite file; made when it is not there.")
    hash_key: Secret = Field(
        Secret(file=Path("stockade.hash-key")),
        validate_default=False,
        description="The key of the keyed hash under which API keys are stored; the default file is made when missing.",
    )


class Owners(Model):
    """The table of who was handed which objects."""

    path: FilePath = Field(Path("stockade.owners"), description="A file, made when it is not there, and PATH.db.")
    objects: Annotated[Count, Field(ge=1000, le=100_000_000)] = Field(
        1_000_000, description="How many it holds well; takes 32 to 64 bytes each."
    )


class Timeouts(Model):
    """Against slow clients. A stream that keeps moving is not cut."""

    headers: PositiveDuration = Field(10.0, description="Until the request head is complete.")
    request: Duration = Field(300.0, description="Until the whole request has arrived, body included; 0s for no bound.")
    idle: PositiveDuration = Field(60.0, description="A connection without requests.")
    stream: Duration = Field(300.0, description="A request or response in which nothing moves; 0s for no bound.")
    tls_handshake: PositiveDuration = Field(10.0, description="Until the TLS handshake is complete.")


class UpstreamTls(Model):
    """TLS to the upstream; its certificate is verified unless told otherwise."""

    ca: FilePath | None = Field(None, description="PEM file with the authorities to trust; default: the system's.")
    verify: Flag = Field(True, description="Whether the upstream must prove who it is; false gives a warning.")
    server_name: str | None = Field(
        None, min_length=1, description="Name to ask for and to verify; default: the URL's host."
    )
    certificate: FilePath | None = Field(None, description="PEM file: our client certificate.")
    key: FilePath | None = Field(None, description="PEM file: its private key.")

    @model_validator(mode="after")
    def _pair(self) -> UpstreamTls:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("a client certificate needs both certificate and key")
        return self


class Health(Model):
    """Active health checks of the upstream."""

    path: UrlPath = "/health"
    interval: PositiveDuration = 5.0
    timeout: PositiveDuration = 2.0


class Upstream(Model):
    """The protected API."""

    url: str = Field(description="http://host:port or https://host:port, without a path.")
    timeout: Duration = Field(
        30.0, description="How long the upstream may keep us waiting for a byte; 0s for no bound."
    )
    tls: UpstreamTls = UpstreamTls()
    http2: Flag = Field(False, description="Speak HTTP/2 to the upstream (gRPC needs it).")
    connections: Count = Field(1024, ge=1, le=_MOST_CONNECTIONS, description="Connections at most.")
    retries: Count = Field(1, ge=0, le=5, description="Only where it is safe: the request had no effect.")
    health: Health | None = None

    @field_validator("url", mode="before")
    @classmethod
    def _origin(cls, url: Any) -> Any:
        if not isinstance(url, str):
            return url
        parts = check_url(url, "http://127.0.0.1:9000")
        if parts.path.strip("/") or parts.query or parts.fragment or "?" in url or "#" in url:
            raise ValueError(f"{written(url)} must be an origin: scheme, host and port only")
        return url.rstrip("/")


class Api(Model):
    """One protected API."""

    name: Name
    kind: Kind = Field("open", description="Sets the defaults of the other sections.")
    hosts: list[Host] = Field(["*"], min_length=1, description='Host names, "*.example.com", or "*".')
    prefix: Prefix = Field("/", description="Which paths are this API's: the prefix and all that is under it.")
    upstream: Upstream = Field(description="Where the requests go, as in {url: http://127.0.0.1:9000}")
    operations: list[Operation] = Field(
        [], description='Known operations, "GET /orders/{id}": names for limits and logs.'
    )
    openapi: OpenapiSection | None = Field(None, description="Its description: openapi.yaml, or {file: …} or {url: …}")
    firewall: FirewallSection = FirewallSection()
    authentication: AuthenticationSection | None = None
    limits: list[LimitItem] = Field([], description="Rates and quotas; all of them must allow a request.")
    authorization: AuthorizationSection | None = None
    schema_: SchemaSection | None = Field(None, alias="schema")
    graphql: GraphQLSection | None = None
    ownership: list[OwnershipItem] = Field([], description="Whose objects are, by kind.")
    grpc: GrpcSection | None = None
    messages: MessagesSection | None = None
    waf: WafSection | None = None
    leaks: LeaksSection | None = None
    exposure: ExposureSection = ExposureSection()


def _workers(value: Any) -> Any:
    if value == "auto":
        return value
    try:
        number = parse_count(value)
    except ValueError:
        number = 0
    if not 1 <= number <= 256:
        raise ValueError(f'{written(value)} is not a number of workers (1 to 256) or "auto"')
    return number


class Config(Model):
    """The whole file."""

    version: Literal[1] = Field(description="The version of this format: 1")
    listen: list[Listen] = Field(
        min_length=1, description='Where traffic is taken, as in [{address: "127.0.0.1:8080"}]'
    )
    admin: Admin = Admin()
    log: Log = Log()
    keys: Keys = Keys()
    owners: Owners = Owners()
    database: DatabaseSection = DatabaseSection()
    secrets: SecretsSection = SecretsSection()
    workers: Annotated[
        int | Literal["auto"],
        BeforeValidator(_workers),
        WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 256}, {"const": "auto"}]}),
    ] = Field(1, description="How many processes take traffic; auto: one per core.")
    timeouts: Timeouts = Timeouts()
    connections: Count = Field(
        10_000, ge=1, le=_MOST_CONNECTIONS, description="Client connections at most, per worker."
    )
    max_headers: Annotated[Size, Field(ge=_KIB, le=8192 * _KIB)] = Field(
        32 * _KIB, description="The size of a request head at most, from 1KiB to 8MiB."
    )
    drain: Duration = Field(15.0, description="How long open requests may take to end when Stockade stops.")
    apis: list[Api] = Field(min_length=1, description="What is protected.")
