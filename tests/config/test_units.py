"""The values that texts stand for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.config.base import FromEnvironment
from stockade.config.errors import did_you_mean, written
from stockade.config.units import (
    parse_count,
    parse_duration,
    parse_flag,
    parse_positive_duration,
    parse_quota,
    parse_rate,
    parse_size,
    size_text,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0), ("250ms", 0.25), ("1.5m", 90), ("2 h", 7200), ("90d", 7776000), ("5min", 300)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"), [("0B", 0), ("1KB", 1000), ("1KiB", 1024), ("1.5MiB", 1572864), ("2 GB", 2 * 10**9)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "rate"), [("50/s", (50, 1)), ("30/min", (30, 60)), ("9 / hour", (9, 3600)), ("1/day", (1, 86400))]
)
def test_rates(text: str, rate: tuple[int, float]) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    ("text", "quota"), [("5/s", (5, "second")), ("10000/day", (10000, "day")), ("1/month", (1, "month"))]
)
def test_quotas(text: str, quota: tuple[int, str]) -> None:
    assert parse_quota(text) == quota


def test_numbers_and_flags_may_come_from_the_environment() -> None:
    assert parse_count(FromEnvironment("12", "${N}")) == 12
    assert parse_flag(FromEnvironment("false", "${F}")) is False
    for value in ("12", True, 1.0, FromEnvironment("-1", "${N}")):
        with pytest.raises(ValueError, match="is not a whole number"):
            parse_count(value)
    for flag in ("true", 1, FromEnvironment("yes", "${F}")):
        with pytest.raises(ValueError, match="is not true or false"):
            parse_flag(flag)


@given(st.one_of(st.text(max_size=40), st.from_regex(r"[0-9]{1,30}(\.[0-9]{1,30})?[a-zA-Z/]{1,4}", fullmatch=True)))
def test_every_text_has_a_finite_value_or_a_reason(text: str) -> None:
    parsers: list[Callable[[str], Any]] = [parse_duration, parse_size, parse_rate, parse_quota]
    for parse in (*parsers, parse_positive_duration):
        with suppress(ValueError):
            value = parse(text)
            parts = value if isinstance(value, tuple) else (value,)
            assert all(0 <= part < 1e16 for part in parts if not isinstance(part, str))


@given(st.integers(0, 1 << 50))
def test_a_size_reads_back(size: int) -> None:
    assert parse_size(size_text(size)) == size


def test_hints() -> None:
    assert did_you_mean("Firewal", ["firewall", "limits"]) == " (did you mean 'firewall'?)"
    assert did_you_mean("zzz", ["firewall"]) == ""


def test_values_as_written() -> None:
    assert [written(value) for value in (True, 1, "a", FromEnvironment("secret", "${A}"))] == [
        "true",
        "1",
        "'a'",
        "'${A}'",
    ]
    assert len(written("x" * 1000)) < 130
