"""`stockade users`: add, list, show, disable, enable, remove, password, rights, factors, audit."""

from __future__ import annotations

import io
import json
import sqlite3
import sys
import time
from pathlib import Path

import pyotp
import pytest

from stockade.passwords import make_basic
from tests.cli.conftest import POLICY, Ended, Stockade

GOOD = "correct horse battery staple"
OTHER = "seven quiet otters juggle lamps"
QUICK = "users: {name: The Shop, passwords: {argon2: {memory: 8MiB, passes: 1}}}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "stockade.yaml").write_text(QUICK + POLICY.replace("{api_key: {}}", "{basic: {}}"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def typing(stockade: Stockade, monkeypatch: pytest.MonkeyPatch):
    """A command with something on its standard input."""

    def call(text: str, *arguments: str) -> Ended:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        return stockade(*arguments)

    return call


@pytest.fixture
def alice(folder: Path, typing) -> None:
    ended = typing(f"{GOOD}\n", "users", "add", "Alice", "--role", "clerk", "--scope", "orders:read", "--stdin")
    assert (ended.status, ended.out) == (0, "added alice\n"), ended.err


def is_in(stockade: Stockade, password: str = GOOD, *more: str) -> bool:
    return (
        stockade("explain", "GET", "/orders", "-H", f"Authorization: {make_basic('alice', password)}", *more).status
        == 0
    )


def test_a_user_gets_in(alice: None, stockade: Stockade) -> None:
    assert is_in(stockade)
    assert not is_in(stockade, OTHER)
    row = stockade("users", "show", "alice", "--json").json()
    assert (row["name"], row["state"], row["roles"], row["scopes"]) == ("alice", "active", "clerk", "orders:read")
    assert "argon2" not in json.dumps(row)
    assert stockade("users", "list", "--json").json() == [row]
    assert "alice" in stockade("users", "list").out
    assert "clerk" in stockade("users", "show", "alice").out


def test_disabled_and_enabled(alice: None, stockade: Stockade) -> None:
    assert stockade("users", "disable", "alice").out == "disabled alice\n"
    assert not is_in(stockade)
    assert stockade("users", "enable", "alice", "--json").json()["state"] == "active"
    assert is_in(stockade)


def test_unlocked(alice: None, stockade: Stockade) -> None:
    assert stockade("users", "unlock", "alice").out == "unlocked alice\n"
    assert is_in(stockade)
    assert stockade("users", "audit", "alice", "--json").json()[0]["action"] == "unlocked"


def test_passwords_are_never_arguments(alice: None, stockade: Stockade, typing) -> None:
    assert typing(f"{OTHER}\n", "users", "password", "alice", "--stdin").status == 0
    assert is_in(stockade, OTHER)
    made = stockade("users", "password", "alice", "--reset")
    assert is_in(stockade, made.out.strip())
    ended = typing("password\n", "users", "password", "alice", "--stdin")
    assert ended.status == 2
    assert "15 are the least" in ended.err
    assert "easy to guess" in ended.err


def test_rights(alice: None, stockade: Stockade) -> None:
    ended = stockade("users", "rights", "alice", "--role", "a", "--role", "b", "--no-scopes")
    assert ended.out == "alice: roles a b; scopes none\n"
    assert stockade("users", "rights", "alice", "--role", "a b").status == 2


def test_removed(alice: None, stockade: Stockade, typing) -> None:
    assert stockade("users", "remove", "alice").out == "removed alice\n"
    assert not is_in(stockade)
    assert "or was once" in typing(f"{GOOD}\n", "users", "add", "alice", "--stdin").err


def test_who_is_not_there(folder: Path, stockade: Stockade) -> None:
    for arguments in (("show",), ("disable",), ("remove",), ("audit",), ("factors", "list")):
        ended = stockade("users", *arguments, "nobody")
        assert (ended.status, ended.err) == (2, "stockade: no user is called 'nobody'\n")


def test_the_audit(alice: None, stockade: Stockade) -> None:
    stockade("users", "disable", "alice")
    rows = stockade("users", "audit", "--json").json()
    assert [(row["user"], row["action"]) for row in rows] == [("alice", "disabled"), ("alice", "added")]
    assert rows[0]["actor"].startswith("cli:")
    assert "disabled" in stockade("users", "audit", "alice").out


def test_an_app_and_recovery_codes(alice: None, stockade: Stockade, typing, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets: list[str] = []

    def prompt(*_: object, **__: object) -> str:
        return pyotp.TOTP(secrets[0]).at(int(time.time()) - 30)

    monkeypatch.setattr("stockade.identity.factors.b32encode", lambda data: keep(secrets, data))
    monkeypatch.setattr("typer.prompt", prompt)
    ended = stockade("users", "factors", "app", "alice", "--label", "phone")
    assert ended.status == 0, ended.err
    assert ended.out.startswith("otpauth://totp/The%20Shop:alice?secret=")
    assert not is_in(stockade)
    code = pyotp.TOTP(secrets[0]).now()
    for _ in range(2):  # to explain a login uses nothing up
        assert is_in(stockade, GOOD, "-H", f"X-OTP: {code}")
    codes = stockade("users", "factors", "recovery", "alice", "--json").json()
    for _ in range(2):
        assert is_in(stockade, GOOD, "-H", f"X-OTP: {codes[0]}")
    assert not is_in(stockade, GOOD, "-H", "X-OTP: 2222-2222-2222-2222")
    told = stockade("users", "factors", "list", "alice", "--json").json()
    assert (told["recovery_codes"], told["factors"][0]["label"]) == (10, "phone")
    assert "10 recovery codes left" in stockade("users", "factors", "list", "alice").out
    assert stockade("users", "factors", "remove", "alice", "another").status == 2
    assert stockade("users", "factors", "remove", "alice", "all").status == 0
    assert is_in(stockade)


def keep(secrets: list[str], data: bytes) -> bytes:
    from base64 import b32encode

    secrets.append(b32encode(data).decode())
    return b32encode(data)


def test_a_wrong_code_adds_no_app(alice: None, stockade: Stockade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.prompt", lambda *_, **__: "000000")
    assert stockade("users", "factors", "app", "alice").status == 1
    assert is_in(stockade)


def test_explaining_a_login_makes_no_place_known(alice: None, folder: Path, stockade: Stockade) -> None:
    assert is_in(stockade)
    with sqlite3.connect(folder / "stockade.db") as connection:
        assert connection.execute("SELECT count(*) FROM user_places").fetchone() == (0,)
    connection.close()


def test_codes_are_not_logged(folder: Path, stockade: Stockade) -> None:
    text = (folder / "stockade.yaml").read_text()
    (folder / "stockade.yaml").write_text("log: {headers: [X-OTP]}\n" + text)
    ended = stockade("check")
    assert ended.status == 2
    assert "log.headers must not hold x-otp" in ended.err + ended.out
