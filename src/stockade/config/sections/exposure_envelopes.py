"""`envelopes` of `exposure:` signed and encrypted bodies, of responses and of requests."""

from __future__ import annotations

from pydantic import Field, model_validator

from stockade.config.base import Model, Secret
from stockade.config.site import Site
from stockade.config.texts import FilePath, HeaderName, MediaType, Operation
from stockade.controls.exposure.envelopes import Openings, Requests, Responses, Signature
from stockade.operations import OperationTable
from stockade.sealing import (
    BadKey,
    Content,
    Envelope,
    Keys,
    Locked,
    Opening,
    Seal,
    Signed,
    Signing,
    Wrapping,
    keys_of_jwks,
    keys_of_secret,
)


class KeySource(Model):
    """Either a file with a JSON Web Key Set, or a secret."""

    jwks: FilePath | None = Field(None, description="JSON Web Key Set; private where we sign, public elsewhere.")
    secret: Secret | None = Field(None, description="For HS…, A256KW and dir: 32 bytes or more.")
    kid: str | None = Field(None, description="Which of the keys, where several would do.")

    @model_validator(mode="after")
    def _one(self) -> KeySource:
        if (self.jwks is None) == (self.secret is None):
            raise ValueError("keys come either from jwks or from a secret")
        return self


class SignSection(KeySource):
    """How JSON responses are signed."""

    algorithm: Signing
    header: HeaderName | None = Field(
        None, description="Leave the body as it is and put a detached signature here, as in X-JWS-Signature."
    )


class EncryptSection(KeySource):
    """How JSON responses are encrypted, for the holder of the private key."""

    algorithm: Wrapping
    content: Content = "A256GCM"


class VerifySection(KeySource):
    """Which signatures request bodies must have."""

    algorithms: list[Signing] = Field(min_length=1, description="The accepted ones, as in [ES256]")
    header: HeaderName | None = Field(
        None, description="Where a detached signature stands; unset: the body is a compact JWS, and goes on without it."
    )


class DecryptSection(KeySource):
    """How request bodies must be encrypted, with our public key; they go on open."""

    algorithms: list[Wrapping] = Field(min_length=1, description="The accepted ones, as in [RSA-OAEP-256]")
    content: list[Content] = Field(["A256GCM"], min_length=1, description="How the text itself may be encrypted.")


class EnvelopesSection(Model):
    """JOSE bodies between the two ends."""

    sign: SignSection | None = None
    encrypt: EncryptSection | None = None
    verify: VerifySection | None = None
    decrypt: DecryptSection | None = None
    media_type: MediaType = Field("application/json", description="What is in request bodies that are opened here.")
    operations: list[Operation] = Field(
        [], description='Whose request bodies must be sealed, "POST /payments"; empty: all of this API.'
    )

    @model_validator(mode="after")
    def _sense(self) -> EnvelopesSection:
        if self.sign is not None and self.sign.header is not None and self.encrypt is not None:
            raise ValueError("a detached signature tells of the plain body: with encrypt, sign has no header")
        if self.verify is not None and self.verify.header is not None and self.decrypt is not None:
            raise ValueError("with decrypt, the signature is within the encrypted body: verify has no header")
        return self


def requests(site: Site, section: EnvelopesSection | None) -> Requests | Openings | None:
    """What stands before those who read bodies."""
    if section is None or (section.verify is None and section.decrypt is None):
        return None
    operations = OperationTable(section.operations) if section.operations else None
    verify, decrypt = section.verify, section.decrypt
    keys = _keys(site, verify, "verify") if verify is not None else None
    if verify is not None and verify.header is not None:
        signature = Signature(keys, frozenset(verify.algorithms), verify.header.lower()) if keys is not None else None
        return Requests(signature, operations) if signature is not None else None
    signed = Signed(keys, frozenset(verify.algorithms)) if verify is not None and keys is not None else None
    locked = _locked(site, decrypt) if decrypt is not None else None
    if (verify is not None and signed is None) or (decrypt is not None and locked is None):
        return None
    content = section.media_type.lower()
    return Openings(Opening(locked, signed, content.removeprefix("application/")), content, operations)


def _locked(site: Site, section: DecryptSection) -> Locked | None:
    keys = _keys(site, section, "decrypt")
    if keys is None:
        return None
    try:
        for algorithm in section.algorithms:
            keys.check(algorithm)
    except BadKey as error:
        site.problem(str(error), "exposure", "envelopes", "decrypt")
        return None
    return Locked(keys, frozenset(section.algorithms), frozenset(section.content))


def responses(site: Site, section: EnvelopesSection | None) -> Responses | None:
    if section is None or (section.sign is None and section.encrypt is None):
        return None
    signing = _seal(site, section.sign, "sign") if section.sign is not None else None
    encrypting = _seal(site, section.encrypt, "encrypt") if section.encrypt is not None else None
    detached = section.sign.header if section.sign is not None else None
    return Responses(Envelope(signing, encrypting), detached=(detached or "").lower())


def _seal(site: Site, section: SignSection | EncryptSection, name: str) -> Seal | None:
    keys = _keys(site, section, name)
    if keys is None:
        return None
    content = section.content if isinstance(section, EncryptSection) else ""
    seal = Seal(keys, section.algorithm, content, section.kid)
    try:
        seal.check()
    except BadKey as error:
        site.problem(str(error), "exposure", "envelopes", name)
        return None
    return seal


def _keys(site: Site, section: KeySource, name: str) -> Keys | None:
    place = ("exposure", "envelopes", name, "jwks" if section.jwks is not None else "secret")
    try:
        if section.jwks is not None:
            data = site.read_file(section.jwks, "the key set", *place)
            return None if data is None else keys_of_jwks(data)
        assert section.secret is not None
        secret = site.secret(section.secret, "the secret", *place)
        return None if secret is None else keys_of_secret(secret)
    except BadKey as error:
        site.problem(str(error), *place)
        return None
