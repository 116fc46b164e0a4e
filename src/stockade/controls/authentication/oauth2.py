"""An OAuth 2 resource server: access tokens as JWT (RFC 9068) or opaque (RFC 7662), bound to their sender or not.

Bound tokens prove their sender by client certificate (RFC 8705) or by DPoP (RFC 9449). Challenges are those of RFC
6750, section 3, RFC 9449, section 7.1, and RFC 9728, section 5.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from hmac import compare_digest
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from stockade.controls.authentication.claims import is_anothers, principal_of
from stockade.controls.authentication.scheme import Refused
from stockade.controls.authentication.target import is_url_of
from stockade.tokens import (
    BadProof,
    BadToken,
    Claims,
    Confirmation,
    JwtRules,
    Proof,
    ProofRules,
    VerificationKeys,
    confirmation_of,
    is_nonce,
    is_opaque,
    make_nonce,
    read_header,
    thumbprint_of_digest,
    verify_jwt,
    verify_proof,
)
from stockade.vocabulary import (
    Asking,
    Exchange,
    FindRevocation,
    FindVerificationKeys,
    IntrospectToken,
    Principal,
    TakeQuota,
    Tokens,
)
from stockade.wire import Request

_REMEMBERED = 4096
_WHERE = "header:authorization"
_PROOF = "header:dpop"


def peer_certificate(exchange: Exchange) -> str:
    """SHA-256 of the client certificate on the connection, hex; empty for none."""
    return exchange.request.peer.certificate


class SenderConstraint(Struct, frozen=True, eq=False):
    """How tokens must be bound to their sender.

    required: "any" binding, one in particular, or "" where tokens may be unbound (a bound one must always be proved).
    nonce_key: key of our DPoP nonces; empty where we ask for none. certificate: the client certificate's digest.
    """

    required: Literal["", "any", "mtls", "dpop"] = ""
    rules: ProofRules = ProofRules()
    nonce_key: bytes = b""
    certificate: Callable[[Exchange], str] = peer_certificate


class _Verified(NamedTuple):
    source: VerificationKeys | Claims  # what it was made of, by whose identity we see that there is another
    principal: Principal
    confirmation: Confirmation
    unbound: bool  # to any sender
    expires: float
    names: tuple[str, ...]  # under which it may be revoked, where we issued it
    issued: float


class OAuth2:
    """Access tokens of one issuer. source: its keys, introspection: who is asked of opaque tokens; "" for neither.

    own: whether it is our own token service, which knows what it revoked.
    scopes: all of which every token must have. metadata: URL of the resource's metadata, told in challenges.
    """

    carriers = ("authorization", "dpop")

    def __init__(
        self,
        *,
        source: str,
        rules: JwtRules,
        introspection: str = "",
        own: bool = False,
        sender: SenderConstraint | None = None,
        scopes: frozenset[str] = frozenset(),
        metadata: str = "",
        forward: bool = True,
    ) -> None:
        self.forward = forward
        self._source, self._introspection = source, introspection
        self._own = own
        self._rules = rules
        self._sender = sender or SenderConstraint()
        self._scopes = scopes
        self._metadata = metadata
        self._verified: dict[str, _Verified] = {}
        self._told: dict[int, _Verified] = {}  # by the identity of the claims

    def describe(self) -> str:
        kinds = [f"JWT, {', '.join(sorted(self._rules.algorithms))}"] if self._source else []
        kinds += ["introspection"] if self._introspection else []
        bound = {"": "", "any": ", bound to its sender", "mtls": ", bound to a certificate", "dpop": ", bound by DPoP"}
        scopes = f", scope {' '.join(sorted(self._scopes))}" if self._scopes else ""
        return (
            f"OAuth 2 access token of {self._rules.issuer} ({' or '.join(kinds)}{bound[self._sender.required]}{scopes})"
        )

    def find(self, request: Request) -> str | None:
        value = request.headers.get("authorization")
        if value is None:
            return None
        scheme, _, token = value.partition(" ")
        return token.strip() if token and scheme.lower() in ("bearer", "dpop") else None

    def verify(self, credential: str, exchange: Exchange) -> Asking[Principal | Refused]:
        by_dpop = (exchange.request.headers.get("authorization") or "")[:5].lower() == "dpop "
        scheme = "DPoP" if by_dpop else "Bearer"
        try:
            if self._introspection and (not self._source or credential.count(".") != 2):
                claims: Claims | None = yield self._question(credential, exchange.request.at)
                verified = self._believe(claims)
            else:
                verified = yield from self._claims(credential, exchange.request.at)
            if self._own:  # ours end when they are revoked, JWTs too
                revoked: bool = yield FindRevocation(verified.names, verified.issued)
                if revoked:
                    return Refused("token-revoked", _WHERE, error="invalid_token", scheme=scheme)
            if by_dpop or self._sender.required or not verified.unbound:
                yield from self._check_sender(verified.confirmation, by_dpop, credential, exchange)
        except BadToken as error:
            return Refused(f"token-{error.reason}", _WHERE, error="invalid_token", scheme=scheme)
        except BadProof as error:
            return self._refuse_proof(error, exchange.request.at)
        except _Unacceptable as error:
            return Refused(error.args[0], _WHERE, error="invalid_token", scheme=scheme)
        if self._scopes and not self._scopes <= verified.principal.scopes:
            missing = " ".join(sorted(self._scopes - verified.principal.scopes))
            return Refused("scope-missing", _WHERE, missing, "insufficient_scope", 403, scheme=scheme)
        return verified.principal

    # The token.

    def _claims(self, token: str, at: float) -> Asking[_Verified]:
        """Of a JWT. Raises BadToken."""
        known = self._verified.get(token)
        keys: VerificationKeys
        if known is not None and at < known.expires:
            keys = yield FindVerificationKeys(self._source, None, at)
            if keys is known.source:
                return known
        if is_anothers(token, self._rules.issuer):
            raise BadToken("wrong-issuer")
        header = read_header(token)
        keys = yield FindVerificationKeys(self._source, header.kid, at)
        claims = verify_jwt(token, keys, self._rules, at)
        if not claims.subject:
            raise BadToken("missing-claim")
        if len(self._verified) >= _REMEMBERED:
            self._verified.clear()
        verified = self._verified[token] = _verified(claims, keys, self._rules.leeway, self._own)
        return verified

    def _question(self, token: str, at: float) -> IntrospectToken:
        """Of an opaque token. Raises BadToken."""
        if not is_opaque(token):
            raise BadToken("malformed")
        return IntrospectToken(self._introspection, token, at)

    def _believe(self, claims: Claims | None) -> _Verified:
        """What follows from an issuer's answer: once, for the store gives the same one until it asks again.

        Raises _Unacceptable.
        """
        if claims is None:
            raise _Unacceptable("token-inactive")
        verified = self._told.get(id(claims))
        if verified is None or verified.source is not claims:
            if len(self._told) >= _REMEMBERED:
                self._told.clear()
            verified = self._told[id(claims)] = _verified(claims, claims, 0.0, self._own)
        return verified

    # Its sender.

    def _check_sender(self, bound: Confirmation, by_dpop: bool, token: str, exchange: Exchange) -> Asking[None]:
        """Raises BadProof or _Unacceptable."""
        sender = self._sender
        if bound.unknown:
            raise _Unacceptable("token-binding-unknown")
        missing = {"": False, "any": not bound.bound, "mtls": not bound.certificate, "dpop": not bound.jkt}
        if missing[sender.required]:
            raise _Unacceptable("token-not-bound")
        if bound.certificate:
            own = thumbprint_of_digest(sender.certificate(exchange))
            if not own or not compare_digest(own.encode(), bound.certificate.encode("utf-8", "replace")):
                raise _Unacceptable("token-of-another-certificate" if own else "certificate-missing")
        if by_dpop != bool(bound.jkt):
            # A bound token as mere bearer token, or a proof for a token that is bound to no key (section 7.1).
            raise _Unacceptable("proof-missing" if bound.jkt else "token-not-bound")
        if by_dpop:
            proof = self._proof(token, exchange)
            if proof.jkt != bound.jkt:
                raise BadProof("of-another-key")
            yield from self._check_fresh(proof, exchange.request.at)

    def _proof(self, token: str, exchange: Exchange) -> Proof:
        request = exchange.request
        lines = request.headers.all("dpop")
        if len(lines) != 1:
            raise BadProof("not-one")
        return verify_proof(
            lines[0],
            method=request.method,
            is_own=lambda url: is_url_of(url, request),
            token=token,
            rules=self._sender.rules,
            at=request.at,
        )

    def _check_fresh(self, proof: Proof, at: float) -> Asking[None]:
        """Nonce and replay (sections 8 and 11.1): each proof is good once, over all workers."""
        rules, key = self._sender.rules, self._sender.nonce_key
        if key and (proof.nonce is None or not is_nonce(key, proof.nonce, at)):
            raise BadProof("nonce-wanted")
        told = f"{proof.jkt}\0{proof.jti}".encode("utf-8", "replace")
        start = int(proof.issued - rules.leeway) - 1
        end = int(proof.issued + rules.max_age + rules.leeway) + 2
        first: Tokens = yield TakeQuota(f"dpop:{hashlib.sha256(told).hexdigest()}", 1, start, end, at)
        if not first.allowed:
            raise BadProof("replayed")

    def _refuse_proof(self, error: BadProof, at: float) -> Refused:
        key = self._sender.nonce_key
        fields = (("dpop-nonce", make_nonce(key, at)),) if key else ()
        code = "use_dpop_nonce" if error.reason == "nonce-wanted" else "invalid_dpop_proof"
        return Refused(f"proof-{error.reason}", _PROOF, error=code, fields=fields, scheme="DPoP")

    # What the client is told.

    def challenges(self, realm: str, refused: Refused | None) -> tuple[str, ...]:
        told = [] if self._sender.required == "dpop" else [self._challenge("Bearer", realm, refused)]
        if self._sender.required in ("any", "dpop") or (refused is not None and refused.scheme == "DPoP"):
            algs = f', algs="{" ".join(sorted(self._sender.rules.algorithms))}"'
            told.append(self._challenge("DPoP", realm, refused) + algs)
        return tuple(told)

    def _challenge(self, scheme: str, realm: str, refused: Refused | None) -> str:
        told = f'{scheme} realm="{realm}"'
        if self._metadata:
            told += f', resource_metadata="{self._metadata}"'
        if refused is not None and refused.error and (refused.scheme == scheme or self._sender.required == "dpop"):
            told += f', error="{refused.error}"'
            if refused.error == "insufficient_scope":
                told += f', scope="{" ".join(sorted(self._scopes))}"'
        return told


class _Unacceptable(Exception):
    """The token is not active, or whoever sent it has not shown that it is theirs."""


# What a revocation may name, and the claim that says it.
_NAMES = (("jti", "jti"), ("grant", "grant"), ("client", "client_id"), ("user", "sub"))


def _verified(claims: Claims, source: VerificationKeys | Claims, leeway: float, own: bool) -> _Verified:
    principal = principal_of(claims, "oauth2", own=own)
    said = claims.members
    names = tuple(f"{kind}:{said[claim]}" for kind, claim in _NAMES if claim in said)
    issued: Any = said.get("iat")
    bound = confirmation_of(said)
    return _Verified(
        source,
        principal,
        bound,
        not bound.bound,
        claims.expires + leeway,
        names,
        float(issued) if type(issued) in (int, float) else float("-inf"),
    )
