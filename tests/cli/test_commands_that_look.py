"""Every command that only looks leaves the policy's folder as it was: no key, log or database made, no byte changed."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.cli.conftest import Ended, Stockade
from tests.cli.test_script import COMMANDS
from tests.stores.test_migrations import BEFORE

EVERYTHING = """\
version: 1
listen: [{address: "127.0.0.1:8080"}]
log: {path: decisions.log}
secrets: {}
identity: {issuer: "https://auth.example.com"}
apis:
  - name: shop
    upstream: {url: "http://127.0.0.1:9000"}
    authentication:
      any_of:
        - api_key: {}
        - basic: {}
        - oauth2: {issuer: https://auth.example.com, audience: shop}
        - oidc: {issuer: http://127.0.0.1:1, client_id: shop, url: https://shop.example.com}
      anonymous: ["GET /health"]
    authorization: {rules: [{name: clerks, operations: ["GET /orders/{order}"], principals: [alice]}]}
    ownership:
      - {type: order, mode: monitor, id: path.order, operations: ["GET /orders/{order}"]}
"""
RECORD = {
    "time": "2026-01-01T00:00:00.000Z",
    "request_id": "r",
    "api": "shop",
    "client": "192.0.2.1",
    "method": "GET",
    "path": "/health",
    "operation": "GET /health",
    "action": "allow",
    "status": 200,
}
CASES = 'cases: [{request: "GET /orders/7", principal: {id: alice}, expect: allow}]\n'
RULES = 'SecRule ARGS "@rx attack" "id:1,phase:1,deny"\n'
FTW = """\
meta: {author: us, name: one.yaml}
tests:
  - test_title: 1-1
    stages: [{stage: {input: {uri: "/?a=attack", headers: {Host: a}}, output: {log_contains: id "1"}}}]
"""
GIVEN = {
    "stockade.yaml": EVERYTHING,
    "recorded.jsonl": json.dumps(RECORD) + "\n",
    "cases.yaml": CASES,
    "rules.conf": RULES,
    "one.yaml": FTW,
    "owners.jsonl": '{"kind": "shop/order", "id": "7", "owner": "principal:alice"}\n',
}

LOOKS: dict[str, list[list[str]]] = {
    "check": [[]],
    "schema": [[]],
    "explain": [
        ["GET", "/health"],
        ["GET", "/orders/7", "-H", "X-API-Key: stk_T9vTjNA81K74_none"],
        ["GET", "/orders/7", "-H", "Authorization: Basic YWxpY2U6aHVudGVyMg=="],
        ["GET", "/orders/7", "-H", "Authorization: Bearer nothing"],
        ["GET", "https://auth.example.com/oauth2/jwks"],
    ],
    "replay": [["recorded.jsonl"]],
    "policy test": [["cases.yaml"]],
    "policy analyse": [[]],
    "access report": [[], ["recorded.jsonl"]],
    "keys list": [[]],
    "keys usage": [[], ["--unused-for", "90d"]],
    "partners list": [[]],
    "partners show": [["acme"]],
    "certs list": [[]],
    "certs export": [[]],
    "clients list": [[]],
    "clients show": [["robot"]],
    "clients events": [[]],
    "clients audit": [[]],
    "users list": [[]],
    "users show": [["alice"]],
    "users audit": [[]],
    "users factors list": [["alice"]],
    "secrets status": [[]],
    "ownership show": [[], ["shop/order", "7"], ["shop/order", "--owner", "principal:alice"]],
    "ownership export": [[]],
    "ownership report": [[], ["recorded.jsonl"]],
    "waf test": [["one.yaml", "--rules", "rules.conf"]],
    "crs show": [[]],
}
CHANGES = {
    *("init", "up", "demo", "crs install", "grpc describe"),
    *("keys issue", "keys rotate", "keys revoke"),
    *("partners add", "partners change", "partners renew", "partners remove"),
    *("certs init", "certs sign", "certs renew", "certs revoke", "certs crl"),
    *("clients add", "clients rotate", "clients disable", "clients enable", "clients remove"),
    "clients rotate-signing-key",
    *("users add", "users disable", "users enable", "users unlock", "users remove", "users password", "users rights"),
    *("users factors app", "users factors recovery", "users factors remove"),
    *("secrets rotate", "secrets rewrap"),
    *("ownership forget", "ownership import"),
}
RUNS = [(*name.split(), *more) for name, runs in LOOKS.items() for more in runs]
ABSENT = {("partners", "show"), ("certs", "export"), ("clients", "show"), ("users", "show"), ("users", "factors")}
ABSENT_LOGS = {("access", "report")}  # the policy's own log is not there yet
Listing: TypeAlias = dict[str, tuple[int, int, bytes]]


def test_every_command_either_looks_or_changes() -> None:
    words = [" ".join(each) for each in COMMANDS]
    commands = {name for name in words if name and not any(other.startswith(f"{name} ") for other in words)}
    assert LOOKS.keys() | CHANGES == commands
    assert not LOOKS.keys() & CHANGES


def listing(folder: Path) -> Listing:
    """Every name in it and its own, with mode, time of change and content."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mode,
            path.stat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in (folder, *sorted(folder.rglob("*")))
    }


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a policy, and nothing that Stockade makes."""
    folder = tmp_path / "given"
    folder.mkdir()
    for name, text in GIVEN.items():
        (folder / name).write_text(text)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def _used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which one of everything was made."""
    from tests.commands import command

    folder = tmp_path_factory.mktemp("used")
    for name, text in GIVEN.items():
        (folder / name).write_text(text)
    for words in (
        ["keys", "issue", "--owner", "alice"],
        ["partners", "add", "acme", "--contact", "ops@acme.example", "--key"],
        ["certs", "init", "--name", "Shop"],
        ["clients", "add", "robot", "--id", "robot", "--grant", "client_credentials", "--audience", "shop"],
        ["users", "add", "alice", "--no-password"],
        ["users", "factors", "recovery", "alice"],
        ["ownership", "import", "owners.jsonl"],
    ):
        done = command(words, folder)
        assert done.status == 0, done
    (folder / "decisions.log").write_text(GIVEN["recorded.jsonl"])
    for name in ("command.out", "command.err"):
        (folder / name).unlink()
    return folder


@pytest.fixture
def used(_used: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "used"
    shutil.copytree(_used, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(autouse=True)
def _no_crs(monkeypatch: pytest.MonkeyPatch) -> None:
    """To compile all of its rules takes seconds; what is compiled is kept in the user's cache, not in this folder."""
    monkeypatch.setattr("stockade.config.crs.find_crs", lambda: None)


def only_looks(folder: Path, stockade: Stockade, words: tuple[str, ...]) -> Ended:
    before = listing(folder)
    ended = stockade(*words)
    assert listing(folder) == before
    return ended


@pytest.mark.parametrize("words", RUNS, ids=" ".join)
def test_where_nothing_was_made_yet(given: Path, stockade: Stockade, words: tuple[str, ...]) -> None:
    ended = only_looks(given, stockade, words)
    absent = words[:2] in ABSENT or words in ABSENT_LOGS
    assert ended.status in ((2,) if absent else (0, 1)), ended
    assert (len(ended.err.splitlines()) > 0) == (absent or words in (("check",), ("secrets", "status"))), ended


@pytest.mark.parametrize("words", RUNS, ids=" ".join)
def test_where_everything_is_there(used: Path, stockade: Stockade, words: tuple[str, ...]) -> None:
    assert {"stockade.db", "stockade.hash-key", "stockade.secret-key"} <= {path.name for path in used.iterdir()}
    ended = only_looks(used, stockade, words)
    assert (ended.status in (0, 1), ended.err) == (True, ""), ended


def test_a_key_that_is_there_is_seen(used: Path, stockade: Stockade) -> None:
    key = stockade("keys", "issue", "--owner", "bob", "--json").json()["key"]
    assert only_looks(used, stockade, ("explain", "GET", "/orders/7", "-H", f"X-API-Key: {key}")).status in (0, 1)
    assert "bob" in stockade("explain", "GET", "/orders/7", "-H", f"X-API-Key: {key}").out
    assert "shop/order" in stockade("ownership", "export").out
    assert "acme" in stockade("partners", "list").out


@pytest.mark.parametrize("words", RUNS, ids=" ".join)
def test_older_tables_stay_so(given: Path, stockade: Stockade, words: tuple[str, ...]) -> None:
    with closing(sqlite3.connect(given / "stockade.db")) as old:
        old.executescript(BEFORE)
    assert only_looks(given, stockade, words).status == 2 or words[:2] not in ABSENT


# What is no database of ours, or no more.

OPENS = [
    (*name.split(), *runs[-1])
    for name, runs in LOOKS.items()
    if name.split()[0] in ("check", "explain", "replay", "keys", "partners", "certs", "clients", "users", "secrets")
]


def _a_folder(file: Path) -> None:
    file.mkdir()


def _a_pipe(file: Path) -> None:
    os.mkfifo(file)


def _no_database(file: Path) -> None:
    file.write_text("no database " * 1000)


def _of_a_later_stockade(file: Path) -> None:
    with closing(sqlite3.connect(file)) as newer:
        newer.execute("CREATE TABLE stockade_version (version_num TEXT)")
        newer.execute("INSERT INTO stockade_version VALUES ('9999_later')")
        newer.commit()


def _half_written(file: Path) -> None:
    with closing(sqlite3.connect(file)) as old:
        old.executescript(BEFORE)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


SPOILED: dict[Callable[[Path], None], str] = {
    _a_folder: "it is a folder; name a file in it",
    _a_pipe: "it is no ordinary file; name another",
    _no_database: "file is not a database; name another file, or move this one away",
    _of_a_later_stockade: "its tables are at 9999_later, of a newer Stockade; this one knows them up to .*: update it",
    _half_written: "database disk image is malformed; put a copy of it in its place, or what .* can save",
}


@pytest.mark.parametrize("words", OPENS, ids=" ".join)
@pytest.mark.parametrize("spoil", SPOILED, ids=lambda spoil: spoil.__name__.strip("_"))
def test_a_spoiled_database_is_told_in_a_line(
    given: Path, stockade: Stockade, words: tuple[str, ...], spoil: Callable[[Path], None]
) -> None:
    """What is wrong, with which file, and how to mend it."""
    (given / "decisions.log").write_text("")
    spoil(given / "stockade.db")
    ended = only_looks(given, stockade, words)
    assert (ended.status, ended.out) == (2, ""), ended
    (line,) = ended.err.splitlines()
    assert re.search(rf"stockade\.db: the database cannot be opened: {SPOILED[spoil]}$", line), line
    assert line.startswith("stockade.yaml:1: " if words == ("check",) else "stockade: ")


@pytest.mark.parametrize("words", [("ownership", "show"), ("ownership", "export")], ids=" ".join)
@pytest.mark.parametrize("spoil", [_a_folder, _no_database], ids=lambda spoil: spoil.__name__.strip("_"))
def test_spoiled_names_of_owners_are_told_in_a_line(
    given: Path, stockade: Stockade, words: tuple[str, ...], spoil: Callable[[Path], None]
) -> None:
    spoil(given / "stockade.owners.db")
    ended = only_looks(given, stockade, words)
    assert (ended.status, ended.out) == (2, ""), ended
    (line,) = ended.err.splitlines()
    assert line.startswith("stockade: ")
    assert re.search(rf"stockade\.owners\.db: the database cannot be opened: {SPOILED[spoil]}$", line), line


def test_owners_are_known_where_only_their_names_are_left(used: Path, stockade: Stockade) -> None:
    (used / "stockade.owners").unlink()
    ended = only_looks(used, stockade, ("ownership", "show", "--json"))
    assert ended.json()["entries"] == 1


def test_check_where_a_journal_was_left(used: Path, stockade: Stockade) -> None:
    """As a killed gateway leaves it, and as it looks where the index beside it was not copied along."""
    with closing(sqlite3.connect(used / "stockade.db", isolation_level=None)) as writer:
        writer.execute("PRAGMA wal_autocheckpoint=0")
        writer.execute("UPDATE api_keys SET owner = 'carol'")
        journal = (used / "stockade.db-wal").read_bytes()
    assert journal
    (used / "stockade.db-wal").write_bytes(journal)
    (used / "stockade.db-shm").unlink(missing_ok=True)
    for words in (("check",), ("keys", "list")):
        assert only_looks(used, stockade, words).status == 0


def test_check_looks_for_revocation_lists_and_makes_nothing(used: Path, stockade: Stockade) -> None:
    """Whose newest number stands in the database."""
    from tests.gateway.certificates import Authority

    served = Authority(used, "Served").issue("server")
    tls = {"certificate": str(served.certificate), "key": str(served.key)}
    tls |= {"client_ca": "clients-ca.pem", "client_crl": "clients.crl"}
    listen = f'listen: [{{address: "127.0.0.1:8443", tls: {json.dumps(tls)}}}]'
    policy = used / "stockade.yaml"
    policy.write_text(policy.read_text().replace('listen: [{address: "127.0.0.1:8080"}]', listen))
    assert only_looks(used, stockade, ("check",)).status == 0
    for name in ("stockade.db", "stockade.db.revision"):
        (used / name).unlink()
    assert only_looks(used, stockade, ("check",)).status in (0, 2)
