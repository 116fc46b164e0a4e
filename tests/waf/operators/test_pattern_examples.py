r"""What patterns mean, by examples. All were tried on libmodsecurity 3.0.15, which uses PCRE2."""

from __future__ import annotations

import pytest
import regex

from stockade.waf.operators.patterns import Pattern
from stockade.waf.operators.rx import searcher

# (pattern, value, spans of the match and its groups, or None)
CASES: list[tuple[bytes, bytes, list[tuple[int, int]] | None]] = [
    # Lines and dots: DOTALL and MULTILINE are on.
    (rb"a.b", b"a\nb", [(0, 3)]),
    (rb"^b$", b"a\nb\nc", [(2, 3)]),
    (rb"^b$", b"b\n", [(0, 1)]),
    (rb"^b\z", b"b\n", None),
    (rb"a\Z", b"a\n", [(0, 1)]),
    (rb"\Ab", b"a\nb", None),
    (rb"^$", b"a\n", None),  # ^ does not hold after a newline that is the last byte
    (rb"^$", b"a\n\n", [(2, 2)]),
    (rb"^\s*$", b"a\n", None),
    (rb"^", b"", [(0, 0)]),
    (rb"a$", b"a\r\n", None),
    (rb"(?-m)^b$", b"a\nb", None),
    (rb"(?-s)^.$", b"\n", None),
    (rb"(?-s)^.$", b"\r", [(0, 1)]),
    (rb"\G^a", b"a", [(0, 1)]),
    # Sets.
    (rb"^\s$", b"\x0b", [(0, 1)]),
    (rb"^\s$", b"\x85", None),
    (rb"^\w$", b"\xe9", None),
    (rb"^\h+$", b"\xa0 \t", [(0, 3)]),
    (rb"^\v+$", b"\x0b\x85", [(0, 2)]),
    (rb"^\R$", b"\r\n", [(0, 2)]),
    (rb"^\R\n", b"\r\n", None),  # atomic
    (rb"^\N$", b"\n", None),
    (rb"^[[:punct:]][[:^alpha:]]$", b"$1", [(0, 2)]),
    (rb"^\p{Lu}\p{^L}\PN$", b"A1b", [(0, 3)]),
    (rb"^\p{L}$", b"\xe9", [(0, 1)]),
    (rb"^[]a]+$", b"]a", [(0, 2)]),
    (rb"^[^]a]+$", b"b", [(0, 1)]),
    (rb"^[a-]+$", b"a-", [(0, 2)]),
    (rb"^[\w.-]+$", b"a-.", [(0, 3)]),
    (rb"^[\Qa-z\E]+$", b"a-z", [(0, 3)]),
    (rb"^[\b]$", b"\x08", [(0, 1)]),
    (rb"^[^\W\d]$", b"a", [(0, 1)]),
    # Escapes.
    (rb"^\x41\x{42}\103\o{104}\cA\e\0$", b"ABCD\x01\x1b\0", [(0, 7)]),
    (rb"^\xg$", b"\0g", [(0, 2)]),
    (rb"^\18$", b"\x018", [(0, 2)]),
    (rb"a\_\<\/b", b"a_</b", [(0, 5)]),
    (rb"^\Qa+\E+$", b"a+++", [(0, 4)]),
    ("é".encode(), "é".encode(), [(0, 2)]),
    # Case.
    (rb"A", b"a", None),
    (rb"(?i)^\xe9$", b"\xc9", None),
    (rb"^(?i)a(?-i)b$", b"Ab", [(0, 2)]),
    (rb"^(a(?i)b|c)$", b"C", [(0, 1), (0, 1)]),  # to the end of the group, in all its branches
    (rb"^(?:a|(?i)b|c)$", b"C", [(0, 1)]),
    (rb"^(?i:A)a$", b"aa", [(0, 2)]),
    (rb"(?i)[^a]", b"A", None),
    (rb"(?^)^.$", b"\n", None),
    # Repeats.
    (rb"^a{,3}$", b"aa", [(0, 2)]),
    (rb"^a{ 1 , 3 }$", b"aa", [(0, 2)]),
    (rb"^a{,}$", b"a{,}", [(0, 4)]),
    (rb"^a{2", b"a{2", [(0, 3)]),
    (rb"^a{0}b$", b"b", [(0, 1)]),
    (rb"a{1200}", b"a" * 1500, [(0, 1200)]),
    (rb"^a{2,1500}$", b"a" * 1501, None),
    (rb"(a){1200}(b)", b"a" * 1200 + b"b", [(0, 1201), (1199, 1200), (1200, 1201)]),
    (rb"(a){0}(b)", b"b", [(0, 1), (-1, -1), (0, 1)]),
    (rb"a+?", b"aa", [(0, 1)]),
    (rb"(?U)a+", b"aa", [(0, 1)]),
    (rb"a++a", b"aaa", None),
    (rb"\s*+;\s*+b", b"  ;  b", [(0, 6)]),
    (rb"^(?>a+)ab", b"aaab", None),
    (rb"(?>a|ab)", b"ab", [(0, 1)]),
    # Groups.
    (rb"(a)|(b)", b"b", [(0, 1), (-1, -1), (0, 1)]),
    (rb"^(a|ab)(c|bcd)(d*)$", b"abcd", [(0, 4), (0, 1), (1, 4), (4, 4)]),
    (rb"(?<n>a)(?P<m>b)(?'o'c)", b"abc", [(0, 3), (0, 1), (1, 2), (2, 3)]),
    (rb"(?n)(a)(?<x>b)", b"ab", [(0, 2), (1, 2)]),
    (rb"a(?#x)+", b"aaa", [(0, 3)]),
    (b"(?x)^a b # c\n c$", b"abc", [(0, 3)]),
    # What RE2 cannot say.
    (rb"^(a)\1\g1\g{-1}$", b"aaaa", [(0, 4), (0, 1)]),
    (rb"^(?<n>a)\k<n>(?P=n)$", b"aaa", [(0, 3), (0, 1)]),
    (rb"^(?i)(a)\1$", b"aA", [(0, 2), (0, 1)]),
    (rb"^(?:(a)|b)\1$", b"b", None),  # a group that took no part matches nothing
    (rb"(?<=a|bc)d", b"bcd", [(2, 3)]),
    (rb"a(?!b)", b"abac", [(2, 3)]),
    (rb"^(?=(a+))\1b", b"aab", [(0, 3), (0, 2)]),
]


