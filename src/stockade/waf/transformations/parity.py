"""parityEven7bit, parityOdd7bit, parityZero7bit: the eighth bit of each byte as a parity bit, or cleared."""

from __future__ import annotations

from stockade.waf.transformations.base import changed_by

_ODD = [byte.bit_count() & 1 for byte in range(256)]  # of all eight bits, as ModSecurity counts
_EVEN_TABLE = bytes(byte | 0x80 if _ODD[byte] else byte & 0x7F for byte in range(256))
_ODD_TABLE = bytes(byte & 0x7F if _ODD[byte] else byte | 0x80 for byte in range(256))
_ZERO_TABLE = bytes(byte & 0x7F for byte in range(256))

EVEN_TOUCHES = changed_by(_EVEN_TABLE)
ODD_TOUCHES = changed_by(_ODD_TABLE)
ZERO_TOUCHES = changed_by(_ZERO_TABLE)


def parity_even_7bit(value: bytes) -> bytes:
    return value.translate(_EVEN_TABLE)


def parity_odd_7bit(value: bytes) -> bytes:
    return value.translate(_ODD_TABLE)


def parity_zero_7bit(value: bytes) -> bytes:
    return value.translate(_ZERO_TABLE)
