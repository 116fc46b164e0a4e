"""The policy file as models: every key, its default and what it means. `stockade schema` prints them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator

from stockade.config.base import Address, HostPort, Kind, Model, Secret
from stockade.config.sections import AuthenticationSection, ExposureSection, FirewallSection, LimitItem
from stockade.config.units import Duration, Size


class ListenTls(Model):
    """TLS on a listener: TLS 1.2 and 1.3 with forward secrecy only."""

    certificate: Path = Field(description="PEM file: the certificate and its chain.")
    key: Path = Field(description="PEM file: the private key.")
    client_ca: Path | None = Field(None, description="PEM file: who may sign client certificates; they are then asked for.")
    require_client_certificate: bool = Field(False, description="Refuse clients that bring none.")
    min_version: Literal["1.2", "1.3"] = "1.2"


class Listen(Model):
    """An address on which traffic is taken."""

    address: Address
    tls: ListenTls | None = None
    proxy_protocol: bool = Field(
        False, description="Read the PROXY protocol (v1, v2); believed only from trusted_proxies of the API."
    )


class Admin(Model):
    """Where /healthz, /readyz and /metrics are served. Keep it private."""

    address: Address = HostPort("127.0.0.1", 9700)


class Log(Model):
    """The decision log."""

    path: str = Field("decisions.jsonl", description='A file, or "-" for standard output.')
    headers: list[str] = Field([], description="Request headers that are copied into the record.")

    @field_validator("headers")
    @classmethod
    def _lower(cls, names: list[str]) -> list[str]:
        return [name.lower() for name in names]


class Keys(Model):
    """The store of API keys."""

    path: Path = Field(Path("stockade.db"), description="SQLite file; made when it is not there.")
    hash_key: Secret = Field(
        Secret(file=Path("stockade.hash-key")),
        validate_default=False,
        description="The key of the keyed hash under which API keys are stored; the default file is made when missing.",
    )


class Timeouts(Model):
    """Against slow clients. A stream that keeps moving is not cut."""

    headers: Duration = Field(10.0, description="Until the request head is complete.")
    request: Duration = Field(300.0, description="Until the whole request, body included, has arrived.")
    idle: Duration = Field(60.0, description="A connection without requests.")
    stream: Duration = Field(300.0, description="A request or response in which nothing moves.")
    tls_handshake: Duration = Field(10.0, description="Until the TLS handshake is complete.")


class UpstreamTls(Model):
    """TLS to the upstream; its certificate is verified unless told otherwise."""

    ca: Path | None = Field(None, description="PEM file with the authorities to trust; default: the system's.")
    verify: bool = True
    server_name: str | None = Field(None, description="Name to ask for and to verify; default: the URL's host.")
    certificate: Path | None = Field(None, description="PEM file: our client certificate.")
    key: Path | None = None


class Health(Model):
    """Active health checks of the upstream."""

    path: str = "/health"
    interval: Duration = 5.0
    timeout: Duration = 2.0


class Upstream(Model):
    """The protected API."""

    url: str = Field(description="http://host:port or https://host:port, without a path.")
    timeout: Duration = Field(30.0, description="How long the upstream may keep us waiting for a byte; 0s for no bound.")
    tls: UpstreamTls = UpstreamTls()
    http2: bool = Field(False, description="Speak HTTP/2 to the upstream (gRPC needs it).")
    connections: int = Field(1024, ge=1, description="Connections at most.")
    retries: int = Field(1, ge=0, le=5, description="Only where the request did not reach the upstream.")
    health: Health | None = None

    @field_validator("url")
    @classmethod
    def _origin(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ValueError(f"{url!r} is not a URL: {error}") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
            raise ValueError(f'{url!r} is not a URL such as "http://127.0.0.1:9000"')
        if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
            raise ValueError(f"{url!r} must be an origin: scheme, host and port only")
        return url.rstrip("/")


class Api(Model):
    """One protected API."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    kind: Kind = Field("open", description="Sets the defaults of the other sections.")
    hosts: list[str] = Field(["*"], min_length=1, description='Host names, "*.example.com", or "*".')
    prefix: Annotated[str, Field(pattern=r"^/[^?#%]*$")] = "/"
    upstream: Upstream
    operations: list[str] = Field([], description='Known operations, "GET /orders/{id}": names for limits and logs.')
    firewall: FirewallSection = FirewallSection()
    authentication: AuthenticationSection | None = None
    limits: list[LimitItem] = []
    exposure: ExposureSection = ExposureSection()

    @field_validator("hosts")
    @classmethod
    def _host_names(cls, hosts: list[str]) -> list[str]:
        for host in hosts:
            if not host or any(char in host for char in "/: \t") or "*" in host.removeprefix("*.") and host != "*":
                raise ValueError(f'{host!r} is not a host such as "api.example.com", "*.example.com" or "*"')
        return [host.lower() for host in hosts]


def _workers(value: Any) -> Any:
    if value != "auto" and (not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 256):
        raise ValueError(f'{value!r} is not a number of workers (1 to 256) or "auto"')
    return value


class Config(Model):
    """The whole file."""

    version: Literal[1]
    listen: list[Listen] = Field(min_length=1)
    admin: Admin = Admin()
    log: Log = Log()
    keys: Keys = Keys()
    workers: Annotated[int | Literal["auto"], BeforeValidator(_workers)] = Field(1, description="auto: one per core.")
    timeouts: Timeouts = Timeouts()
    connections: int = Field(10_000, ge=1, description="Client connections at most, per worker.")
    max_headers: Size = Field(32 << 10, description="The size of a request head at most.")
    drain: Duration = Field(15.0, description="How long open requests may take to end when Stockade stops.")
    apis: list[Api] = Field(min_length=1)
