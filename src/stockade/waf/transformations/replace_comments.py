"""replaceComments: every `/* … */`, and an open `/* …`, becomes one space."""

from __future__ import annotations

import re

_COMMENT = re.compile(rb"/\*.*?(?:\*/|\Z)", re.DOTALL)

TOUCHES = frozenset(b"*")


def replace_comments(value: bytes) -> bytes:
    return _COMMENT.sub(b" ", value) if b"/*" in value else value
