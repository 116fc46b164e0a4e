"""detectSQLi: libinjection takes the value for SQL injection. TX:0 is its fingerprint, such as `s&sos`.

A value of letters, digits and underscores is at most a number and a word to libinjection, which are no injection: it is
not asked.
"""

from __future__ import annotations

import re

from libinjection import is_sql_injection  # type: ignore[import-not-found,import-untyped,unused-ignore]

from stockade.waf.operators.base import Files, Hit, Test
from stockade.waf.operators.raw import Raw

_IS_PLAIN = re.compile(rb"[0-9A-Za-z_]*+").fullmatch


def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
    return _test


def _test(value: bytes) -> Hit | None:
    if _IS_PLAIN(value):
        return None
    seen = is_sql_injection(Raw(value))
    return Hit(0, len(value), (seen["fingerprint"].encode(),)) if seen["is_sqli"] else None
