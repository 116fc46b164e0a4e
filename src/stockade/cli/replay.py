"""`stockade replay`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from stockade.cli.display import print_json, print_table
from stockade.cli.options import DEFAULT_POLICY, AsJson, Policy, check_address

if TYPE_CHECKING:
    from stockade.gateway.dry_run import Decision, DryRun
    from stockade.gateway.recordings import Recorded

_SHOWN = 50
Client = Annotated[
    str,
    typer.Option(callback=check_address, metavar="ADDRESS", help="The address to assume where the recording has none."),
]


class Outcome(Struct, frozen=True):
    """What was decided then, and what would be now. `was` is empty where the recording does not say."""

    line: int
    method: str
    path: str
    api: str
    was: str
    action: str
    status: int | None
    control: str | None
    rules: list[str]
    newly_refused: bool
    newly_allowed: bool


def replay(
    file: Annotated[Path, typer.Argument(metavar="RECORDING", help="A HAR file, or a decision log.")],
    client: Client = "127.0.0.1",
    policy: Policy = DEFAULT_POLICY,
    as_json: AsJson = False,
) -> None:
    """Run recorded requests through the policy and report what would be decided; nothing is made or changed.

    A decision log holds no credentials, queries or bodies: the principal that was recorded is taken as proven, and what
    was refused for its query or body passes. Exit status 1: a request
    would be refused that was allowed when it was recorded (or, in a HAR file, any request would be refused).

    \b
    Example: stockade replay decisions.jsonl --policy new.yaml
    """
    from stockade.config import build, load
    from stockade.gateway.dry_run import DryRun
    from stockade.gateway.recordings import read_recordings

    loaded = load(policy, passive=True)
    built = build(loaded)
    recordings = sorted(read_recordings(file, client), key=_moment)  # a log is in the order of the responses
    run = DryRun(loaded, built)
    try:
        outcomes = [_outcome(recorded, _decide(run, recorded)) for recorded in _with_progress(recordings)]
    finally:
        run.close()
    refused = [outcome for outcome in outcomes if outcome.newly_refused]
    if as_json:
        print_json({"requests": len(outcomes), "newly_refused": len(refused), "decisions": outcomes})
    else:
        _show(outcomes, refused)
    sys.exit(1 if refused else 0)


def _with_progress(recordings: list[Recorded]) -> Iterable[Recorded]:
    """The same, with a bar on a terminal and without one anywhere else."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(recordings, "replaying", console=console, transient=True, disable=not console.is_terminal)


def _moment(recorded: Recorded) -> float:
    from stockade.wire import BadRequest

    request = recorded.request
    return request.request.at if isinstance(request, BadRequest) else request.at


def _decide(run: DryRun, recorded: Recorded) -> Decision:
    from stockade.vocabulary import Principal
    from stockade.wire import BadRequest

    request = recorded.request
    if isinstance(request, BadRequest):
        return run.refuse(request)
    if not recorded.api:
        return run.decide(request, recorded.body)
    route = next((route for route in run.policy.routes if route.api == recorded.api), None)
    if route is None or recorded.principal is None:
        return run.decide(request, route=route)
    who = Principal(recorded.principal, "recorded")
    return run.decide(request, route=route.without("authentication"), who=who)


def _outcome(recorded: Recorded, decision: Decision) -> Outcome:
    from stockade.redaction import redact_path
    from stockade.wire import BadRequest

    request = recorded.request.request if isinstance(recorded.request, BadRequest) else recorded.request
    was = recorded.action or "allow"
    return Outcome(
        line=recorded.line,
        method=request.method,
        path=redact_path(request.path),
        api=decision.api,
        was=recorded.action,
        action=decision.action,
        status=decision.status,
        control=decision.control,
        rules=[finding.rule for said in decision.said if said.verdict != "pass" for finding in said.findings],
        newly_refused=was == "allow" and decision.action != "allow",
        newly_allowed=was != "allow" and decision.action == "allow",
    )


def _show(outcomes: list[Outcome], refused: list[Outcome]) -> None:
    counts = Counter((outcome.was or "-", outcome.action, outcome.control or "") for outcome in outcomes)
    print_table(("was", "now", "control", "requests"), [(*key, str(count)) for key, count in sorted(counts.items())])
    if not refused:
        return
    rows = [(str(o.line), o.method, o.path, o.action, o.control or "", " ".join(o.rules)) for o in refused[:_SHOWN]]
    typer.echo()
    print_table(("line", "method", "path", "now", "control", "reason"), rows, title="Newly refused")
    if len(refused) > _SHOWN:
        typer.echo(f"(+{len(refused) - _SHOWN} more; --json shows all)")
