"""rx within its bounds: time, threads, and values that no regular expression should slow down."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from stockade.waf.operators import BadArgument, pm, rx, rx_global
from stockade.waf.operators.patterns import Pattern
from tests.waf.operators.files import NONE


def test_a_value_that_takes_too_long_counts_as_a_match_and_is_logged(caplog):
    source, value = rb"((a|b)+)+(?<!a)(?<!b)", b"ab" * 100
    for operator in (rx, rx_global):
        hit = operator.make(source, NONE)(value)
        assert hit is not None
        assert hit.overrun
        assert (hit.offset, hit.length) == (0, 200)
    assert "a value of 200 bytes took the pattern" in caplog.text


def test_a_guard_keeps_benign_values_from_the_bounded_engine(monkeypatch):
    monkeypatch.setattr(rx, "_deadlined", lambda pattern: lambda value, start: 1 / 0)
    assert rx.make(rb"union(?=\s)", NONE)(b"hello world") is None


def test_linear_time_whatever_the_value():
    """What would be quadratic or worse would not end."""
    value = b"a" * 200_000
    assert rx.make(rb"(a+)+$", NONE)(value) is not None
    for source in (rb"(?:a|aa)+b", rb".*.*.*x", rb"(\w+\s?)+!", rb"<[^>]*>[^<]*</"):
        hit = rx.make(source, NONE)(value)
        assert hit is None or not hit.overrun


def test_patterns_that_would_grow_beyond_bounds_are_kept_small():
    """A macro may put what a client sends into a pattern."""
    for source in (
        rb"(?:(?:(?:a{60000}){60000}){60000}){60000}",
        b"(a)" + rb"(\1\1)" * 2 + rb"\2" * 3000,
        b"((((a" * 15,
    ):
        try:
            pattern = Pattern.compile(source)
        except BadArgument:
            continue
        assert len(pattern.re2 or b"") < 1_000_000
        assert all(len(form.source) < 1_000_000 for form in pattern.forms())


def test_rx_global_stops_at_a_thousand_captures():
    hit = rx_global.make(rb"a", NONE)(b"a" * 5000)
    assert hit is not None
    assert len(hit.captures) == 1000


def test_phrases_are_found_from_many_threads_at_once():
    test = pm.make(b"needle thread", NONE)
    values = [b"hay " * 5000 + (b"needle" if number % 2 else b"") for number in range(64)]
    with ThreadPoolExecutor(8) as pool:
        hits = list(pool.map(test, values))
    assert [hit is not None for hit in hits] == [bool(number % 2) for number in range(64)]
