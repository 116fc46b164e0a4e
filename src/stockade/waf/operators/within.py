"""within: the value stands somewhere in the argument, byte for byte. The empty value stands in every argument.

    SecRule REQUEST_METHOD "!@within GET,POST,HEAD" …

"ET,P" is within that list, too; rules that mind write delimiters around both (`|GET| |POST|`).
"""

from __future__ import annotations

from stockade.waf.operators.base import Files, Hit, Test


def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
    return lambda value: Hit(0, len(value)) if value in argument else None
