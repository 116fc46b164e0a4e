"""The engine comes to what the rules come to one after the other, on rule sets that nobody would write."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings

from tests.waf.engine.grammar import Play, plays
from tests.waf.engine.plain import Both

EXAMPLES = int(os.environ.get("STOCKADE_EXAMPLES", "200"))


@given(plays())
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_small_rule_sets(play: Play) -> None:
    both = Both.load(text=play.rules, variables=play.variables)
    for number, (request, response) in enumerate([*play.messages, *play.messages]):
        assert not both.differences(request, response), f"message {number}"
