"""`stockade policy`: test and analyse who may do what."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from stockade.cli.display import print_json, print_table
from stockade.cli.options import DEFAULT_POLICY, AsJson, Policy

app = typer.Typer(
    help="Who may do what: test it, analyse it.\n\n\b\nExample: stockade policy test cases.yaml",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("test")
def run_cases(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files of cases.")],
    policy: Policy = DEFAULT_POLICY,
    as_json: AsJson = False,
) -> None:
    """Run cases (a request, a principal, what must be decided and by which policy) against the authorization section.

    Every Cedar decision is made twice, by Stockade's evaluator and by Cedar's own engine; where they differ, the case
    fails. Exit status 1: a case fails; 2: policy or cases cannot be used.

    \b
    Example: stockade policy test cases.yaml --policy stockade.yaml
    """
    from stockade.cli.policy_cases import read_cases, run_case
    from stockade.config import BadConfig, build, load

    built = build(load(policy, passive=True))
    problems, cases = [], []
    for file in files:
        try:
            cases += read_cases(file)
        except BadConfig as error:
            problems += error.problems
    if problems:
        raise BadConfig(problems)
    outcomes = [run_case(built.policy, case) for case in cases]
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if as_json:
        print_json({"cases": len(outcomes), "failed": len(failed), "outcomes": outcomes})
    else:
        rows = [(each.where, each.name, each.expected, each.decided, each.reason) for each in failed]
        if rows:
            print_table(("case", "name", "expected", "decided", "why"), rows)
        typer.echo(f"{len(outcomes) - len(failed)} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


@app.command()
def analyse(policy: Policy = DEFAULT_POLICY, as_json: AsJson = False) -> None:
    """List policies that can never decide anything, and operations that nobody may call.

    "proved" is certain, whatever a request or a token holds; "likely" holds as far as the policy file knows who has
    which role. Exit status 1: something was found.

    \b
    Example: stockade policy analyse --policy stockade.yaml
    """
    from stockade.cli.policy_analysis import analyse_route
    from stockade.config import build, load

    loaded = load(policy, passive=True)
    built = build(loaded)
    found = [each for api, route in built.homes(loaded) for each in analyse_route(api, route)]
    if as_json:
        print_json({"findings": found})
    elif found:
        rows = [(each.certainty, each.what, each.subject, each.why, each.where) for each in found]
        print_table(("certainty", "what", "which", "why", "where"), rows)
    else:
        typer.echo("nothing was found")
    sys.exit(1 if found else 0)
