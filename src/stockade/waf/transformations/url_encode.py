"""urlEncode: a space becomes `+`, every byte but letters, digits and `*` becomes `%hh` with digits in lower case."""

from __future__ import annotations

_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*"
_TABLE = [b"+" if byte == 32 else b"%c" % byte if byte in _PLAIN else b"%%%02x" % byte for byte in range(256)]

TOUCHES = frozenset(range(256)) - frozenset(_PLAIN)


def url_encode(value: bytes) -> bytes:
    return b"".join([_TABLE[byte] for byte in value])
