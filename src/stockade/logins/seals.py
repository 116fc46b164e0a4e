"""Small texts that only we can have written and read: AES-256-GCM (NIST SP 800-38D), base64url."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Final

from stockade.tokens import decode_base64url

NONCE_BYTES: Final = 12
LONGEST: Final = 4096  # characters of a sealed text


class Sealer:
    """key: 32 random bytes. A text sealed in one context opens in no other."""

    def __init__(self, key: bytes) -> None:
        # Imported late: whoever lets nobody log in does not pay for it.
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher = AESGCM(key)
        self._wrong = InvalidTag

    def seal(self, plain: bytes, context: str, nonce: bytes) -> str:
        """nonce: 12 bytes, random, never twice."""
        return urlsafe_b64encode(self.seal_bytes(plain, context, nonce)).rstrip(b"=").decode()

    def open(self, text: str, context: str) -> bytes | None:
        """What was sealed; None for anything else."""
        if len(text) > LONGEST or not text.isascii():
            return None
        try:
            return self.open_bytes(decode_base64url(text.encode()), context)
        except ValueError:
            return None

    def seal_bytes(self, plain: bytes, context: str, nonce: bytes) -> bytes:
        """The same, not written as text and of any length."""
        return nonce + self._cipher.encrypt(nonce, plain, context.encode())

    def open_bytes(self, sealed: bytes, context: str) -> bytes | None:
        if len(sealed) < NONCE_BYTES + 16:
            return None
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context.encode())
        except self._wrong:
            return None
