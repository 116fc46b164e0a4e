"""What all tests share: how they are spread over processes, and the sample shop."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests import postgres
from tests.gateway.harness import await_port, ended, free_port

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile("stockade", deadline=None)  # a machine that is busy fails no test
settings.load_profile("stockade")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests stay together, so that a gateway that a file shares is started once."""
    from xdist.scheduler import LoadFileScheduling

    return LoadFileScheduling(config, log)


@pytest.fixture(scope="session")
def shop() -> Iterator[int]:
    """The port of the sample shop."""
    port = free_port()
    command = [sys.executable, str(ROOT / "examples" / "shop"), "--port", str(port)]
    with ended(subprocess.Popen(command, cwd=ROOT)) as process:
        await_port(port, process)
        yield port


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgres.Postgres]:
    """A running server; a test that stops it starts it again."""
    with postgres.running() as server:
        yield server
