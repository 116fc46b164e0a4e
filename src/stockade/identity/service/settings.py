"""What the operator decides of the token service, and what each request knows of its sender."""

from __future__ import annotations

from urllib.parse import urlsplit

from msgspec import Struct

from stockade.grants import Schedule

LONGEST_ACCESS = 86400.0  # seconds: so long a revocation is remembered, so no access token may live longer


class Settings(Struct, frozen=True):
    """Seconds. refresh: how long a refresh token may lie unused; grant: how long it may be renewed at all.

    enrolment: whether users add passkeys themselves.
    """

    issuer: str
    schedule: Schedule
    algorithm: str = "ES256"
    access: float = 300.0
    refresh: float = 14 * 86400.0
    grant: float = 90 * 86400.0
    code: float = 60.0
    device: float = 600.0
    interval: float = 5.0
    enrolment: bool = False

    @property
    def base(self) -> str:
        """What the paths of the endpoints are put behind."""
        return self.issuer.rstrip("/")

    @property
    def path(self) -> str:
        return urlsplit(self.base).path

    @property
    def secure(self) -> bool:
        return self.issuer.startswith("https:")


class Caller(Struct, frozen=True):
    """Who sends a request, as the gateway has proven it. certificate: SHA-256 of the client certificate, hex."""

    address: str = ""
    certificate: str = ""
    subject: str = ""
    dns: str = ""
    uri: str = ""
