"""HTTP message signatures (RFC 9421): the client signs what matters of each request with a key of its own."""

from __future__ import annotations

import hashlib

from stockade.controls.authentication.scheme import Refused
from stockade.signatures import (
    BadSignature,
    Signature,
    SignatureRules,
    check_signature,
    digest_trouble,
    read_signatures,
)
from stockade.tokens import VerificationKeys
from stockade.vocabulary import Asking, Exchange, FindVerificationKeys, Principal, TakeQuota, Tokens
from stockade.wire import Request

_WHERE = "header:signature"


class Signatures:
    """source: the key directory. owners: principal by key id; without an entry the key id itself is the principal."""

    carriers = ("signature", "signature-input")

    def __init__(
        self, *, source: str, rules: SignatureRules, owners: dict[str, str] | None = None, forward: bool = False
    ) -> None:
        self.forward = forward
        self._source = source
        self._rules = rules
        self._owners = owners or {}

    def describe(self) -> str:
        rules = self._rules
        covered = " ".join((*rules.components, *(("content-digest",) if rules.digest else ())))
        nonce = ", a nonce" if rules.nonce else ""
        return f"HTTP message signature ({covered}; {', '.join(sorted(rules.algorithms))}{nonce})"

    def find(self, request: Request) -> str | None:
        return request.headers.get("signature-input") if "signature" in request.headers else None

    def verify(self, credential: str, exchange: Exchange) -> Asking[Principal | Refused]:  # noqa: ARG002 - a Scheme's
        """The first signature that holds decides; else why the last does not."""
        request, rules = exchange.request, self._rules
        try:
            found = read_signatures(request.headers, rules)
        except BadSignature as error:
            return Refused(f"signature-{error.reason}", _WHERE, error.evidence)
        trouble = BadSignature("none")
        for signature in found:
            try:
                yield from self._check(signature, request, request.at)
            except BadSignature as error:
                trouble = error
                continue
            owner = self._owners.get(signature.keyid, signature.keyid)
            return Principal(owner, "signature", signature.keyid)
        return Refused(f"signature-{trouble.reason}", _WHERE, trouble.evidence)

    def _check(self, signature: Signature, request: Request, at: float) -> Asking[None]:
        """Raises BadSignature."""
        base = check_signature(signature, request, self._rules, at)
        keys: VerificationKeys = yield FindVerificationKeys(self._source, signature.keyid, at)
        if not keys.knows(signature.keyid):
            raise BadSignature("unknown-key")
        candidates = [(alg, key) for alg in signature.algorithms for key in keys.candidates(alg, signature.keyid)]
        if not candidates:
            raise BadSignature("algorithm-refused")
        if not any(key.verifies(alg, base, signature.value) for alg, key in candidates):
            raise BadSignature("wrong")
        if signature.nonce:
            told = hashlib.sha256(f"{self._source}\0{signature.keyid}\0{signature.nonce}".encode()).hexdigest()
            start = int(signature.created - self._rules.leeway) - 1
            end = int(signature.created + self._rules.max_age + self._rules.leeway) + 2
            first: Tokens = yield TakeQuota(f"nonce:{told}", 1, start, end, at)
            if not first.allowed:
                raise BadSignature("replayed")

    def verify_body(self, exchange: Exchange) -> Asking[Refused | None]:
        """A digest that comes with the request must hold, whoever covered it."""
        field = exchange.request.headers.get("content-digest")
        if field is None:
            return None
        trouble = digest_trouble(field, exchange.request_body)
        return Refused(trouble, "header:content-digest") if trouble else None
        yield  # a generator, as a BodyScheme's

    def challenges(self, realm: str, refused: Refused | None) -> tuple[str, ...]:  # noqa: ARG002 - a Scheme's
        return (f'Signature realm="{realm}"',)
