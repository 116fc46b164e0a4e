"""detectSQLi: libinjection takes the value for SQL injection. TX:0 is its fingerprint, such as `s&sos`.

A value of letters and underscores, or of digits, is one token to libinjection, which is no injection: it is not asked.
"""

from __future__ import annotations

import re

from libinjection import is_sql_injection  # type: ignore[import-not-found,import-untyped,unused-ignore]

from stockade.waf.operators.base import Files, Hit, Test
from stockade.waf.operators.raw import Raw

_ONE_TOKEN = re.compile(rb"[A-Za-z_]*+|[0-9]*+").fullmatch


def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
    return _test


def _test(value: bytes) -> Hit | None:
    if _ONE_TOKEN(value):
        return None
    seen = is_sql_injection(Raw(value))
    return Hit(0, len(value), (seen["fingerprint"].encode(),)) if seen["is_sqli"] else None
