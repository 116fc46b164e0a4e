"""One attempt to log in: what is asked of the provider, and how the answer is known to belong to this browser.

The browser holds a random secret in a cookie (the binding). `state` is the attempt, sealed; the PKCE verifier (RFC
7636) and the nonce are made from attempt and binding. So nothing is kept here while people log in, many tabs may log
in at once, and a code is worth nothing without the cookie of the browser that began: login CSRF is closed.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from stockade.logins.errors import BadLogin
from stockade.logins.seals import NONCE_BYTES, Sealer
from stockade.tokens import decode_base64url

LONGEST_LOGIN: Final = 600.0  # seconds that a person has at the provider
BINDING_BYTES: Final = 32
ATTEMPT_BYTES: Final = 16
RANDOM_BYTES: Final = BINDING_BYTES + ATTEMPT_BYTES + NONCE_BYTES  # that `begin` needs
_AHEAD: Final = 60.0  # seconds: clocks of our own machines differ
_CONTEXT: Final = "login attempt"


class Attempt(Struct, frozen=True, array_like=True):
    """begun: epoch seconds. return_to: the request target to go back to. acr, max_age: what was asked for beyond any
    login; the answer must have it."""

    id: bytes
    binding: bytes  # digest of the browser's secret
    begun: float
    return_to: str
    acr: tuple[str, ...] = ()
    max_age: float | None = None


class Begun(Struct, frozen=True):
    """Where to send the browser, and the secret that it must bring back."""

    url: str
    binding: str


class Attempts:
    """Those of one relying party. key: 32 bytes of its own. name: which party it is, so that no other takes them."""

    def __init__(self, key: bytes, name: str, *, client_id: str, redirect_uri: str, scopes: tuple[str, ...]) -> None:
        self._key = key
        self._sealer = Sealer(hmac.digest(key, b"state", "sha256"))
        self._context = f"{_CONTEXT} {name}"
        self._client_id = client_id
        self._redirect_uri = redirect_uri
        self._scope = " ".join(dict.fromkeys(("openid", *scopes)))

    def begin(
        self,
        endpoint: str,
        *,
        random: bytes,
        at: float,
        return_to: str,
        binding: str | None = None,
        acr: tuple[str, ...] = (),
        max_age: float | None = None,
    ) -> Begun:
        """The authentication request (OpenID Connect Core, section 3.1.2.1).

        random: RANDOM_BYTES fresh ones. binding: what the browser holds already, from another tab.
        """
        secret = _secret(binding) or random[:BINDING_BYTES]
        attempt_id = random[BINDING_BYTES : BINDING_BYTES + ATTEMPT_BYTES]
        attempt = Attempt(attempt_id, hashlib.sha256(secret).digest(), at, return_to, acr, max_age)
        state = self._sealer.seal(msgspec.msgpack.encode(attempt), self._context, random[-NONCE_BYTES:])
        verifier, nonce = self._verifier(attempt, secret), self._nonce(attempt, secret)
        parameters: dict[str, str] = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": self._scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": _b64(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
            **_asked(acr, max_age),
        }
        joint = "&" if "?" in endpoint else "?"
        return Begun(f"{endpoint}{joint}{urlencode(parameters)}", _b64(secret))

    def resume(self, state: str, binding: str | None, at: float) -> tuple[Attempt, str, str]:
        """The attempt that comes back, its PKCE verifier and its nonce. Raises BadLogin."""
        plain = self._sealer.open(state, self._context)
        if plain is None:
            raise BadLogin("state-unknown")
        attempt = msgspec.msgpack.decode(plain, type=Attempt)
        if not -_AHEAD <= at - attempt.begun <= LONGEST_LOGIN:
            raise BadLogin("state-expired")
        secret = _secret(binding)
        if secret is None:
            raise BadLogin("not-this-browser")
        if not hmac.compare_digest(hashlib.sha256(secret).digest(), attempt.binding):
            raise BadLogin("not-this-browser")
        return attempt, self._verifier(attempt, secret), self._nonce(attempt, secret)

    def _verifier(self, attempt: Attempt, secret: bytes) -> str:
        return _b64(hmac.digest(self._key, b"verifier" + attempt.id + secret, "sha256"))

    def _nonce(self, attempt: Attempt, secret: bytes) -> str:
        return _b64(hmac.digest(self._key, b"nonce" + attempt.id + secret, "sha256"))


def _asked(acr: tuple[str, ...], max_age: float | None) -> Mapping[str, str]:
    told = {"acr_values": " ".join(acr)} if acr else {}
    return told if max_age is None else {**told, "max_age": f"{max_age:.0f}"}


def _secret(binding: str | None) -> bytes | None:
    if binding is None or len(binding) != 43 or not binding.isascii():
        return None
    try:
        return decode_base64url(binding.encode())
    except ValueError:
        return None


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
