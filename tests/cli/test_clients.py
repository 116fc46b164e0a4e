"""`stockade clients`: the life of an OAuth client at the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, KeySet
from typer.testing import CliRunner

from stockade.cli.main import app

POLICY = """\
version: 1
listen: [{address: "127.0.0.1:8080"}]
identity: {issuer: "http://127.0.0.1:8080/auth"}
apis: [{name: shop, upstream: {url: "http://127.0.0.1:9000"}}]
"""
ROBOT = ("robot", "--grant", "client_credentials", "--audience", "shop", "--scope", "read")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "stockade.yaml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str, status: int = 0) -> str:
    done = CliRunner().invoke(app, ["clients", *words], env={"COLUMNS": "300"})
    assert done.exit_code == status, done.output
    return done.output


def added(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("add", *words, "--json"))
    return found


def state(client: str) -> str:
    return str(json.loads(run("show", client))["state"])


def test_a_client_s_life(folder: Path) -> None:
    client = added(*ROBOT)
    secret = client["client_secret"]
    assert secret.startswith("sts_")
    assert secret not in run("list") + run("list", "--json") + run("show", client["id"])
    assert client["id"] in run("list")
    new = json.loads(run("rotate", client["id"], "--overlap", "1h", "--json"))["client_secret"]
    assert new != secret
    assert "tokens are revoked" in run("disable", client["id"])
    assert state(client["id"]) == "disabled"
    run("enable", client["id"])
    assert state(client["id"]) == "active"
    run("remove", client["id"])
    assert "no client has the id" in run("show", client["id"], status=2)
    stored = b"".join(path.read_bytes() for path in folder.iterdir() if path.name.startswith("stockade.db"))
    assert secret.encode() not in stored
    assert new.encode() not in stored


def test_the_secret_on_a_line_of_its_own() -> None:
    line = next(line for line in run("add", *ROBOT).splitlines() if " sts_" in line)
    assert len(line.split()) == 2


def test_public_keys(folder: Path) -> None:
    key = ECKey.generate_key("P-256")
    public, private = (json.dumps(KeySet([key]).as_dict(private=private)) for private in (False, True))
    (folder / "public.json").write_text(public)
    (folder / "private.json").write_text(private)
    words = (*ROBOT, "--authentication", "private_key_jwt", "--jwks")
    assert "client_secret" not in added(*words, "public.json")
    assert "private key" in run("add", *words, "private.json", status=2)
    assert "cannot be read" in run("add", *words, "nowhere.json", status=2)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("robot", "--grant", "password", "--audience", "shop"), "unknown grant password"),
        (("robot", "--grant", "authorization_code", "--audience", "shop"), "belong together"),
        ((*ROBOT, "--authentication", "none"), "without a credential"),
        ((*ROBOT, "--id", "a b"), "an id is"),
    ],
    ids=["grant", "redirect", "public", "id"],
)
def test_what_cannot_be(words: tuple[str, ...], told: str) -> None:
    assert told in " ".join(run("add", *words, status=2).replace("│", " ").split())


def test_a_taken_id() -> None:
    added(*ROBOT, "--id", "robot-1")
    assert "is taken" in run("add", *ROBOT, "--id", "robot-1", status=2)


def test_a_new_signing_key(folder: Path) -> None:
    first, second = run("rotate-signing-key"), run("rotate-signing-key")
    assert first != second
    (folder / "stockade.yaml").write_text(POLICY.replace('identity: {issuer: "http://127.0.0.1:8080/auth"}\n', ""))
    assert "no section" in run("rotate-signing-key", status=2)


def test_what_happened_and_who_changed_what() -> None:
    client = added(*ROBOT)
    run("rotate", client["id"])
    rows = json.loads(run("audit", "--json"))
    assert [(row["action"], row["subject"]) for row in rows] == [
        ("client.rotated", client["id"]),
        ("client.added", client["id"]),
    ]
    assert rows[0]["actor"].startswith("cli:")
    assert client["client_secret"] not in str(rows)
    assert "client.added" in run("audit", client["id"])
    assert json.loads(run("events", "--json")) == []
    assert "client" in run("events", "--event", "login")