@pytest.mark.parametrize(("source", "value", "expected"), CASES)
def test_a_pattern_matches(source, value, expected):
    assert searcher(Pattern.compile(source))(value, 0) == expected


@pytest.mark.parametrize(("source", "value", "expected"), CASES)
def test_the_bounded_engine_agrees(source, value, expected):
    pattern = Pattern.compile(source)
    found = regex.compile(pattern.bounded, regex.VERSION0).search(value)
    assert (found and [found.span(group) for group in range(pattern.groups + 1)]) == expected


WITHOUT_RE2 = [
    *(rb"(a)\1", rb"a(?=b)", rb"(?<!a)b", rb"a++a", rb"(?>ab?)b", rb"\R\n", rb"\w*+\b"),
]
WITH_RE2 = [
    *(rb"a++b", rb"a*+", rb"a++$", rb"[^'\n]++(?:'|$)", rb"(?>ab?)", rb"\Ra", rb"(?:ab|a)++", rb"a{2,3}+(?:b|\z)"),
    *(rb"a\Z", rb"(?-m)a$"),
]


@pytest.mark.parametrize("source", WITHOUT_RE2)
def test_these_need_the_bounded_engine(source):
    assert Pattern.compile(source).re2 is None


@pytest.mark.parametrize("source", WITH_RE2)
def test_these_do_not(source):
    assert Pattern.compile(source).re2 is not None


def test_a_pattern_is_read_once():
    assert Pattern.compile(b"a|b") is Pattern.compile(b"a|b")
