"""A Hyperscan that misses matches runs no rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from stockade.waf import BadRules, RuleSet, databases

RULE = 'SecRule ARGS "@rx a" "id:1,phase:2,deny"'


class Blind:
    """As Vectorscan 5.4.12 is for some texts."""

    def scan(self, text: bytes, note: Callable[..., None]) -> None:
        pass


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    databases.trouble.cache_clear()
    yield
    databases.trouble.cache_clear()


def test_the_installed_one_is_trusted() -> None:
    assert databases.trouble() == ""
    assert len(RuleSet.load(text=RULE).program) == 1


def test_one_that_misses_matches_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "compiled", lambda expressions: Blind())
    with pytest.raises(BadRules, match=r"^hyperscan: version .* misses matches; install hyperscan>="):
        RuleSet.load(text=RULE)
