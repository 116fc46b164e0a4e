"""The console script as a process of its own: what it costs to start, its help, its exit statuses, its terminals."""

from __future__ import annotations

import json
import os
import pty
import re
import resource
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
import typer.main

from stockade import __version__
from stockade.cli.main import app
from tests.cli.conftest import POLICY

SCRIPT = str(Path(sysconfig.get_path("scripts")) / "stockade")
HEAVY = ("pydantic", "sqlalchemy", "httpx", "yaml", "joserfc", "cryptography", "rich.console", "asyncio", "envoy")


def script(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, timeout=60, **options)  # type: ignore[call-overload, no-any-return]


def commands() -> list[list[str]]:
    """Every command, by its words."""
    root = typer.main.get_command(app)
    found: list[list[str]] = []

    def walk(command: object, words: list[str]) -> None:
        found.append(words)
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, [*words, name])

    walk(root, [])
    return found


COMMANDS = commands()


def test_all_commands_are_known() -> None:
    assert {" ".join(words) for words in COMMANDS} >= {
        *("", "init", "check", "schema", "up", "explain", "replay", "demo"),
        *("keys", "keys issue", "keys list", "keys rotate", "keys revoke"),
    }


def test_help_imports_nothing_heavy_and_starts_at_once() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", SCRIPT, "--help"], capture_output=True, text=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "stockade.cli.main" in imported
    assert imported.isdisjoint(HEAVY)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5


KEYLESS = POLICY.replace("any_of: [{api_key: {}}]", "mode: off")
WITHOUT_A_DATABASE = [
    ["schema"],
    ["check"],
    ["check", "bad.yaml"],
    ["explain", "GET", "/health"],
    ["replay", "log.jsonl"],
    ["policy", "analyse"],
    ["policy", "test", "cases.yaml"],
    ["ownership", "show"],
    ["ownership", "report", "log.jsonl"],
]


@pytest.mark.parametrize("words", WITHOUT_A_DATABASE, ids=" ".join)
def test_who_opens_no_database_does_not_wait_for_its_library(tmp_path: Path, words: list[str]) -> None:
    """Which takes a quarter of a second to import, and 15 MiB."""
    (tmp_path / "stockade.yaml").write_text(KEYLESS)
    (tmp_path / "bad.yaml").write_text("version: 2")
    (tmp_path / "cases.yaml").write_text('cases: [{request: "GET /health", expect: allow}]')
    record = {"time": "2026-01-01T00:00:00Z", "request_id": "r", "api": "shop", "client": "192.0.2.1", "method": "GET"}
    (tmp_path / "log.jsonl").write_text(json.dumps({**record, "path": "/health", "action": "allow"}) + "\n")
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", SCRIPT, *words], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert ended.returncode == (2 if "bad.yaml" in words else 0), ended.stderr[-2000:]
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "stockade.config" in imported
    assert "sqlalchemy" not in imported


def test_version() -> None:
    assert script("--version").stdout == f"stockade {__version__}\n"


def test_as_a_module() -> None:
    ended = subprocess.run([sys.executable, "-m", "stockade", "--version"], capture_output=True, text=True, check=True)
    assert ended.stdout == f"stockade {__version__}\n"


def test_no_arguments_show_the_help() -> None:
    ended = script()
    assert ended.returncode == 2
    assert "Usage: stockade [OPTIONS] COMMAND" in ended.stdout + ended.stderr


def test_a_good_policy_a_bad_one_and_bad_news(tmp_path: Path) -> None:
    (tmp_path / "stockade.yaml").write_text(POLICY)
    (tmp_path / "bad.yaml").write_text(POLICY.replace("1KiB", "1kib"))
    good = script("check", cwd=tmp_path)
    assert good.returncode == 0
    assert (
        good.stderr
        == "stockade up makes, for they are not there yet: stockade.hash-key, decisions.jsonl, stockade.db\n"
    )
    bad = script("check", "bad.yaml", cwd=tmp_path)
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr == (
        'bad.yaml:10: apis.firewall.max_body: \'1kib\' is not a size such as "1MiB", "512KiB" or "10MB" '
        "(did you mean 'KiB'?)\n"
    )
    refused = script("explain", "GET", "/", cwd=tmp_path)
    assert (refused.returncode, refused.stderr) == (1, "")


