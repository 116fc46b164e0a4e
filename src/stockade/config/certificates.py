"""`certificates:` the private authority for clients: where what it publishes lies, and how long that is good."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from stockade.config.base import Model
from stockade.config.errors import written
from stockade.config.texts import FilePath
from stockade.config.units import Duration, parse_duration

_DAY = 86400.0


def _between(least: str, most: str) -> BeforeValidator:
    """A duration within bounds, which are told as they would be written."""

    def check(value: Any) -> float:
        seconds = parse_duration(value)
        if not parse_duration(least) <= seconds <= parse_duration(most):
            raise ValueError(f"{written(value)} is not from {least} to {most}")
        return seconds

    return BeforeValidator(check)


_TEXT = WithJsonSchema({"type": "string", "description": "a duration: 30d", "pattern": r"^\d+(\.\d+)?\s*[a-z]+$"})


class CertificatesSection(Model):
    """What `stockade certs` makes. A listener trusts it by tls.client_ca and tls.client_crl."""

    ca: FilePath = Field(Path("clients-ca.pem"), description="PEM file that is written: root and issuing CA.")
    crl: FilePath = Field(Path("clients.crl"), description="PEM file that is written: their revocation lists.")
    crl_lifetime: Annotated[float, _between("1h", "90d"), _TEXT] = Field(
        7 * _DAY, description="How long a list is good; the gateway writes a new one when half of it is over."
    )
    lifetime: Annotated[float, _between("1m", "398d"), _TEXT] = Field(
        90 * _DAY, description="Of a client's certificate, unless the command says otherwise."
    )
    overlap: Duration = Field(7 * _DAY, description="How long the old certificate works after a renewal.")
