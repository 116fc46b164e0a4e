"""API keys: made, recognised without asking anyone, stored as a digest, compared in constant time.

    stk_ScG94NDpDCkh_T9vTjNA81K744p1dyXghZij6eco3oomJ059VyO
    └─┬┘└────┬─────┘ └──────────────┬───────────────┘└─┬──┘
    prefix  id, 12        secret, 32 (190 bits)     checksum, 6

All of it base62 (0-9 A-Z a-z), 55 characters. The checksum is the CRC-32 of everything before it, zero padded, as
in GitHub's tokens: secret scanners know a real key from a lookalike offline, and a mistyped key costs us no look-up.
It keeps nobody out; the secret does.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final, Literal
from zlib import crc32

from msgspec import Struct

ID_BYTES: Final = 16  # random bytes for an id: 128 bits into 71.5 leave no bias worth naming
SECRET_BYTES: Final = 32  # random bytes for a secret: 256 bits into 190.5, likewise
MIN_HASH_KEY: Final = 16  # bytes

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID: Final = 12
_SECRET: Final = 32
_CHECKSUM: Final = 6
_LENGTH: Final = len("stk_") + _ID + len("_") + _SECRET + _CHECKSUM
_is_shaped: Final = re.compile("stk_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}").fullmatch


class ParsedApiKey(Struct, frozen=True, gc=False):
    """A well-formed key with a right checksum; whether it exists is still to be asked. `text` is secret."""

    id: str
    text: str

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("id", self.id)]

    def __repr__(self) -> str:
        return f"ParsedApiKey(id={self.id!r})"


class ApiKeyRecord(Struct, frozen=True, gc=False):
    """The stored half of a key. Times are seconds since the epoch; its repr does not show the digest.

    digest: see `digest_api_key`. networks: CIDR blocks it may be used from, empty for any. revoked: when it stops
    working; a rotation sets it to the end of the overlap, a revocation to now. replaced_by: id of the next key.
    uses: how often it was used, as far as that is written down.
    """

    id: str
    owner: str
    digest: bytes
    scopes: frozenset[str] = frozenset()
    networks: tuple[str, ...] = ()
    created: float = 0.0
    expires: float | None = None
    revoked: float | None = None
    replaced_by: str | None = None
    last_used: float | None = None
    uses: int = 0

    def refusal(self, at: float) -> Literal["expired", "revoked"] | None:
        """Why the key no longer works at that time; None while it does. Revocation is told before expiry."""
        # Written so that a time that is no number refuses.
        if self.revoked is not None and not at < self.revoked:
            return "revoked"
        if self.expires is not None and not at < self.expires:
            return "expired"
        return None

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in self.__struct_fields__ if name != "digest"]

    def __repr__(self) -> str:
        return f"ApiKeyRecord({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"


def make_api_key(id_bytes: bytes, secret_bytes: bytes) -> str:
    """A new key from 16 and 32 random bytes, which must come from a cryptographic source.

    Raises ValueError on any other length.
    """
    if len(id_bytes) != ID_BYTES or len(secret_bytes) != SECRET_BYTES:
        raise ValueError(f"an API key is made of {ID_BYTES} and {SECRET_BYTES} random bytes")
    secret = _base62(int.from_bytes(secret_bytes, "big"), _SECRET)
    body = f"stk_{_base62(int.from_bytes(id_bytes, 'big'), _ID)}_{secret}"
    return body + _base62(crc32(body.encode()), _CHECKSUM)


def parse_api_key(text: str) -> ParsedApiKey | None:
    """The key in the text, which must be that and nothing else; None when it is no key of ours. Never raises."""
    if len(text) != _LENGTH or _is_shaped(text) is None:
        return None
    if _base62(crc32(text[:-_CHECKSUM].encode()), _CHECKSUM) != text[-_CHECKSUM:]:
        return None
    return ParsedApiKey(text[4 : 4 + _ID], text)


def digest_api_key(hash_key: bytes, text: str) -> bytes:
    """What is stored in place of the key: keyed BLAKE2b (RFC 7693, section 2.9), 32 bytes.

    A slow password hash would protect nothing: 190 random bits cannot be guessed. The `hash_key`, at least 16 bytes
    kept apart from the store, makes a stolen store useless even to whoever can write to it. Raises ValueError.
    """
    return api_key_digester(hash_key)(text)


def api_key_digester(hash_key: bytes) -> Callable[[str], bytes]:
    """`digest_api_key` for many keys, the hash key taken in once."""
    if len(hash_key) < MIN_HASH_KEY:
        raise ValueError(f"the hash key has fewer than {MIN_HASH_KEY} bytes")
    if len(hash_key) > blake2b.MAX_KEY_SIZE:
        hash_key = blake2b(hash_key).digest()
    keyed = blake2b(key=hash_key, digest_size=32)

    def digest(text: str) -> bytes:
        hashing = keyed.copy()
        hashing.update(text.encode("utf-8", "surrogatepass"))
        return hashing.digest()

    return digest


def matches(record: ApiKeyRecord, hash_key: bytes, text: str) -> bool:
    """Whether the record is this key's, in constant time. Says nothing of expiry: see `ApiKeyRecord.refusal`."""
    return hmac.compare_digest(record.digest, digest_api_key(hash_key, text))


def _base62(number: int, width: int) -> str:
    """The last `width` base62 digits of the number, zero padded."""
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