def test_no_traceback_where_the_reader_goes_away() -> None:
    with subprocess.Popen([SCRIPT, "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


def test_no_traceback_where_the_disk_is_full(tmp_path: Path) -> None:
    (tmp_path / "stockade.yaml").write_text(POLICY)
    for arguments in (["schema"], ["check"], ["check", "--json"]):
        with Path("/dev/full").open("w") as full:
            process = subprocess.run(
                [sys.executable, "-m", "stockade", *arguments],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                cwd=tmp_path,
                timeout=60,
                check=False,
            )
        assert process.returncode == 2
        assert process.stderr == "stockade: what was asked for could not be written: No space left on device\n"


def test_no_traceback_where_ctrl_c_comes_before_the_commands_are_there() -> None:
    program = """
import sys
class Interrupted:
    def find_spec(self, name, *_):
        if name == "typer":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted())
from stockade.__main__ import run
run()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_the_script_is_the_one_that_bears_ctrl_c() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["scripts"] == {"stockade": "stockade.__main__:run"}


def test_completion(tmp_path: Path) -> None:
    environment = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    shown = script("--show-completion", "bash", env=environment)
    assert shown.returncode == 0
    assert "_STOCKADE_COMPLETE" in shown.stdout
    words = {**os.environ, "_STOCKADE_COMPLETE": "complete_bash", "COMP_WORDS": "stockade keys ro", "COMP_CWORD": "2"}
    assert script(env=words).stdout.split() == ["rotate"]


def on_terminal(columns: int, *arguments: str, cwd: Path) -> tuple[int, str]:
    """Status and what a terminal of that width was sent."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
    with subprocess.Popen([SCRIPT, *arguments], stdout=theirs, stderr=theirs, cwd=cwd, env=environment) as process:
        os.close(theirs)
        sent = b""
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # Linux says so when the other end is closed
                break
            if not chunk:
                break
            sent += chunk
    os.close(ours)
    return process.returncode, sent.decode()


def test_the_table_fits_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "stockade.yaml").write_text(POLICY)
    status, sent = on_terminal(100, "check", cwd=tmp_path)
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", sent).replace("\r", "").splitlines()
    assert status == 0
    assert max(map(len, lines)) <= 100
    assert sum("stockade.yaml:" in line for line in lines) == 7, "the policy's line stands on one line"


def test_a_bar_is_drawn_on_terminals_alone(tmp_path: Path) -> None:
    (tmp_path / "stockade.yaml").write_text(POLICY)
    record = {"time": "2026-01-01T00:00:00Z", "request_id": "r", "api": "shop", "client": "192.0.2.1", "method": "GET"}
    (tmp_path / "log.jsonl").write_text(json.dumps({**record, "path": "/health", "action": "allow"}) + "\n")
    status, sent = on_terminal(100, "replay", "log.jsonl", cwd=tmp_path)
    assert status == 0
    assert "replaying" in sent
    assert script("replay", "log.jsonl", cwd=tmp_path).stderr == ""


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_help_has_an_example(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """On one line, so that it can be copied; and what it shows are options that exist."""
    from typer.testing import CliRunner

    ended = CliRunner().invoke(app, [*words, "--help"], terminal_width=80)
    assert ended.exit_code == 0
    example = next(line for line in ended.output.splitlines() if "Example: " in line or "Begin with: " in line)
    shown = example.partition(": ")[2].split()
    assert shown[: len(words) + 1] == ["stockade", *words][: len(shown)]
    told = ended.output.replace(example, "")
    options = [word for word in shown if word.startswith("-") and words and word not in told]
    if options:  # a group's: they are of the command that it shows
        told = CliRunner().invoke(app, [*shown[1:3], "--help"], terminal_width=80).output.replace(example, "")
    assert [option for option in options if option not in told] == []


def test_a_port_that_there_is_not(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "stockade", "demo", "--port", "99999"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        check=False,
    )
    assert ended.returncode == 2
    assert "Invalid value for '--port'" in ended.stderr
