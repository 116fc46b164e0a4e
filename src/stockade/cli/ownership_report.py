"""`stockade ownership report`: what was refused or would have been, and how far learning is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stockade.cli.display import print_json, print_table
from stockade.cli.options import DEFAULT_POLICY, AsJson, Policy

if TYPE_CHECKING:
    from stockade.config import Loaded
    from stockade.stores import Owners

_REFUSES = frozenset(
    {"not-declared", "not-owner", "walked", "unknown", "bad-id", "unproven", "no-id", "listed-anothers"}
)
_MOST_ROWS = 10_000
_MOST_PRINCIPALS = 10_000  # that are told apart, of a row
_LOG = Annotated[
    Path | None, typer.Argument(metavar="LOG", help="Decisions, a JSON object a line; default: the policy's own log.")
]


class _Row:
    def __init__(self, evidence: str, policy: str) -> None:
        self.requests = 0
        self.principals: set[str] = set()
        self.example = evidence
        self.policy = policy


def report(
    log: _LOG = None,
    policy: Policy = DEFAULT_POLICY,
    as_json: AsJson = False,
) -> None:
    """Show what was refused, what would have been, and when learning will be certain.

    \b
    Example: stockade ownership report decisions.jsonl
    """
    from stockade.config import load
    from stockade.stores import Owners

    loaded = load(policy, passive=True)
    if log is None and loaded.config.log.path == "-":
        raise typer.BadParameter("the policy's log is the standard output: name a file", param_hint="LOG")
    path = log or loaded.folder / loaded.config.log.path
    found = _rows(path) if log is not None or path.exists() else {}
    store = Owners(loaded.folder / loaded.config.owners.path, loaded.config.owners.objects, passive=True)
    try:
        kinds = list(_kinds(loaded, store, time.time()))
        table = {"entries": store.edges.used, "room": store.edges.room, "evicted": store.edges.evicted}
    finally:
        store.close()
    rows = [_as_dict(key, row) for key, row in sorted(found.items(), key=lambda each: -each[1].requests)]
    if as_json:
        print_json({"findings": rows, "kinds": kinds, "table": table})
        return
    _print(rows, ("api", "operation", "rule", "outcome", "requests", "principals", "policy", "example"))
    typer.echo()
    _print(kinds, ("kind", "since", "owners", "others", "refuses"))


def _print(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    print_table(columns, (tuple(str(row[name]) for name in columns) for row in rows))


def _rows(path: Path) -> dict[tuple[str, str, str, str], _Row]:
    rows: dict[tuple[str, str, str, str], _Row] = {}
    for record in _records(path):
        for finding in record.get("findings", ()):
            if finding.get("control") != "ownership":
                continue
            outcome = _outcome(record, finding)
            key = (record.get("api", ""), record.get("operation", ""), finding["rule"], outcome)
            row = rows.get(key)
            if row is None:
                if len(rows) >= _MOST_ROWS:
                    continue
                row = rows[key] = _Row(finding.get("evidence", ""), finding.get("policy", ""))
            row.requests += 1
            if len(row.principals) < _MOST_PRINCIPALS:
                row.principals.add(record.get("principal") or "")
    return rows


def _records(path: Path) -> Iterator[dict[str, Any]]:
    """Lines that are no records are passed over: a log ends where its writer was killed."""
    import msgspec

    try:
        stream = path.open("rb")
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be read: {error.strerror}", param_hint="LOG") from None
    with stream:
        for line in stream:
            if b'"ownership"' not in line:
                continue
            try:
                record = msgspec.json.decode(line, type=dict[str, Any])
            except msgspec.MsgspecError:
                continue
            findings = record.get("findings")
            if isinstance(findings, list) and all(isinstance(each, dict) and "rule" in each for each in findings):
                yield record


def _outcome(record: dict[str, Any], finding: dict[str, Any]) -> str:
    rule = finding["rule"]
    if rule == "not-owner-yet":
        return "would be refused once certain"
    if rule not in _REFUSES:
        return "noticed"
    if finding.get("monitor"):
        return "would be refused"
    return "refused" if record.get("control") == "ownership" else "noticed"


def _as_dict(key: tuple[str, str, str, str], row: _Row) -> dict[str, Any]:
    names = dict(zip(("api", "operation", "rule", "outcome"), key, strict=True))
    most = len(row.principals) >= _MOST_PRINCIPALS
    people = f"{_MOST_PRINCIPALS} or more" if most else len(row.principals)
    return {**names, "requests": row.requests, "principals": people, "policy": row.policy, "example": row.example}


def _kinds(loaded: Loaded, store: Owners, now: float) -> Iterator[dict[str, Any]]:
    from stockade.ownership import is_confident

    for api in loaded.config.apis:
        for item in api.ownership:
            ownership = item.ownership(api.name)
            if item.mode == "off" or not ownership.learned:
                continue
            since, owners, others = store.edges.learned(ownership.kind)
            wanted = ownership.wanted
            certain = is_confident(store.edges, ownership.kind, wanted, now)
            yield {
                "kind": ownership.kind,
                "since": moment(since),
                "owners": owners,
                "others": others,
                "refuses": _why(item.mode, certain, since + wanted.after - now if since else None, owners, wanted),
            }


def _why(mode: str | None, certain: bool, left: float | None, owners: int, wanted: Any) -> str:
    """Whether it refuses, and if not what it waits for."""
    if mode == "monitor":
        return "no: mode is monitor" + ("" if certain else ", and it is not certain yet")
    if certain:
        return "yes"
    if left is None:
        return "no: nothing was learned yet"
    if left > 0:
        return f"no: it learns for {left / 3600:.1f} h more"
    if owners < wanted.owners:
        return f"no: {owners} of {wanted.owners} principals have used their own"
    return "no: too many use what is not theirs; state share, move or exclusive"


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""
