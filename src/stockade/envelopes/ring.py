"""Key-encryption keys: one that wraps, and older ones that still unwrap what they wrapped."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final, Protocol

from stockade.envelopes.cipher import KEY_BYTES, Changed, Cipher

_URL_SAFE: Final = str.maketrans("-_", "+/")


class BadKey(ValueError):
    """A text that is no key. The text is not told."""


class Ring(Protocol):
    """What wraps data keys. Beside LookupError and ValueError it may raise what its service's failure is called."""

    reuse: int
    """How often a data key may be used again before the next is wrapped: once where wrapping costs nothing."""

    @property
    def current(self) -> str:
        """The id of the key that wraps: 1 to 64 characters of printable ASCII."""

    def wrap(self, data_key: bytes) -> tuple[str, bytes]:
        """The id of the key, and the data key under it."""

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """Raises LookupError when there is no such key, ValueError when this is not what it wrapped."""


class KeyRing:
    """A `Ring` of keys at hand, by AES-256-GCM with the key's id as associated data. Ids are made from the keys."""

    reuse = 1

    def __init__(self, keys: Mapping[str, bytes], current: str) -> None:
        """Raises BadKey on a key that has not 32 bytes."""
        for key in keys.values():
            if len(key) != KEY_BYTES:
                raise BadKey(f"a key has {KEY_BYTES} bytes, and not {len(key)}")
        self._keys = {key_id: Cipher(key) for key_id, key in keys.items()}
        self.current = current

    @classmethod
    def of(cls, key: bytes, *old: bytes) -> KeyRing:
        """The first wraps. Raises BadKey."""
        return cls({key_id_of(each): each for each in (*old, key)}, key_id_of(key))

    def wrap(self, data_key: bytes) -> tuple[str, bytes]:
        return self.current, self._keys[self.current].seal(data_key, self.current.encode())

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        key = self._keys[key_id]
        try:
            return key.open(wrapped, key_id.encode())
        except Changed:
            raise ValueError("not wrapped by this key") from None

    def __repr__(self) -> str:
        return f"KeyRing({self.current}, {len(self._keys)} keys)"


def key_id_of(key: bytes) -> str:
    """A name that tells nothing of a random key: 64 bits of its BLAKE2b."""
    return blake2b(key, digest_size=8, person=b"stockade key id").hexdigest()


def parse_key(text: str) -> bytes:
    """A key of 32 bytes from 64 hexadecimal digits, or 44 (or 43) characters of base64. Raises BadKey."""
    text = text.strip()
    try:
        key = bytes.fromhex(text) if len(text) == 2 * KEY_BYTES else _base64(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise BadKey(f"a key is {KEY_BYTES} random bytes in hexadecimal or base64 (`openssl rand -hex 32` makes one)")
    return key


def _base64(text: str) -> bytes:
    """Of either alphabet (RFC 4648, sections 4 and 5), padded or not."""
    return b64decode(text.translate(_URL_SAFE) + "=" * (-len(text) % 4), validate=True)
