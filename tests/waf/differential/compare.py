"""Two engines, one request: where they differ, and which differences are known.

By hand, over more requests or from another seed: `python -m tests.waf.differential.compare --count 20000 --seed 7`.
"""

# ruff: noqa: T201 - a command for people

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import yaml
from msgspec import Struct, convert

from stockade.waf.ftw import Inspect
from stockade.wire import Request, Response
from tests.waf.conformance import crs
from tests.waf.conformance.engines import libmodsecurity, stockade
from tests.waf.differential.requests import requests, responses

DIFFERENCES = Path(__file__).with_name("differences.yaml")
SEED, COUNT = 20240501, 4000
_OF_SCORES = frozenset({949110, 959100, 980120, 980130, 980140})
_SHOWN = 400


class Difference(Struct, frozen=True):
    """A rule that matched in one engine alone."""

    rule: int
    only: str  # "ours" or "theirs"
    both: frozenset[int]  # the rules that matched in both
    request: Request
    response: Response

    def __str__(self) -> str:
        request, response = self.request, self.response
        fields = " ".join(f"{name}: {value!r}" for name, value in request.headers)
        told = f"{request.method} {request.target!r} {fields} {request.body!r} → {response.body!r}"
        return f"{self.rule} matches in {self.only} alone, request {request.id}: {told[:_SHOWN]}"


class Known(Struct, frozen=True):
    """A difference that is as it should be. All that is given must hold; `rules` may be left out for any."""

    reason: str
    rules: tuple[int, ...] = ()
    only: str = ""  # in which engine the rule matches
    both: tuple[int, ...] = ()  # rules that both engines say matched
    where: str = ""  # a regular expression for the request

    def explains(self, difference: Difference) -> bool:
        return (
            (not self.rules or difference.rule in self.rules)
            and self.only in ("", difference.only)
            and difference.both.issuperset(self.both)
            and (not self.where or re.search(self.where.encode(), _raw(difference.request)) is not None)
        )


def _raw(request: Request) -> bytes:
    fields = "".join(f"{name}: {value}\r\n" for name, value in request.headers)
    return f"{request.method} {request.target} {request.version}\r\n{fields}\r\n".encode("latin-1") + request.body


def known() -> list[Known]:
    entries = yaml.safe_load(DIFFERENCES.read_text()) or []
    return convert(entries, list[Known])


def differences(ours: Inspect, theirs: Inspect, seed: int, count: int) -> Iterator[Difference]:
    for request, response in zip(requests(crs.cases(), seed, count), responses(seed), strict=False):
        mine, other = set(ours(request, response).ids), set(theirs(request, response).ids)
        both = frozenset(mine & other)
        if (mine ^ other) - _OF_SCORES:  # what scores differently must differ in these too
            mine, other = mine - _OF_SCORES, other - _OF_SCORES
        yield from (Difference(rule, "ours", both, request, response) for rule in sorted(mine - other))
        yield from (Difference(rule, "theirs", both, request, response) for rule in sorted(other - mine))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--rule", type=int, help="show the differences of this rule alone")
    parser.add_argument("--all", action="store_true", help="show those that are known as well")
    options = parser.parse_args()
    explained = [] if options.all else known()
    with tempfile.TemporaryDirectory() as folder:
        files = crs.rule_files(Path(folder))
        ours, theirs = stockade(files), libmodsecurity(files)
        counts: Counter[tuple[int, str]] = Counter()
        for difference in differences(ours, theirs, options.seed, options.count):
            if any(one.explains(difference) for one in explained) or options.rule not in (None, difference.rule):
                continue
            counts[difference.rule, difference.only] += 1
            if counts[difference.rule, difference.only] <= 3 or options.rule:
                print(difference)
    for (rule, only), count in counts.most_common():
        print(f"{rule} {only}: {count}")
    return 1 if counts else 0


if __name__ == "__main__":
    sys.exit(main())
