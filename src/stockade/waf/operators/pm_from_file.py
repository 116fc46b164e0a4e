"""pmFromFile (pmf): pm with its phrases in a file, one a line. Spaces count; lines that begin with # are comments.

    SecRule ARGS "@pmFromFile phrases.data"

Several files may be named, parted by spaces. Files are not fetched from the net.
"""

from __future__ import annotations

from stockade.waf.operators.base import Files, Test
from stockade.waf.operators.pm import Phrases, literals_from_file


def make(argument: bytes, files: Files) -> Test:
    return Phrases(literals_from_file(argument, files)).test
