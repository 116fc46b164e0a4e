"""The filter in C between an Envoy and a Python that do whatever a random script says: see fake_envoy.c.

The compiler's sanitizers watch its memory. The script's own rules: nothing is asked of Envoy for a stream that is gone,
all ends are told to Python once, nothing of a refused response goes on, nothing is kept.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import absent
from tests.gateway.harness import ROOT

_FILTER = ROOT / "src/stockade/gateway/envoy/filter"
_FLAGS = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-Wall", "-Wno-unused-function")


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = absent.program("cc", what="a C compiler")
    program = tmp_path_factory.mktemp("fuzzed") / "fuzzed"
    source = Path(__file__).with_name("fake_envoy.c")
    command = [compiler, *_FLAGS, f"-I{_FILTER}", str(source), "-o", str(program), "-lpthread"]
    built = subprocess.run(command, capture_output=True, text=True)
    if "asan" in built.stderr or "ubsan" in built.stderr:
        absent.without("the compiler has no sanitizers: libasan and libubsan")
    assert built.returncode == 0, built.stderr
    assert built.stderr == ""
    return program


def play(program: Path, scripts: list[bytes]) -> None:
    data = b"".join(len(script).to_bytes(2, "big") + script for script in scripts)
    done = subprocess.run([program], input=data, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=5))
def test_short_lives(fuzzed: Path, scripts: list[bytes]) -> None:
    play(fuzzed, scripts)


@pytest.mark.parametrize("seed", range(12))
def test_long_lives(fuzzed: Path, seed: int) -> None:
    """Deep states need longer scripts than hypothesis makes."""
    chance = Random(seed)
    play(fuzzed, [chance.randbytes(chance.randrange(3000)) for _ in range(200)])
