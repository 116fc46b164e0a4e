"""Requests that their sender signs with a shared secret over a canonical request, in the style of AWS."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from stockade.controls.authentication.scheme import Pending, Refused
from stockade.signatures import UNSIGNED, BadSignature, CanonicalRules, is_by, read_canonical
from stockade.vocabulary import Asking, Exchange, Principal
from stockade.wire import Request

_WHERE = "header:authorization"
_NOTHING = hashlib.sha256(b"").hexdigest()
_NOBODY = b"a secret that nobody has, for the work to be the same"


class CanonicalRequests:
    """secrets: by key id. owners: principal by key id; without an entry the key id itself is the principal."""

    carriers = ("authorization",)

    def __init__(
        self,
        *,
        secrets: Mapping[str, bytes],
        rules: CanonicalRules,
        owners: Mapping[str, str] | None = None,
        forward: bool = False,
    ) -> None:
        self.forward = forward
        self._secrets = dict(secrets)
        self._rules = rules
        self._owners = dict(owners or {})
        self._scheme = f"{rules.algorithm} "

    def describe(self) -> str:
        rules = self._rules
        return f"{rules.algorithm} ({rules.region}/{rules.service}, {len(self._secrets)} key(s))"

    def find(self, request: Request) -> str | None:
        value = request.headers.get("authorization")
        return value if value is not None and value.startswith(self._scheme) else None

    def verify(self, credential: str, exchange: Exchange) -> Asking[Principal | Pending | Refused]:  # noqa: ARG002
        """With the head alone where it says the body's digest, or there is no body."""
        request = exchange.request
        try:
            found = read_canonical(request, self._rules, request.at)
            principal = Principal(self._owners.get(found.key_id, found.key_id), "aws4", found.key_id)
            if request.has_body and not found.digest:
                return Pending(principal)
            self._check(request, found.digest or _NOTHING)
        except BadSignature as error:
            return Refused(f"signature-{error.reason}", _WHERE, error.evidence)
        return Pending(principal) if request.has_body and found.digest != UNSIGNED else principal
        yield  # a generator, as a Scheme's

    def _check(self, request: Request, digest: str) -> None:
        """Raises BadSignature. An unknown key costs what a known one does."""
        found = read_canonical(request, self._rules, request.at)
        secret = self._secrets.get(found.key_id)
        good = is_by(found, _NOBODY if secret is None else secret, request, self._rules, digest)
        if secret is None:
            raise BadSignature("unknown-key")
        if not good:
            raise BadSignature("wrong")

    def verify_body(self, exchange: Exchange) -> Asking[Refused | None]:
        request = exchange.request
        if self.find(request) is None:
            return None
        try:
            found = read_canonical(request, self._rules, request.at)
            digest = hashlib.sha256(exchange.request_body).hexdigest()
            if found.digest == UNSIGNED:
                return None
            if found.digest and found.digest != digest:
                return Refused("digest-wrong", f"header:{self._rules.prefix}content-sha256")
            self._check(request, digest)
        except BadSignature as error:
            return Refused(f"signature-{error.reason}", _WHERE, error.evidence)
        return None
        yield  # a generator, as a BodyScheme's

    def challenges(self, realm: str, refused: Refused | None) -> tuple[str, ...]:  # noqa: ARG002 - a Scheme's
        return (f'{self._rules.algorithm} realm="{realm}"',)
