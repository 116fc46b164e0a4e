"""Patterns at random: they are refused with our error or work, and the engines agree on them."""

from __future__ import annotations

from random import Random

import re2  # type: ignore[import-not-found,import-untyped,unused-ignore]
import regex  # type: ignore[import-not-found,import-untyped,unused-ignore]
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stockade.waf.operators import BadArgument, rx
from stockade.waf.operators.patterns import Pattern
from stockade.waf.scanner import is_usable
from tests.waf.operators.files import NONE
from tests.waf.operators.samples import disturbed, sample
from tests.waf.operators.test_prefilters import scanner

_PIECES = [
    *("a", "b", "ab", "0", "_", ".", "^", "$", r"\b", r"\B", r"\A", r"\z", r"\s", r"\w", r"\d", r"\n", r"\x41", r"\W"),
    *("[ab]", "[^a]", "[a-c_]", r"[\w-]", "(", "(?:", "(?i:", "(?i)", "(?s:", "(?-m)", "(?-s)", ")", "|", "(?=", "(?!"),
    *("*", "+", "?", "*?", "+?", "??", "*+", "++", "?+", "{2}", "{0,2}", "{1,}", "{2,3}+", "(?<=", "(?<!", "(?>"),
    *(r"\1", "(a)", "(b|a)"),
]


def closed(pieces: list[str]) -> bytes:
    """With as many brackets closed as are open."""
    text = "".join(pieces)
    missing = sum(piece.startswith("(") and not piece.endswith(")") for piece in pieces) - pieces.count(")")
    return (text + ")" * max(0, missing)).encode()


@given(st.binary(max_size=12) | st.text("ab\\[](){}?*+^$|.-:<>=!'PQE0123,nxci#", max_size=16).map(str.encode))
@settings(max_examples=600)
@example(b"\\")
@example(b"[")
@example(b"[a-")
@example(b"(?")
@example(b"\\Q")
@example(b"[[:")
@example(b"a{")
@example(b"\\c")
@example(b"\\g")
@example("\\¹".encode("latin-1"))
def test_any_bytes_are_a_pattern_or_are_refused(source):
    try:
        pattern = Pattern.compile(source)
    except BadArgument:
        return
    regex.compile(pattern.bounded, regex.VERSION0)
    if pattern.re2 is not None:
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        re2.compile(pattern.re2, options)


@given(st.lists(st.sampled_from(_PIECES), max_size=9).map(closed), st.integers(0, 1000))
@settings(max_examples=600)
def test_engines_agree(source, seed):
    try:
        pattern = Pattern.compile(source)
    except BadArgument:
        return
    random = Random(seed)
    bounded = regex.compile(pattern.bounded, regex.VERSION0)
    test = rx.make(source or b"(?:)", NONE)
    usable = [form for form in pattern.forms() if is_usable(form)]
    scan = scanner(usable[:1]) if usable else None
    for _ in range(6):
        value = disturbed(sample(pattern.tree, random), random)
        found = bounded.search(value, timeout=2)
        hit = test(value)
        assert (hit and (hit.offset, hit.length)) == (found and (found.start(), found.end() - found.start())), value
        if hit is not None and scan is not None:
            assert scan(value), value
