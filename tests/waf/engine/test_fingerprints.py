"""Under what texts are remembered nobody outside can foresee, whatever the environment says."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from stockade.gateway.envoy.module import environment
from stockade.waf import fingerprints

PRINT = "from stockade.waf.fingerprints import fingerprint; print(fingerprint(b'1 or 1=1'))"


def said(seed: str | None) -> str:
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONHASHSEED"}
    surroundings = inherited if seed is None else {**inherited, "PYTHONHASHSEED": seed}
    return subprocess.run(
        [sys.executable, "-c", PRINT], env=surroundings, check=True, capture_output=True
    ).stdout.decode()


@pytest.mark.parametrize("seed", [None, "random", "0", "42"])
def test_two_processes_never_agree(seed: str | None) -> None:
    assert said(seed) != said(seed)


def test_the_quick_way_is_taken_where_it_is_safe() -> None:
    assert fingerprints.choose("") is hash
    assert fingerprints.choose("random") is hash
    assert fingerprints.choose("0") is fingerprints.keyed_digest


def test_what_is_not_alike_has_another_digest() -> None:
    values = [b"a", b"b", "a", (b"a", b"b"), (b"ab",), ((b"a",), b"b"), b"", ()]
    assert len({fingerprints.keyed_digest(value) for value in values}) == len(values)
    assert fingerprints.keyed_digest((b"a", 1)) == fingerprints.keyed_digest((b"a", 1))


def test_workers_take_no_seed_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    assert environment(0)["PYTHONHASHSEED"] == "random"
