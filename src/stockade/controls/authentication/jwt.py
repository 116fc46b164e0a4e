"""JSON Web Tokens as bearer tokens (RFC 6750, RFC 7519, RFC 8725)."""

from __future__ import annotations

from typing import NamedTuple

from stockade.controls.authentication.claims import is_anothers, principal_of
from stockade.controls.authentication.scheme import Refused
from stockade.tokens import BadToken, Claims, JwtRules, VerificationKeys, read_header, verify_jwt
from stockade.vocabulary import Asking, Exchange, FindVerificationKeys, Principal
from stockade.wire import Request

_REMEMBERED = 4096
_WHERE = "header:authorization"


class _Verified(NamedTuple):
    keys: VerificationKeys  # by whose identity we see that the keys were rotated
    principal: Principal
    expires: float


class Jwts:
    """Tokens of one issuer. source: where its keys come from, as the store knows it.

    A verified token is remembered until it expires or the issuer's keys change.
    """

    carriers = ("authorization",)

    def __init__(self, *, source: str, rules: JwtRules, forward: bool = True) -> None:
        self.forward = forward
        self._source = source
        self._rules = rules
        self._verified: dict[str, _Verified] = {}

    def describe(self) -> str:
        return f"JWT of {self._rules.issuer} ({', '.join(sorted(self._rules.algorithms))})"

    def find(self, request: Request) -> str | None:
        value = request.headers.get("authorization")
        if value is None or value[:7].lower() != "bearer ":
            return None
        return value[7:].strip()

    def verify(self, credential: str, exchange: Exchange) -> Asking[Principal | Refused]:
        at = exchange.request.at
        known = self._verified.get(credential)
        keys: VerificationKeys
        if known is not None and at < known.expires:
            keys = yield FindVerificationKeys(self._source, None, at)
            if keys is known.keys:
                return known.principal
        if is_anothers(credential, self._rules.issuer):
            return Refused("token-wrong-issuer", _WHERE)
        try:
            header = read_header(credential)
            keys = yield FindVerificationKeys(self._source, header.kid, at)
            claims = verify_jwt(credential, keys, self._rules, at)
        except BadToken as error:
            return Refused(f"token-{error.reason}", _WHERE)
        if not claims.subject:
            return Refused("token-missing-claim", _WHERE, "sub")
        return self._remember(credential, keys, claims)

    def _remember(self, credential: str, keys: VerificationKeys, claims: Claims) -> Principal:
        principal = principal_of(claims, "jwt")
        if len(self._verified) >= _REMEMBERED:
            self._verified.clear()
        self._verified[credential] = _Verified(keys, principal, claims.expires + self._rules.leeway)
        return principal

    def challenges(self, realm: str, refused: Refused | None) -> tuple[str, ...]:
        return (f'Bearer realm="{realm}"' + (', error="invalid_token"' if refused is not None else ""),)
