"""HTTP message signatures as a request brings them, and what a policy asks of one (RFC 9421, sections 3.2 and 4)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from stockade.signatures.base import BadComponent, signature_base
from stockade.signatures.structured import BadField, InnerList, Item, Token, parse_dictionary
from stockade.wire import Headers, Request

# Section 3.3, by their names in JOSE (RFC 7518, RFC 8037), of which the first six are the same computations.
ALGORITHMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "rsa-pss-sha512": "PS512",
        "rsa-v1_5-sha256": "RS256",
        "hmac-sha256": "HS256",
        "ecdsa-p256-sha256": "ES256",
        "ecdsa-p384-sha384": "ES384",
        "ed25519": "EdDSA",
    }
)
MAX_SIGNATURES: Final = 4  # of a request that are looked at
_MAX_TEXT: Final = 256  # characters of a key id, nonce or tag
# A component that stands for others too.
_IMPLIED: Final = {
    "@target-uri": frozenset({"@scheme", "@authority", "@path", "@query", "@request-target"}),
    "@request-target": frozenset({"@path", "@query"}),
}


class BadSignature(ValueError):
    """A signature that is refused; `reason` is stable and safe to show."""

    def __init__(self, reason: str, evidence: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.evidence = evidence


class SignatureRules(Struct, frozen=True):
    """What a signature must satisfy.

    algorithms: names from `ALGORITHMS`. components: what must be covered. digest: Content-Digest must be covered too
    where there is a body. max_age, leeway: seconds that `created` may lie behind and ahead. nonce: one is needed.
    tag: the application's (section 2.3), empty to accept any.
    """

    algorithms: frozenset[str] = frozenset(ALGORITHMS)
    components: tuple[str, ...] = ("@method", "@authority", "@path", "@query")
    digest: bool = True
    max_age: float = 300.0
    leeway: float = 5.0
    nonce: bool = False
    tag: str = ""


class Signature(Struct, frozen=True):
    """One signature, unproven. `algorithms`: JOSE names of what may verify it."""

    label: str
    covered: InnerList
    value: bytes
    keyid: str
    algorithms: tuple[str, ...]
    created: float
    nonce: str


def read_signatures(headers: Headers, rules: SignatureRules) -> list[Signature]:
    """Those of the policy's tag, in order. Raises BadSignature where there is none, or one that cannot be read."""
    try:
        inputs = parse_dictionary(headers.get("signature-input") or "")
        values = parse_dictionary(headers.get("signature") or "")
    except BadField:
        raise BadSignature("malformed") from None
    found = [
        (label, covered, values.get(label))
        for label, covered in inputs.items()
        if isinstance(covered, InnerList) and (not rules.tag or covered.parameters.get("tag") == rules.tag)
    ]
    if not found or len(found) > MAX_SIGNATURES:
        raise BadSignature("none" if not found else "too-many")
    return [_signature(label, covered, value, rules) for label, covered, value in found]


def _signature(label: str, covered: InnerList, value: object, rules: SignatureRules) -> Signature:
    signature = value.value if isinstance(value, Item) else None
    if not isinstance(signature, bytes):
        raise BadSignature("malformed", label)
    said = covered.parameters
    created = said.get("created")
    if type(created) is not int:
        raise BadSignature("missing-created")
    keyid, nonce = _text(covered, "keyid"), _text(covered, "nonce")
    if not keyid:
        raise BadSignature("missing-keyid")
    if rules.nonce and not nonce:
        raise BadSignature("missing-nonce")
    alg = said.get("alg")
    if alg is not None and (not isinstance(alg, str) or alg not in rules.algorithms):
        raise BadSignature("algorithm-refused")
    names = sorted(rules.algorithms) if alg is None else [str(alg)]
    return Signature(label, covered, signature, keyid, tuple(ALGORITHMS[name] for name in names), created, nonce)


def _text(covered: InnerList, name: str) -> str:
    value = covered.parameters.get(name, "")
    if not isinstance(value, str) or isinstance(value, Token) or len(value) > _MAX_TEXT:
        raise BadSignature("malformed", name)
    return value


def check_signature(signature: Signature, request: Request, rules: SignatureRules, at: float) -> bytes:
    """All but the cryptography: fresh, and covering what it must. The bytes to verify. Raises BadSignature."""
    age = at - signature.created
    if not age <= rules.max_age + rules.leeway:
        raise BadSignature("expired")
    if not age >= -rules.leeway:
        raise BadSignature("created-in-future")
    expires = signature.covered.parameters.get("expires")
    if expires is not None and (type(expires) is not int or not at < expires + rules.leeway):
        raise BadSignature("expired")
    covered = {str(item.value) for item in signature.covered.items if not item.parameters}
    for name in tuple(covered):
        covered |= _IMPLIED.get(name, frozenset())
    wanted = (*rules.components, *(("content-digest",) if rules.digest and request.has_body else ()))
    missing = [name for name in wanted if name not in covered]
    if missing:
        raise BadSignature("not-covered", " ".join(missing))
    try:
        return signature_base(request, signature.covered)
    except BadComponent as error:
        raise BadSignature(error.reason, error.component[:64]) from None
