"""JSON bodies, strictly: RFC 8259 and, of what that leaves open, I-JSON (RFC 7493).

msgspec reads the value; it refuses all that is not in the grammar, ill-formed UTF-8 and lone surrogates. It lets pass:

    names that come twice        the value, written again, has fewer quotation marks than the body
    sizes beyond the limits      bounds from counting bytes; where those do not settle it, a walk of the value
    numbers a double cannot hold a run of sixteen digits, or an exponent of three
    noncharacters                seen in the bytes of the value written again

Each check may cry wolf but misses nothing. What it suspects, `json_exact` reads slowly and judges.
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import DecodeError
from msgspec.json import Decoder, Encoder

from stockade.payloads.json_exact import read_exactly
from stockade.payloads.limits import DEFAULT, Limits

_decode = Decoder().decode
_encode = Encoder().encode
_DIGITS_TO_ZERO = bytes.maketrans(b"123456789E", b"000000000e")
_numbers = re.compile(rb'"(?:[^"\\]++|\\.)*+"|([-0-9][-+.0-9eE]*+)').findall


def read_json(body: bytes, limits: Limits = DEFAULT) -> Any:
    """The value of a JSON body: dict, list, str, int, float, bool or None.

    Raises BadPayload with JSON pointers: for what is not JSON, what two parsers could read differently, and what is
    beyond the limits. Time is linear in the size of the body.
    """
    size = len(body)
    if (size > limits.members or size > limits.items) and _may_be_many(body, limits):
        return read_exactly(body, limits)
    deep = body.count(b"{") + body.count(b"[") > limits.depth
    try:
        value = _decode(body)
        again = _encode(value)
    except (DecodeError, RecursionError, ValueError, OverflowError):
        return read_exactly(body, limits)
    if (
        again.count(b'"') != body.count(b'"')
        or (b"\\" in body and (b"\\u0022" in body or b"\\u0000" in body))
        or (not again.isascii() and _may_hold_noncharacters(again))
        or _may_hold_odd_numbers(body, limits)
        or (
            (deep or size > limits.string or (size > limits.name and _may_be_long(body, limits.name)))
            and _is_beyond(value, limits)
        )
    ):
        return read_exactly(body, limits)
    return value


def _may_be_many(body: bytes, limits: Limits) -> bool:
    """Members and items are together no more than commas and containers."""
    most = body.count(b",") + body.count(b"{") + body.count(b"[")
    return most > limits.members or most > limits.items


def _may_be_long(body: bytes, longest: int) -> bool:
    """Whether more than so many bytes stand without a quotation mark, as they do in a name that is too long."""
    if b'\\"' in body:
        return True
    start, last = 0, len(body) - longest
    while start < last:
        start = body.rfind(b'"', start, start + longest + 1) + 1
        if not start:
            return True
    return False


def _may_hold_noncharacters(text: bytes) -> bool:
    """U+FDD0 to U+FDEF, and the last two of each plane, have these bytes; few others do."""
    return b"\xbf\xbe" in text or b"\xbf\xbf" in text or b"\xef\xb7" in text


def _may_hold_odd_numbers(body: bytes, limits: Limits) -> bool:
    """Whether a number is too long, too large for `limits.integer`, or so small that a double makes it 0.

    One too large for a double msgspec refuses itself. Digits within strings are told apart only when some look odd.
    """
    zeros = body.translate(_DIGITS_TO_ZERO)
    if limits.digit_run not in zeros and b"0e-000" not in zeros:
        return False
    if b"\\" not in body:  # then every second piece between quotation marks is text
        zeros = b'"'.join(zeros.split(b'"')[::2])
        if limits.digit_run not in zeros and b"0e-000" not in zeros:
            return False
    return any(number and _is_odd(number, limits) for number in _numbers(body))


def _is_odd(number: bytes, limits: Limits) -> bool:
    if len(number) > limits.number:
        return True
    if number.lstrip(b"-").isdigit():
        return abs(int(number)) > limits.integer
    return not float(number)  # seldom, so let the exact reader say whether it is 0 or has become so


def _is_beyond(value: Any, limits: Limits) -> bool:
    """Whether a name or string is too long, or the nesting too deep; level by level."""
    name, string = limits.name, limits.string
    level = [value]
    for _ in range(limits.depth):
        below: list[Any] = []
        for node in level:
            kind = type(node)
            if kind is dict:
                if node and len(max(node, key=len)) > name:
                    return True
                below += node.values()
            elif kind is list:
                below += node
            elif kind is str and len(node) > string:
                return True
        if not below:
            return False
        level = below
    return any(type(node) is dict or type(node) is list for node in level) or _is_long(level, string)


def _is_long(level: list[Any], string: int) -> bool:
    return any(type(node) is str and len(node) > string for node in level)
