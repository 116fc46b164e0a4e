"""A table of API keys on a file, open once and twice, and two keys for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stockade.stores import KeyStore
from stockade.tokens import ApiKeyRecord
from stockade.vocabulary import FindApiKey

FULL = ApiKeyRecord(
    id="ScG94NDpDCkh",
    owner="billing Zoë",
    digest=bytes(range(32)),
    scopes=frozenset({"orders:read", "orders:write"}),
    networks=("203.0.113.0/24", "2001:db8::/32"),
    created=1000.5,
    expires=2000.25,
    revoked=1500.125,
    replaced_by="T9vTjNA81K74",
    last_used=1400.0,
)
PLAIN = ApiKeyRecord(id="T9vTjNA81K74", owner="alice", digest=b"\0" * 32, created=900.0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.db"


@pytest.fixture
def store(path):
    store = KeyStore(path)
    yield store
    store.close()


@pytest.fixture
def another(path, store):
    """A second store on the same file, as another process has."""
    other = KeyStore(path)
    yield other
    other.close()


def find(store: KeyStore, key_id: str) -> Any:
    return store.find(FindApiKey(key_id))


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
