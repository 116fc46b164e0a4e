"""Codes and links that are sent: good once, for one purpose, for a short time; only keyed digests are kept."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import blake2b
from hmac import compare_digest

from msgspec import Struct

LINK_BYTES = 32
CODE_BYTES = 16
_DIGITS = 8
_LONGEST = 128


class OneTime(Struct, frozen=True):
    """What is kept of one. tries: how often a wrong one was shown. Times are epoch seconds."""

    id: str
    user: str
    purpose: str
    digest: bytes
    expires: float
    tries: int = 0

    def fits(self, key: bytes, purpose: str, secret: str, at: float, most_tries: int) -> bool:
        """Whether that is what was sent, in time, for that purpose, and not after too many wrong ones."""
        digest = code_digest(key, self.id, purpose, secret)
        right = digest is not None and compare_digest(digest, self.digest)
        return right and purpose == self.purpose and at < self.expires and self.tries < most_tries


def make_code(random: bytes) -> str:
    """Eight digits, from 16 random bytes: for people to type."""
    return f"{int.from_bytes(random) % 10**_DIGITS:0{_DIGITS}d}"


def make_link_token(random: bytes) -> str:
    """43 characters that stand in a URL as they are, from 32 random bytes."""
    return urlsafe_b64encode(random).rstrip(b"=").decode()


def code_digest(key: bytes, name: str, purpose: str, secret: str) -> bytes | None:
    """None for what is certainly none: too long, or not ASCII."""
    if not secret or len(secret) > _LONGEST or not secret.isascii():
        return None
    told = f"{name}\0{purpose}\0{secret.strip()}".encode()
    return blake2b(told, key=key[:64], person=b"one-time", digest_size=32).digest()
