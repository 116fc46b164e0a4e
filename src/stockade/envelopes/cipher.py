"""AES-256-GCM under random nonces (NIST SP 800-38D). `cryptography` is loaded with the first key: it takes 6 MiB."""

from __future__ import annotations

from typing import Final

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12  # section 5.2.1.1


class Changed(ValueError):
    """Not what was sealed under this key and context."""


class Cipher:
    """One key. What it seals is nonce, ciphertext and tag."""

    __slots__ = ("_aead",)

    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._aead = AESGCM(key)

    def seal(self, plaintext: bytes, context: bytes) -> bytes:
        nonce = random_key()[:NONCE_BYTES]
        return nonce + self._aead.encrypt(nonce, plaintext, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Raises Changed."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._aead.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
        except (InvalidTag, ValueError):
            raise Changed from None


def random_key() -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM.generate_key(KEY_BYTES * 8)
