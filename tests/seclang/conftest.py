"""`debian_crs`: the Core Rule Set as Debian's package installs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.absent import present

DEBIAN_CRS = Path("/usr/share/modsecurity-crs/owasp-crs.load")


@pytest.fixture(scope="session")
def debian_crs() -> Path:
    return present(DEBIAN_CRS, "the rules of Debian's package modsecurity-crs")
