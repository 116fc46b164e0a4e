"""removeCommentsChar: drops the marks of comments and keeps what they enclose: `/*`, `*/`, `<!--`, `-->`, `--`, `#`."""

from __future__ import annotations

import re

_MARK = re.compile(rb"/\*|\*/|<!--|-->?|#")

TOUCHES = frozenset(b"*-#")


def remove_comments_char(value: bytes) -> bytes:
    if b"--" in value or b"#" in value or b"*" in value:
        return _MARK.sub(b"", value)
    return value
