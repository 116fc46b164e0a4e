"""What not every machine has: a test that lacks it is skipped in one clear line, but in CI it fails.

Each may also stand at the top of a module, for all of its tests.
"""

from __future__ import annotations

import os
import shutil
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import pytest

_DEVELOPMENT = "pip install --group dev"


def present(path: Path, what: str) -> Path:
    """The path. Where nothing is there the test ends: `what` says what it is and where it comes from."""
    return path if path.exists() else without(f"{path} is not there: {what}")


def program(*names: str, what: str) -> str:
    """Where the first of these programs is that the machine has."""
    found = next(filter(None, map(shutil.which, names)), None)
    return found or without(f"{' or '.join(names)} is not there: {what}")


def installed(package: str, what: str = _DEVELOPMENT) -> None:
    """Nothing is imported."""
    if find_spec(package) is None:
        without(f"{package} is not there: {what}")


def module(name: str, what: str = _DEVELOPMENT) -> Any:
    """The module, imported. One that is there and cannot be imported is an error everywhere."""
    installed(name.partition(".")[0], what)
    return import_module(name)


def without(said: str) -> NoReturn:
    """The end of a test that cannot run here: a failure in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(said, pytrace=False)
    pytest.skip(said, allow_module_level=True)
