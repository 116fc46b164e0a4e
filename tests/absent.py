"""What not every machine has: a test that lacks it is skipped in one clear line, but in CI it fails."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def present(path: Path, what: str) -> Path:
    """The path. Where nothing is there the test ends: `what` says what it is and where it comes from."""
    if path.exists():
        return path
    said = f"{path} is not there: {what}"
    if os.environ.get("CI") == "true":
        pytest.fail(said, pytrace=False)
    pytest.skip(said)
