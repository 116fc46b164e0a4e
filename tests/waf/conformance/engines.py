"""The engines that can be put to CRS's tests, each as what `in_process` asks for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stockade.waf.ftw import Inspect, Seen, observed
from stockade.wire import Request, Response


def stockade(files: list[Path]) -> Inspect:
    from stockade.waf import RuleSet

    rules = RuleSet.load(files)

    def inspect(request: Request, response: Response) -> Seen:
        return observed(rules.inspect(request, response), response)

    return inspect


def libmodsecurity(files: list[Path]) -> Inspect:
    from tests.waf.peers.libmodsecurity import LibModSecurity

    return LibModSecurity(files).inspect


ENGINES: dict[str, Callable[[list[Path]], Inspect]] = {"stockade": stockade, "libmodsecurity": libmodsecurity}
