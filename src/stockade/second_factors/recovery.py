"""Recovery codes: for the day on which the telephone is gone. Each is good once; only keyed digests are kept."""

from __future__ import annotations

from hashlib import blake2b

RANDOM_BYTES = 10  # per code: 80 bits, so that a stolen table is worth nothing even with its key
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no letter is taken for a digit
_LIKE = str.maketrans("ILO", "110")
_LENGTH = 16


def make_recovery_codes(random: bytes) -> list[str]:
    """As many codes as there are ten bytes: "4J9X-2MQ0-…", sixteen letters and digits each."""
    codes = []
    for start in range(0, len(random) - RANDOM_BYTES + 1, RANDOM_BYTES):
        number = int.from_bytes(random[start : start + RANDOM_BYTES])
        text = "".join(_ALPHABET[number >> 5 * place & 31] for place in range(_LENGTH))
        codes.append("-".join(text[part : part + 4] for part in range(0, _LENGTH, 4)))
    return codes


def recovery_digest(key: bytes, user: str, code: str) -> bytes | None:
    """What is kept of a user's code, however it is written: small, with blanks, an O for a zero. None for no code."""
    if len(code) > 4 * _LENGTH or not code.isascii():
        return None
    plain = code.upper().replace("-", "").replace(" ", "").translate(_LIKE)
    if len(plain) != _LENGTH or any(char not in _ALPHABET for char in plain):
        return None
    return blake2b(f"{user}\0{plain}".encode(), key=key[:64], person=b"recovery", digest_size=32).digest()
