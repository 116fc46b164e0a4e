"""detectXSS: libinjection takes the value for cross-site scripting. TX:0 is the value.

It looks for tags, comments and attributes with values: a value that holds neither "<" nor "=" is not asked about.
"""

from __future__ import annotations

from libinjection import is_xss  # type: ignore[import-not-found,import-untyped,unused-ignore]

from stockade.waf.operators.base import Files, Hit, Test
from stockade.waf.operators.raw import Raw


def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
    return _test


def _test(value: bytes) -> Hit | None:
    if b"<" not in value and b"=" not in value:
        return None
    return Hit(0, len(value), (value,)) if is_xss(Raw(value))["is_xss"] else None
