"""Envelope encryption: AES-256-GCM (NIST SP 800-38D) under a data key, which stands beside it wrapped by a `Ring`.

    1 byte   1, the version of this format
    1 byte   length of the key id, then the id of the key that wrapped
    2 bytes  length of the wrapped data key, big endian, then that
    12 bytes nonce
    …        ciphertext and its tag of 16 bytes; associated data: the version and the context

What the context says (whose secret it is, and what for) must be said again to open it, so that nobody who can write
to the table passes one user's secret off as another's. A new outer key is a new beginning and the same end: `rewrap`.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from typing import Final, NamedTuple

from stockade.envelopes.cipher import KEY_BYTES, NONCE_BYTES, Changed, Cipher, random_key
from stockade.envelopes.ring import Ring

_VERSION: Final = b"\x01"
_TAG: Final = 16
_LONGEST_ID: Final = 64
_LONGEST_WRAPPED: Final = 4096
_LONGEST: Final = 1 << 24  # bytes of a secret
_OPENED: Final = 256  # data keys that are remembered: some rings are far away


class BadEnvelope(ValueError):
    """No envelope, or one that was changed, moved, or wrapped by a key that is not on the ring."""


class _Parts(NamedTuple):
    key_id: str
    wrapped: bytes
    sealed: bytes  # nonce, ciphertext, tag


class _DataKey(NamedTuple):
    cipher: Cipher
    key_id: str
    wrapped: bytes


class Envelope:
    """Seals and opens. What the ring's service raises when it is down goes through. May be used by several threads."""

    def __init__(self, key_ring: Ring) -> None:
        self.ring = key_ring
        self._opened: OrderedDict[tuple[str, bytes], bytes] = OrderedDict()
        self._sealing: _DataKey | None = None
        self._left = 0  # uses of that key

    def seal(self, plaintext: bytes, context: bytes) -> bytes:
        """Raises ValueError for more than 16 MiB."""
        if len(plaintext) > _LONGEST:
            raise ValueError(f"a secret has {_LONGEST} bytes at most")
        key = self._data_key()
        return _head(key.key_id, key.wrapped) + key.cipher.seal(plaintext, _VERSION + context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Raises BadEnvelope."""
        parts = _parts(sealed)
        data_key = self._unwrapped(parts.key_id, parts.wrapped)
        try:
            return Cipher(data_key).open(parts.sealed, _VERSION + context)
        except Changed:
            raise BadEnvelope("the secret was changed, or belongs elsewhere") from None

    def rewrap(self, sealed: bytes) -> bytes:
        """The same secret, its data key wrapped by the ring's current key. Raises BadEnvelope."""
        parts = _parts(sealed)
        return _head(*self.ring.wrap(self._unwrapped(parts.key_id, parts.wrapped))) + parts.sealed

    def _data_key(self) -> _DataKey:
        key = self._sealing
        if key is None or self._left <= 0 or key.key_id != self.ring.current:
            data_key = random_key()
            key = self._sealing = _DataKey(Cipher(data_key), *self.ring.wrap(data_key))
            self._left = self.ring.reuse
        self._left -= 1
        return key

    def _unwrapped(self, key_id: str, wrapped: bytes) -> bytes:
        known = self._opened.get((key_id, wrapped))
        if known is not None:
            return known
        try:
            data_key = self.ring.unwrap(key_id, wrapped)
        except LookupError:
            raise BadEnvelope(f"the secret is sealed under the key {key_id}, which is not here") from None
        except ValueError:
            raise BadEnvelope("the secret's data key was changed") from None
        if len(data_key) != KEY_BYTES:
            raise BadEnvelope("the secret's data key has not 32 bytes")
        self._opened[key_id, wrapped] = data_key
        while len(self._opened) > _OPENED:
            self._opened.popitem(last=False)
        return data_key


def sealed_under(sealed: bytes) -> str:
    """The id of the key that wraps its data key. Raises BadEnvelope."""
    return _parts(sealed).key_id


def _head(key_id: str, wrapped: bytes) -> bytes:
    name = key_id.encode("ascii")
    if not 1 <= len(name) <= _LONGEST_ID or not 1 <= len(wrapped) <= _LONGEST_WRAPPED:
        raise ValueError("the ring gave a key id or a wrapped key that has no room")
    return b"".join((_VERSION, struct.pack(">B", len(name)), name, struct.pack(">H", len(wrapped)), wrapped))


def _parts(sealed: bytes) -> _Parts:
    if sealed[:1] != _VERSION or len(sealed) > _LONGEST + _LONGEST_WRAPPED + 256:
        raise BadEnvelope("that is no envelope of a version known here")
    try:
        name, at = _run(sealed, 1, ">B")
        wrapped, at = _run(sealed, at, ">H")
        key_id = name.decode("ascii")
    except (struct.error, UnicodeError):
        raise BadEnvelope("that is no envelope") from None
    good = 1 <= len(name) <= _LONGEST_ID and 1 <= len(wrapped) <= _LONGEST_WRAPPED and key_id.isprintable()
    if not good or len(sealed) < at + NONCE_BYTES + _TAG:
        raise BadEnvelope("that is no envelope")
    return _Parts(key_id, wrapped, sealed[at:])


def _run(sealed: bytes, at: int, length: str) -> tuple[bytes, int]:
    """The bytes whose length stands at that place, and where they end. Too few of them are noticed by the caller."""
    (size,) = struct.unpack_from(length, sealed, at)
    at += struct.calcsize(length)
    return sealed[at : at + size], at + size
