"""CRS's tests against an engine, by hand: `python -m tests.waf.conformance.run [--engine libmodsecurity] [REGEX]`.

Prints every case that fails with what was expected and what matched, then how many passed.
"""

# ruff: noqa: T201 - a command for people

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from stockade.waf.ftw import Case, Inspect, Outcome, Seen, in_process, judge
from tests.waf.conformance import crs
from tests.waf.conformance.engines import ENGINES


def main() -> int:
    options = _options()
    excluded = crs.exclusions(options.engine) if options.exclusions else {}
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        inspect = ENGINES[options.engine](crs.rule_files(Path(folder), options.rules, options.setup))
        loaded = time.perf_counter()
        chosen = [case for case in crs.cases(options.tests) if re.search(options.only, case.name)]
        outcomes = list(_run(chosen, inspect, excluded))
    for outcome in outcomes:
        if outcome.verdict in ("failed", "unused"):
            print(crs.describe(outcome))
        if options.log:
            print(*(line for seen in outcome.seen for line in seen.log), sep="\n")
    counts = Counter(outcome.verdict for outcome in outcomes)
    print(f"loaded in {loaded - began:.1f} s, played in {time.perf_counter() - loaded:.1f} s")
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()), f"of {len(outcomes)}:", end=" ")
    print(f"{100 * counts['passed'] / max(1, len(outcomes)):.2f} % passed")
    return 1 if counts["failed"] or counts["unused"] else 0


def _run(cases: list[Case], inspect: Inspect, excluded: dict[str, str]) -> Iterator[Outcome]:
    play = in_process(inspect)
    for case in cases:
        try:
            seen = play(case)
        except Exception as error:  # noqa: BLE001 - the other cases are still worth running
            place = traceback.extract_tb(error.__traceback__)[-1]
            told = f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
            seen = [Seen(error=told) for _ in case.stages]
        yield judge(case, seen, excluded)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="?", default="", metavar="REGEX", help="cases whose names match")
    parser.add_argument("--engine", choices=ENGINES, default="stockade")
    parser.add_argument("--exclusions", action="store_true", help="honour the list of exclusions")
    parser.add_argument("--log", action="store_true", help="print the log lines of each case")
    parser.add_argument("--rules", type=Path, default=crs.RULES, help="another CRS's folder of rules")
    parser.add_argument("--setup", type=Path, default=crs.SETUP)
    parser.add_argument("--tests", type=Path, default=crs.TESTS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
