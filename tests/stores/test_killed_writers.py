"""A process that is killed in the middle of a write loses nothing that it was told is written, and leaves no half."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from stockade.stores import Database, DatabasePlace, KeyStore

WRITER = """
import sys
from pathlib import Path
from msgspec.structs import replace
from stockade.stores import Database, DatabasePlace, KeyStore
from stockade.tokens import ApiKeyRecord
path, url, ca = map(str, sys.argv[1:4])
from stockade.stores import DatabaseTls
place = DatabasePlace(Path(path), url, DatabaseTls(ca=Path(ca) if ca else None))
store = KeyStore(Database(place))
plain = ApiKeyRecord(id="", owner="alice" * 50, digest=bytes(32), created=900.0)
for number in range(int(sys.argv[4]), 10_000_000):
    store.add(replace(plain, id=f"a{number}"))
    print(f"a{number}", flush=True)
    store.replace(f"a{number}", {"replaced_by": f"b{number}"}, replace(plain, id=f"b{number}"))
    print(f"b{number}", flush=True)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    if request.param == "sqlite":
        return DatabasePlace(tmp_path / "stockade.db")
    return request.getfixturevalue("postgresql").place(tmp_path)


def test_credentials_survive_a_kill(place):
    dice = random.Random(20261122)
    told: list[str] = []
    Database(place).close()
    for attempt in range(6):
        command = [sys.executable, "-c", WRITER, place.path, place.url, place.tls.ca or "", str(attempt * 1_000_000)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        told.append(writer.stdout.readline().strip())  # it is at work
        time.sleep(dice.uniform(0.0, 0.2))
        writer.send_signal(signal.SIGKILL)
        told += writer.stdout.read().split()
        writer.wait(10)
        writer.stdout.close()
    with closing(Database(place)) as database:
        found = {record.id: record for record in KeyStore(database).all()}
    assert set(told) <= set(found)
    assert len(told) > 12
    for key_id, record in found.items():
        successor = "b" + key_id[1:]
        assert record.replaced_by in (None, successor)
        if key_id.startswith("a"):
            assert (record.replaced_by == successor) == (successor in found)
    if not place.url:
        connection = sqlite3.connect(place.path)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()
