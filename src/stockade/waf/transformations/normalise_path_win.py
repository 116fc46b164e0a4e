r"""normalisePathWin (normalizePathWin): normalisePath that takes `\` for a slash as well.

Slashes come out as `/`, with one exception of ModSecurity's: where a run of three and more ends with `\`, or a run of
two behind a reference does (`./\`), it becomes that `\`, which no later reference knows for a slash.
"""

from __future__ import annotations

import re

from stockade.waf.transformations.normalise_path import normalise_path, resolved

_PIECES = re.compile(rb"([^/\\]*+)([/\\]*+)")
_ODD = re.compile(rb"[./\\][/\\]\\(?![/\\])")

TOUCHES = frozenset(b"./\\")


def normalise_path_win(value: bytes) -> bytes:
    if b"\\" not in value:
        return normalise_path(value)
    if _ODD.search(value):
        return resolved(value, _PIECES)
    return normalise_path(value.replace(b"\\", b"/"))
