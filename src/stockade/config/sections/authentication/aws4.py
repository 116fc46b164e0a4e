"""`aws4:` requests signed by HMAC in the style of AWS."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from stockade.config.base import Model, Secret
from stockade.config.errors import written
from stockade.config.site import Site
from stockade.config.texts import HeaderName
from stockade.config.units import Flag, PositiveDuration
from stockade.controls.authentication import CanonicalRequests, Scheme
from stockade.signatures import CanonicalRules

_SHORTEST = 16  # bytes of a secret


class Aws4Scheme(Model):
    """Requests signed with shared secrets as AWS has it (Signature Version 4), under names of one's own or theirs."""

    keys: dict[str, Secret] = Field(min_length=1, description="Secrets by key id, as in {AKID1: {file: akid1.key}}")
    owners: dict[str, str] = Field({}, description="Who holds a key, by key id; default: the key id itself.")
    region: str = Field(min_length=1, description="Of the credential scope, as in eu-central-1")
    service: str = Field(min_length=1, description="Of the credential scope: what the API is called.")
    headers: list[HeaderName] = Field(
        ["content-type"], description="What must be signed where it is there, besides host, time and x-amz-…"
    )
    leeway: PositiveDuration = Field(300.0, description="How far the time of a signature may lie from ours.")
    unsigned_payload: Flag = Field(False, description="Whether a body may be left out of the signature.")
    path_encoding: Literal["twice", "once"] = Field("twice", description="How paths are signed; once: as S3 has it.")
    vendor: str = Field("AWS4", description="As in AWS4-HMAC-SHA256 and aws4_request.")
    header_prefix: str = Field("x-amz-", description="As in x-amz-date and x-amz-content-sha256.")
    forward: Flag = Field(False, description="Whether the upstream gets to see the signature.")

    @field_validator("region", "service", "vendor", "header_prefix")
    @classmethod
    def _plain(cls, text: str) -> str:
        if not text or not text.replace("-", "").replace("_", "").replace(".", "").isalnum() or not text.isascii():
            raise ValueError(f"{written(text)} is not made of letters, digits, '-', '_' and '.'")
        return text

    @field_validator("keys")
    @classmethod
    def _ids(cls, keys: dict[str, Secret]) -> dict[str, Secret]:
        for name in keys:
            if not name or not name.isascii() or not name.isprintable() or any(char in name for char in " /,="):
                raise ValueError(f"{written(name)} is not a key id: no blanks, '/', ',' and '='")
        return keys


def make_aws4(site: Site, item: Aws4Scheme, *place: str | int) -> Scheme | None:
    secrets: dict[str, bytes] = {}
    for name, secret in item.keys.items():
        data = site.secret(secret, "the secret", *place, "keys", name)
        if data is None:
            continue
        if len(data) < _SHORTEST:
            text = f"the secret has {len(data)} bytes; {_SHORTEST} are the least: openssl rand -base64 30"
            site.problem(text, *place, "keys", name)
        secrets[name] = data
    if item.unsigned_payload:
        site.warn("a signed request may carry any body", *place, "unsigned_payload")
    rules = CanonicalRules(
        region=item.region,
        service=item.service,
        headers=tuple(name.lower() for name in item.headers),
        leeway=item.leeway,
        unsigned=item.unsigned_payload,
        encoding=item.path_encoding,
        vendor=item.vendor,
        prefix=item.header_prefix.lower(),
    )
    return CanonicalRequests(secrets=secrets, rules=rules, owners=item.owners, forward=item.forward)
