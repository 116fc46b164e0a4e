"""`stockade waf test`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stockade.cli.display import print_json
from stockade.cli.options import AsJson

if TYPE_CHECKING:
    from stockade.waf.ftw import Case, Outcome

app = typer.Typer(
    help="The web application firewall: test its rules.\n\n\b\nExample: stockade waf test tests --rules 'rules/*.conf'",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_SUFFIXES = ("*.yaml", "*.yml")

Rules = Annotated[
    list[str] | None,
    typer.Option(metavar="GLOB", help="Rule files, quoted; crs: the CRS that is installed (default); builtin."),
]
Setup = Annotated[Path | None, typer.Option(metavar="FILE", exists=True, help="What comes before: crs-setup.conf.")]
Include = Annotated[str, typer.Option(metavar="REGEX", help="Only tests whose names match.")]
Exclude = Annotated[
    str,
    typer.Option(metavar="REGEX|FILE", help="Not those that match; or a YAML file of tests that may fail, and why."),
]


@app.callback()
def waf() -> None:
    """The group; without it the only command would stand for it."""


@app.command("test")
def run_tests(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", exists=True, help="FTW test files, or folders.")],
    rules: Rules = None,
    setup: Setup = None,
    paranoia: Annotated[int, typer.Option(min=1, max=4, help="The paranoia level.")] = 4,
    url: Annotated[str, typer.Option(metavar="URL", help="Test a running gateway, in place of rules.")] = "",
    log: Annotated[Path, typer.Option(metavar="FILE", help="Its decision log.")] = Path("decisions.jsonl"),
    header: Annotated[str, typer.Option(help="The header that names a test in the log.")] = "x-crs-test",
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for its answer.")] = 3.0,
    include: Include = "",
    exclude: Exclude = "",
    as_json: AsJson = False,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit XML as well.")] = None,
) -> None:
    """Run FTW tests, the format of CRS's regression tests, against rules or against a running gateway.

    Rules only detect here. A gateway needs `log: {headers: [x-crs-test]}` in its policy, and an upstream that answers.
    Exit status 1: a test fails, or one passes that is listed as failing; 2: tests or rules cannot be read.

    \b
    Example: stockade waf test regression/tests --rules crs --include ^942
    """
    from stockade.cli.waf_report import as_dict, show

    chosen = _chosen(_cases(paths), include, "" if _is_file(exclude) else exclude)
    reasons = _reasons(Path(exclude)) if _is_file(exclude) else {}
    with _progress(len(chosen)) as step:
        if url:
            outcomes = _live(chosen, reasons, url, log, header, timeout, step)
        else:
            outcomes = _in_process(chosen, reasons, rules or ["crs"], setup, paranoia, step)
    if junit is not None:
        _write_junit(junit, outcomes)
    if as_json:
        print_json(as_dict(outcomes))
    else:
        show(outcomes)
    sys.exit(1 if any(outcome.verdict in ("failed", "unused") for outcome in outcomes) else 0)


# What is tested.


def _cases(paths: Iterable[Path]) -> list[Case]:
    from stockade.cli.waf_report import fail
    from stockade.waf.ftw import parse

    parsed = [parse(_text(file), str(file)) for file in _files(paths)]
    problems = [problem for one in parsed for problem in one.problems]
    if problems:
        fail(map(str, problems))
    return [case for one in parsed for case in one.cases]


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(file for suffix in _SUFFIXES for file in path.rglob(suffix))
        else:
            yield path


def _text(file: Path) -> str:
    from stockade.cli.waf_report import fail

    try:
        return file.read_text("utf-8")
    except OSError as error:
        fail([f"{file}: cannot be read: {error.strerror}"])
    except UnicodeDecodeError:
        fail([f"{file}: not UTF-8"])


def _chosen(cases: list[Case], include: str, exclude: str) -> list[Case]:
    from stockade.cli.waf_report import fail

    wanted = _pattern(include, "--include")
    unwanted = _pattern(exclude or r"\Z.", "--exclude")
    chosen = [case for case in cases if wanted.search(case.name) and not unwanted.search(case.name)]
    if not chosen:
        fail([f"none of {len(cases)} tests is left" if cases else "there are no tests in these files"])
    return chosen


def _pattern(text: str, option: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise typer.BadParameter(f"{text!r} is not a regular expression: {error}", param_hint=option) from None


def _is_file(text: str) -> bool:
    return bool(text) and Path(text).is_file()


def _reasons(file: Path) -> Mapping[str, str]:
    from stockade.cli.waf_report import fail
    from stockade.waf.ftw import parse_exclusions

    reasons, problems = parse_exclusions(_text(file), str(file))
    if problems:
        fail(map(str, problems))
    return reasons


# How it is tested.


def _in_process(
    cases: list[Case],
    reasons: Mapping[str, str],
    rules: list[str],
    setup: Path | None,
    paranoia: int,
    step: Callable[[], None],
) -> list[Outcome]:
    from stockade.cli.waf_rules import inspector
    from stockade.waf.ftw import in_process, run

    inspect = inspector(rules, setup, paranoia)
    outcomes = []
    for outcome in run(cases, in_process(inspect), reasons):
        outcomes.append(outcome)
        step()
    return outcomes


def _live(
    cases: list[Case],
    reasons: Mapping[str, str],
    url: str,
    log: Path,
    header: str,
    timeout: float,
    step: Callable[[], None],
) -> list[Outcome]:
    from stockade.cli.waf_live import Live, NoGateway
    from stockade.cli.waf_report import fail
    from stockade.waf.ftw import judge

    try:
        live = Live(url, log, header, timeout)
        return [judge(case, seen, reasons, refusal_protects=True) for case, seen in live.play(cases, step)]
    except NoGateway as error:
        fail([str(error)])


@contextmanager
def _progress(count: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, nothing anywhere else."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("testing", total=count)
        yield lambda: progress.advance(task)


def _write_junit(file: Path, outcomes: Iterable[Outcome]) -> None:
    from stockade.cli.waf_report import fail
    from stockade.waf.ftw import junit

    try:
        file.write_text(junit(outcomes), "utf-8")
    except OSError as error:
        fail([f"{file}: cannot be written: {error.strerror}"])
