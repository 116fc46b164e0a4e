"""`certificates:` the private authority for clients: where what it publishes lies, and how long that is good."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from stockade.config.base import Model
from stockade.config.texts import FilePath
from stockade.config.units import Duration, PositiveDuration

_DAY = 86400.0


class CertificatesSection(Model):
    """What `stockade certs` makes. A listener trusts it by tls.client_ca and tls.client_crl."""

    ca: FilePath = Field(Path("clients-ca.pem"), description="PEM file that is written: root and issuing CA.")
    crl: FilePath = Field(Path("clients.crl"), description="PEM file that is written: their revocation lists.")
    crl_lifetime: Annotated[PositiveDuration, Field(ge=3600, le=90 * _DAY)] = Field(
        7 * _DAY, description="How long a list is good; the gateway writes a new one when half of it is over."
    )
    lifetime: Annotated[PositiveDuration, Field(ge=60, le=398 * _DAY)] = Field(
        90 * _DAY, description="Of a client's certificate, unless the command says otherwise."
    )
    overlap: Duration = Field(7 * _DAY, description="How long the old certificate works after a renewal.")
