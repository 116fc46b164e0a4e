"""Credentials for tests: API keys in a gateway's folder, and tokens of an issuer."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from stockade.identity import ApiKeys
from stockade.stores import Database, KeyStore

_HASH_KEY = b"a key of the keyed hash, for tests alone"
ISSUER = "https://issuer.example"
AUDIENCE = "shop"


class KeyRing:
    """The API keys of a folder. `issue` answers with the key itself."""

    def __init__(self, folder: Path, database: Database | None = None) -> None:
        (folder / "stockade.hash-key").write_bytes(_HASH_KEY)
        (folder / "stockade.hash-key").chmod(0o600)
        self.store = KeyStore(database or folder / "stockade.db")
        self._keys = ApiKeys(self.store, _HASH_KEY)

    def issue(self, owner: str, **fields: Any) -> str:
        return self._keys.issue(owner, time.time(), **fields).text

    def revoke(self, key: str) -> None:
        self._keys.revoke(key, time.time())


@contextlib.contextmanager
def keys_in(folder: Path, database: Database | None = None) -> Iterator[KeyRing]:
    ring = KeyRing(folder, database)
    try:
        yield ring
    finally:
        ring.store.close()


class Issuer:
    """An issuer of tokens (ES256) whose key can be rotated."""

    def __init__(self) -> None:
        self._generation = 0
        self.rotate()

    def rotate(self) -> None:
        self._generation += 1
        self.kid = f"key-{self._generation}"
        self._key = ECKey.generate_key("P-256", {"kid": self.kid, "use": "sig", "alg": "ES256"})

    def key_set(self) -> bytes:
        return json.dumps({"keys": [self._key.as_dict(private=False)]}).encode()

    def token(self, subject: str = "carol", *, lifetime: float = 600, **claims: Any) -> str:
        now = int(time.time())
        body = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": now - 3600, "exp": now + int(lifetime), **claims}
        return jwt.encode({"alg": "ES256", "kid": self.kid}, body, self._key)


def scheme(jwks: str) -> dict[str, Any]:
    """The policy's entry for tokens of the issuer; `jwks` is a file or URL."""
    return {"jwt": {"jwks": jwks, "issuer": ISSUER, "audience": AUDIENCE, "algorithms": ["ES256"]}}
