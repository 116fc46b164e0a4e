"""`signature:` HTTP message signatures (RFC 9421)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from stockade.config.base import Model
from stockade.config.errors import written
from stockade.config.sections.authentication.jwt import KeySet, source_name
from stockade.config.site import Site
from stockade.config.texts import is_header_name
from stockade.config.units import Duration, Flag, PositiveDuration
from stockade.controls.authentication import Scheme, Signatures
from stockade.signatures import SignatureRules
from stockade.stores import Source
from stockade.tokens import BadKeys, parse_jwks

Algorithm = Literal[
    "ed25519", "ecdsa-p256-sha256", "ecdsa-p384-sha384", "rsa-pss-sha512", "rsa-v1_5-sha256", "hmac-sha256"
]
_ALGORITHMS: list[Algorithm] = ["ed25519", "ecdsa-p256-sha256", "ecdsa-p384-sha384", "rsa-pss-sha512"]
_DERIVED = frozenset({"@method", "@authority", "@scheme", "@path", "@query", "@request-target", "@target-uri"})


def _component(text: object) -> object:
    if isinstance(text, str) and text not in _DERIVED and (text.startswith("@") or not is_header_name(text)):
        raise ValueError(f"{written(text)} is neither a header nor one of {', '.join(sorted(_DERIVED))}")
    return text.lower() if isinstance(text, str) else text


Component = Annotated[str, BeforeValidator(_component)]


class SignatureScheme(Model):
    """HTTP message signatures (RFC 9421) under keys of a directory: a JWKS in which `kid` is the `keyid`."""

    keys: KeySet = Field(description="File or https URL of the keys (JWKS); a secret for hmac-sha256 is an oct key.")
    owners: dict[str, str] = Field({}, description="Who holds a key, by keyid; default: the keyid itself.")
    algorithms: list[Algorithm] = Field(_ALGORITHMS, min_length=1)
    components: list[Component] = Field(
        ["@method", "@authority", "@path", "@query"], min_length=1, description="What every signature must cover."
    )
    digest: Flag = Field(True, description="Whether a body must be covered too, by Content-Digest (RFC 9530).")
    max_age: PositiveDuration = Field(300.0, description="How old a signature may be.")
    leeway: Duration = Field(5.0, description="How much clocks may differ.")
    nonce: Flag = Field(False, description="Whether each needs a nonce; one that is there is taken once in any case.")
    tag: str = Field("", description="The tag that signatures for this API carry; empty: any or none.")
    forward: Flag = Field(False, description="Whether the upstream gets to see the signature.")


def make_signature(site: Site, item: SignatureScheme, *place: str | int) -> Scheme | None:
    source = _source(site, item, *place)
    if source is None:
        return None
    site.sources.append(source)
    if not item.digest:
        site.warn("without digest a signed request may carry any body", *place, "digest")
    rules = SignatureRules(
        algorithms=frozenset(item.algorithms),
        components=tuple(item.components),
        digest=item.digest,
        max_age=item.max_age,
        leeway=item.leeway,
        nonce=item.nonce,
        tag=item.tag,
    )
    return Signatures(source=source.name, rules=rules, owners=dict(item.owners), forward=item.forward)


def _source(site: Site, item: SignatureScheme, *place: str | int) -> Source | None:
    if item.keys.startswith(("https://", "http://")):
        return Source(item.keys, url=item.keys)
    data = site.read_path(item.keys, "the key directory", *place, "keys")
    if data is None:
        return None
    try:
        keys = parse_jwks(data, secrets="mixed")  # each is another sender's
    except BadKeys as error:
        site.problem(str(error), *place, "keys")
        return None
    unnamed = sum(key.kid is None for key in keys)
    if unnamed:
        site.warn(f"{unnamed} key(s) have no kid, and no signature can name them", *place, "keys")
    return Source(source_name(site, *place), keys=keys)
