"""Prefilter ⊇ exact: whatever a pattern matches, its expressions for Hyperscan match, however values are joined."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import hyperscan
import pytest

from stockade.waf.operators import rx
from stockade.waf.operators.patterns import Pattern
from stockade.waf.scanner import Expression
from tests.waf.operators.files import NONE
from tests.waf.operators.rule_patterns import COUNT, patterns
from tests.waf.operators.samples import disturbed, sample
from tests.waf.operators.test_pattern_examples import CASES

EACH = 40
NEIGHBOURS = (b"", b"a", b"_", b"\n", b"0 ", b"\xff", b"<", b"select", b"\r\n")
# How many patterns of the rule set have no prefilter: those that may match the empty value.
WITHOUT = {b"^.*$", b"^$", b"^0?$", b"^(?:|customize_save|update-widget)$", rb".*?(\.[a-z0-9]{1,10})?$"}


def scanner(expressions: list[Expression]) -> Callable[[bytes], bool]:
    """Whether one of them matches. Compiled here, for the cache is for what is used again."""
    count = len(expressions)
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[expression.source for expression in expressions],
        ids=list(range(count)),
        elements=count,
        flags=[expression.flags for expression in expressions],
    )

    def scan(value: bytes) -> bool:
        hits: list[int] = []
        database.scan(value, lambda number, *_: hits.append(number))
        return bool(hits)

    return scan


def joined(value: bytes, random: Random) -> bytes:
    values = [value]
    for _ in range(random.choice((0, 1, 1, 2))):
        values.insert(random.randint(0, len(values)), random.choice(NEIGHBOURS))
    return b"\n".join(values)


def check(pattern: Pattern, expressions: list[Expression], each: int, random: Random) -> int:
    """Every match is found in the joined values, and where CASELESS stands for `lowercase`. Counts matches."""
    test = rx.make(pattern.source, NONE)
    scan = scanner(expressions)
    caseless = [expression._replace(caseless=True) for expression in expressions]
    blind = scan if caseless == expressions else scanner(caseless)
    matched = 0
    for _ in range(each):
        value = disturbed(sample(pattern.tree, random), random)
        if test(value) is not None:
            matched += 1
            assert scan(joined(value, random)), (pattern.source, value)
        if test(value.lower()) is not None:
            assert blind(joined(value.swapcase(), random)), (pattern.source, value)
    return matched


def test_examples():
    random = Random(8)
    found = [Pattern.compile(source) for source in dict.fromkeys(source for source, *_ in CASES)]
    filtered = [pattern for pattern in found if pattern.expressions is not None]
    assert len(filtered) > len(found) * 0.8
    assert sum(check(pattern, pattern.expressions or [], 100, random) for pattern in filtered) > 1000


def test_all_patterns_of_the_core_rule_set():
    random = Random(9)
    assert len(patterns()) == COUNT
    filtered = [pattern for pattern in patterns() if pattern.expressions is not None]
    assert {pattern.source for pattern in set(patterns()) - set(filtered)} == WITHOUT
    matched = sum(check(pattern, pattern.expressions or [], EACH, random) for pattern in filtered)
    assert matched > COUNT * EACH * 0.4


@pytest.mark.parametrize("source", [rb"a*", rb"^$", rb"(?=a)", rb"(?:a|b?)", rb"\b", rb"a{0,3}$"])
def test_what_may_match_the_empty_value_has_no_prefilter(source):
    assert Pattern.compile(source).expressions is None


# (pattern, a value that it does not match and its prefilter need not, either)
PRECISE = [
    (rb"(?i)\bselect\b", b"selection"),
    (rb"^abc$", b"xabc"),
    (rb"a[^b]c", b"abc"),
    (rb"(a|b)\1", b"ac"),
    (rb"\d{3,}", b"12"),
    (rb"x(?=y)", b"y"),
]


@pytest.mark.parametrize(("source", "value"), PRECISE)
def test_prefilters_are_not_idle(source, value):
    expression = Pattern.compile(source).prefilter
    assert expression is not None
    assert not expression.approximate
    assert not scanner([expression])(value)


def test_flags_of_the_caller_change_nothing():
    """An expression says itself what its edges and sets mean."""
    expression = Pattern.compile(rb"^a.c$").prefilter
    assert expression is not None
    hits: list[int] = []
    for flags in (0, hyperscan.HS_FLAG_DOTALL, hyperscan.HS_FLAG_MULTILINE):
        one = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        one.compile(expressions=[expression.source], ids=[flags], elements=1, flags=[flags])
        one.scan(b"x\na\nc\ny", lambda number, *_: hits.append(number))
    assert sorted(set(hits)) == [0, hyperscan.HS_FLAG_DOTALL, hyperscan.HS_FLAG_MULTILINE]
