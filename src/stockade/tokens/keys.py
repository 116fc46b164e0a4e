"""Verification keys at rest: what each is good for, and which of them may answer for a token.

A key's type is fixed here, when it is read, and never by a token: that is what makes key confusion (RFC 8725,
section 2.1) impossible. The cryptography lives in `signatures`, which is imported when the first key is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from stockade.tokens.algorithms import ALGORITHMS

MAX_CANDIDATES: Final = 5  # signature checks that a token without key id may cost


class BadKeys(ValueError):
    """Keys that cannot be used; the message says which key, what is wrong and how to mend it, and holds no key."""


class VerificationKey(Struct, frozen=True, gc=False, eq=False):
    """One public key or shared secret.

    kty, crv: type and curve (RFC 7518, section 6); crv is empty for RSA and oct. bits: modulus, secret or curve.
    kid: key id, None when it has none. alg: the only algorithm its issuer allows, None when any that fits.
    """

    kty: str
    crv: str
    bits: int
    kid: str | None
    alg: str | None
    check: Callable[[str, bytes, bytes], bool]  # (alg, message, signature), for an algorithm that fits

    def fits(self, alg: str) -> bool:
        """Whether the key may serve the algorithm."""
        wanted = ALGORITHMS.get(alg)
        return (
            wanted is not None
            and (self.kty, self.crv) == (wanted.kty, wanted.crv)
            and self.bits >= wanted.bits
            and self.alg in (None, alg)
        )

    def verifies(self, alg: str, message: bytes, signature: bytes) -> bool:
        """Whether the signature (raw, as in JWS) is this key's; False for an algorithm that does not fit."""
        return self.fits(alg) and self.check(alg, message, signature)

    def __repr__(self) -> str:
        kind = " ".join(filter(None, (self.kty, self.crv, self.alg)))
        return f"<VerificationKey {kind}, {self.bits} bits, kid {self.kid!r}>"


class VerificationKeys:
    """An immutable set of keys. `skipped` tells which keys of the source were left out and why, one line each.

    With `any_kid` the keys answer to every key id: right for a single key that the operator chose by hand, since a
    key id only chooses among keys. Key ids must be distinct.
    """

    __slots__ = ("_any_kid", "_by_kid", "_fitting", "_keys", "skipped")

    def __init__(
        self, keys: tuple[VerificationKey, ...] = (), skipped: tuple[str, ...] = (), *, any_kid: bool = False
    ) -> None:
        self.skipped = skipped
        self._keys = keys
        self._any_kid = any_kid
        self._by_kid = {key.kid: key for key in keys if key.kid is not None}
        self._fitting = {alg: tuple(key for key in keys if key.fits(alg))[:MAX_CANDIDATES] for alg in ALGORITHMS}

    def candidates(self, alg: str, kid: str | None) -> tuple[VerificationKey, ...]:
        """The keys that may have signed: type, curve, length and stated `alg` all fit.

        With a key id, that key alone or none (no falling back to others); without, the first five that fit.
        """
        if kid is None or self._any_kid:
            return self._fitting.get(alg, ())
        key = self._by_kid.get(kid)
        return (key,) if key is not None and key.fits(alg) else ()

    def knows(self, kid: str | None) -> bool:
        """Whether looking at the source again could not help: the key id is here, or the token names none."""
        return kid is None or self._any_kid or kid in self._by_kid

    def __iter__(self) -> Iterator[VerificationKey]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"VerificationKeys({', '.join(map(repr, self._keys))})"
