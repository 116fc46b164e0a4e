"""The keys that sign our tokens: made ahead of time, published before they sign and after, sealed at rest."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key

from stockade.grants import Schedule, SigningKey
from stockade.identity.service.trail import KEY_MADE, KEY_WITHDRAWN, Trail
from stockade.stores.events import Event
from stockade.stores.signing_keys import SigningKeyStore
from stockade.vocabulary import StoreError

_RSA_BITS = 3072
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


class Sealer(Protocol):
    """What keeps private keys unreadable at rest; `stockade.envelopes` has one."""

    def seal(self, plaintext: bytes, context: bytes) -> bytes: ...

    def open(self, sealed: bytes, context: bytes) -> bytes: ...


class SigningKeys:
    """Raises StoreError where no key can be had. Times are epoch seconds."""

    def __init__(
        self, store: SigningKeyStore, sealer: Sealer, schedule: Schedule, algorithm: str, trail: Trail | None = None
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._schedule = schedule
        self._algorithm = algorithm
        self._trail = trail
        self._opened: dict[str, Key] = {}
        self._keys: list[SigningKey] = []
        self._current: SigningKey | None = None
        self._looked = float("-inf")

    def sign(self, claims: Mapping[str, Any], typ: str, at: float) -> str:
        kid, key = self._signing(at)
        algorithms = [self._algorithm]
        return jwt.encode({"alg": self._algorithm, "kid": kid, "typ": typ}, dict(claims), key, algorithms=algorithms)

    def published(self, at: float) -> list[dict[str, Any]]:
        """The members of the JWKS."""
        self._refresh(at)
        return [msgspec.json.decode(key.public) for key in self._keys if key.expires > at]

    def ensure(self, at: float) -> None:
        """Make the keys that the schedule wants. Whoever comes second uses what the first has made."""
        have = {key.slot for key in self._store.all(at)}
        for slot in self._schedule.wanted(at):
            if slot not in have:
                key = self._make(slot, 0, at)
                if self._store.add(key):
                    self._note(KEY_MADE, key.kid, at)
        self._store.forget(at)
        self._load(at)

    def replace(self, at: float) -> str:
        """Withdraw the key that signs now, which has leaked, and sign with a new one: the new key's id."""
        self.ensure(at)
        old = self._signer(at)
        key = self._make(old.slot, old.generation + 1, at)
        self._store.add(key)
        self._store.withdraw(old.kid, at)
        self._note(KEY_WITHDRAWN, old.kid, at)
        self._note(KEY_MADE, key.kid, at)
        self._load(at)
        return key.kid

    def _note(self, event: str, kid: str, at: float) -> None:
        if self._trail is not None:
            self._trail.now(Event(at, event, detail=kid))

    def _signing(self, at: float) -> tuple[str, Key]:
        self._refresh(at)
        found = self._signer(at)
        key = self._opened.get(found.kid)
        if key is None:
            key = self._opened[found.kid] = self._open(found)
        return found.kid, key

    def _signer(self, at: float) -> SigningKey:
        slot = self._schedule.slot(at)
        keys = [key for key in self._keys if key.slot == slot and key.expires > at]
        if not keys:
            raise StoreError("there is no signing key")
        return keys[-1]

    def _refresh(self, at: float) -> None:
        """Keys change seldom; a new period, a withdrawn key, or a second without a look is reason to look."""
        if not 0 <= at - self._looked < 1.0:
            self._load(at)
            if all(key.slot != self._schedule.slot(at) for key in self._keys):
                self.ensure(at)

    def _load(self, at: float) -> None:
        self._keys, self._looked = self._store.all(at), at
        kids = {key.kid for key in self._keys}
        self._opened = {kid: key for kid, key in self._opened.items() if kid in kids}

    def _make(self, slot: int, generation: int, at: float) -> SigningKey:
        kid = secrets.token_urlsafe(12)
        key = _generate(self._algorithm)
        public = {**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": self._algorithm}
        private = msgspec.json.encode(key.as_dict(private=True))
        sealed = self._sealer.seal(private, _context(kid))
        text = msgspec.json.encode(public).decode()
        return SigningKey(kid, slot, generation, text, sealed, at, self._schedule.expires(slot))

    def _open(self, key: SigningKey) -> Key:
        try:
            members = msgspec.json.decode(self._sealer.open(key.sealed, _context(key.kid)))
        except ValueError as error:
            raise StoreError(f"the signing key {key.kid} cannot be opened: is the master key the right one?") from error
        return import_key(members)


def _context(kid: str) -> bytes:
    """What the sealed key is bound to: put into another row it does not open."""
    return b"signing key " + kid.encode()


def _generate(algorithm: str) -> Key:
    if algorithm in _CURVES:
        return ECKey.generate_key(_CURVES[algorithm])
    if algorithm == "EdDSA":
        return OKPKey.generate_key("Ed25519")
    return RSAKey.generate_key(_RSA_BITS)
