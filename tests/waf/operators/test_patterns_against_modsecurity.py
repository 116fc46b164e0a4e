"""PCRE2, in libmodsecurity, and we find the same match with the same groups, in values made to measure."""

from __future__ import annotations

import re
from random import Random

import pytest

from stockade.waf.operators import rx
from stockade.waf.operators.patterns import Pattern
from tests.waf.operators.files import NONE
from tests.waf.operators.rule_patterns import COUNT, patterns
from tests.waf.operators.samples import disturbed, sample
from tests.waf.operators.test_pattern_examples import CASES
from tests.waf.transformations.oracle import answer

EACH = 25


def compared(pattern: Pattern, value: bytes) -> bool:
    """Whether both say the same; True where the value matches."""
    hit = rx.make(pattern.source, NONE)(value)
    try:
        said = answer("rx", pattern.source.decode("utf-8", "surrogateescape"), value)
    except UnicodeDecodeError:  # the binding cannot show what was captured, but it matched
        assert hit is not None, (pattern.source, value)
        return True
    assert (said is None) is (hit is None), (pattern.source, value)
    if said is not None and hit is not None:
        places = [(int(start), int(size)) for start, size in re.findall(r"o(\d+),(\d+)", said[0])]
        assert places[0] == (hit.offset, hit.length), (pattern.source, value)
        assert len(places) == sum(capture is not None for capture in hit.captures), (pattern.source, value)
    return hit is not None


@pytest.mark.parametrize("source", sorted({source for source, *_ in CASES}))
def test_examples(source):
    pattern = Pattern.compile(source)
    random = Random(6)
    for _ in range(EACH):
        value = disturbed(sample(pattern.tree, random), random)
        if value:
            compared(pattern, value)


def test_all_patterns_of_the_core_rule_set():
    assert len(patterns()) == COUNT
    random = Random(7)
    matched = tried = 0
    for pattern in patterns():
        for _ in range(EACH):
            value = disturbed(sample(pattern.tree, random), random)
            if value:
                matched += compared(pattern, value)
                tried += 1
    assert tried > COUNT * EACH * 0.95
    assert tried * 0.4 < matched < tried * 0.9
