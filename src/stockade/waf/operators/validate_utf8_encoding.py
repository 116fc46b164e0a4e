"""validateUtf8Encoding: the value is not UTF-8 (RFC 3629): a sequence is broken, overlong, or stands for a surrogate.

As in ModSecurity, code points from 110000 to 13FFFF, which begin with F4, pass; lead bytes from F5 on do not.
"""

from __future__ import annotations

import re

from stockade.waf.operators.base import Files, Hit, Test

_BEYOND = re.compile(rb"\xf4[\x90-\xbf][\x80-\xbf]{2}")


def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
    return _test


def _test(value: bytes) -> Hit | None:
    if value.isascii():
        return None
    try:
        value.decode()
    except UnicodeDecodeError as error:
        if not _BEYOND.search(value):
            return Hit(error.start, error.end - error.start)
    else:
        return None
    try:
        _BEYOND.sub(b"\xf4\x80\x80\x80", value).decode()
    except UnicodeDecodeError as error:
        return Hit(error.start, error.end - error.start)
    return None
