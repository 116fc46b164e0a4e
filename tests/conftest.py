"""What all tests share: how they are spread over processes, and the sample shop."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests import postgres
from tests.gateway.harness import await_port, ended, free_port
from tests.recorded_tables import recorded

ROOT = Path(__file__).resolve().parent.parent
FIRST = {ROOT / "tests" / "gateway", ROOT / "tests" / "test_docs.py"}

settings.register_profile("stockade", deadline=None)  # a machine that is busy fails no test
settings.load_profile("stockade")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests stay together, so that a gateway that a file shares is started once."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False  # they come in order: see pytest_collection_modifyitems
    return LoadFileScheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes longest goes first, so that no process is left alone with it at the end.

    That is what starts gateways, and the documentation; of the rest, files of few tests, whose tests are the costly
    ones.
    """
    if not hasattr(config, "workerinput"):
        return
    sizes = Counter(item.path for item in items)
    items.sort(key=lambda item: (FIRST.isdisjoint([item.path, item.path.parent]), sizes[item.path], item.path))


@pytest.fixture(scope="session", autouse=True)
def _tables() -> Iterator[None]:
    with recorded():
        yield


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
