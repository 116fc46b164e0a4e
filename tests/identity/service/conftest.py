"""A token service for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.identity.service.token_service import TokenService, serving


@pytest.fixture
def served(tmp_path: Path) -> Iterator[TokenService]:
    with serving(tmp_path) as service:
        yield service
