"""removeComments: drops `/* … */` and `<!-- … -->` (either end closes either), and all that follows `--` or `#`.

An open comment becomes one space. As in ModSecurity, the byte after a comment is copied unseen, so that it opens no
other comment; where the value ends with a comment, that byte is NUL.
"""

from __future__ import annotations

import re

_COMMENT = re.compile(rb"(?:/\*|<!--)(?:.*?(?:\*/|-->)(.?)|.*)|(?:--|#).*", re.DOTALL)

TOUCHES = frozenset(b"*-#")  # each kind of comment holds one of these; "/" and "<" are commoner


def remove_comments(value: bytes) -> bytes:
    if b"/*" in value or b"--" in value or b"#" in value:
        return _COMMENT.sub(_remains, value)
    return value


def _remains(comment: re.Match[bytes]) -> bytes:
    after = comment[1]
    if after is not None:
        return after or b"\0"
    return b" " if comment[0][:1] in (b"/", b"<") else b""
