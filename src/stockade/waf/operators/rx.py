"""rx: stopgap."""

from __future__ import annotations

import re2  # type: ignore[import-not-found,import-untyped,unused-ignore]

from stockade.waf.operators.base import BadArgument, Files, Hit, Test

_OPTIONS = re2.Options()
_OPTIONS.encoding = re2.Options.Encoding.LATIN1
_OPTIONS.log_errors = False


def make(argument: bytes, files: Files) -> Test:  # noqa: ARG001 - the shape of all makers
    try:
        compiled = re2.compile(b"(?ms)" + argument.replace(b"*+", b"*").replace(b"++", b"+"), _OPTIONS)
    except re2.error as error:
        raise BadArgument(str(error)) from None

    def test(value: bytes) -> Hit | None:
        found = compiled.search(value)
        if found is None:
            return None
        return Hit(found.start(), found.end() - found.start(), (found[0], *found.groups()))

    return test
