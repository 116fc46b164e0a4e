"""The decision log on real files: in order, through rotation and full disks, with every lost line counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from stockade.journal import DecisionLog
from stockade.journal import log as log_module
from stockade.vocabulary import Finding, Record

PATIENCE = 5.0  # seconds after which a test gives up


@pytest.fixture(autouse=True)
def _in_haste(monkeypatch):
    """The thread writes every millisecond rather than every tenth of a second."""
    monkeypatch.setattr(log_module, "_PAUSE", 0.001)


def record(number: int, **fields: Any) -> Record:
    given: dict[str, Any] = {
        "time": "2025-11-21T23:07:02.125Z",
        "request_id": str(number),
        "api": "shop",
        "operation": "GET /orders/{id}",
        "client": "203.0.113.9",
        "principal": None,
        "method": "GET",
        "path": "/orders/7",
        "status": 200,
        "action": "allow",
        "control": None,
        "findings": (),
    }
    return Record(**{**given, **fields})


def write(log: DecisionLog, numbers: Iterable[int]) -> None:
    for number in numbers:
        log.write(record(number))


def ids(path: Path) -> list[Any]:
    """The ids in the file; a line of another kind as it is."""
    lines = [json.loads(line) for line in Path(path).read_bytes().splitlines()]
    return [int(line["request_id"]) if "request_id" in line else line for line in lines]


def wait_for(condition: Callable[[], object]) -> None:
    ends = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends, "it did not come to pass"
        time.sleep(0.001)


def test_every_record_is_a_line_and_in_order(tmp_path):
    log = DecisionLog(str(tmp_path / "log"))
    write(log, range(1000))
    log.close()
    assert ids(tmp_path / "log") == list(range(1000))
    assert (log.dropped, log.trouble) == (0, "")


def test_a_line_holds_every_field_of_the_record(tmp_path):
    log = DecisionLog(str(tmp_path / "log"))
    log.write(
        record(
            1,
            findings=(Finding("a", control="b", evidence='"\n\u2028é'),),
            headers={"x": "y"},
            upstream_ms=1.5,
            decided="authorization:read",
        )
    )
    log.close()
    (line,) = (tmp_path / "log").read_bytes().splitlines()
    told = json.loads(line)
    assert list(told) == list(Record.__struct_fields__)
    assert told["findings"][0]["evidence"] == '"\n\u2028é'
    assert (told["headers"], told["upstream_ms"], told["principal"]) == ({"x": "y"}, 1.5, None)


def test_records_are_written_while_it_is_open(tmp_path):
    log = DecisionLog(str(tmp_path / "log"))
    write(log, range(3))
    wait_for(lambda: ids(tmp_path / "log") == [0, 1, 2])
    log.close()


def test_what_stands_in_the_file_stays(tmp_path):
    for numbers in (range(3), range(3, 6)):
        log = DecisionLog(str(tmp_path / "log"))
        write(log, numbers)
        log.close()
    assert ids(tmp_path / "log") == list(range(6))


def test_the_file_is_not_for_everybody(tmp_path):
    before = os.umask(0)
    try:
        DecisionLog(str(tmp_path / "log")).close()
    finally:
        os.umask(before)
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o640


def test_two_workers_may_share_a_file(tmp_path):
    logs = [DecisionLog(str(tmp_path / "log")) for _ in range(2)]
    for number in range(500):
        logs[number % 2].write(record(number))
    for log in logs:
        log.close()
    assert sorted(ids(tmp_path / "log")) == list(range(500))


@pytest.mark.parametrize("path", ["missing/log", "."])
def test_a_file_that_cannot_be_opened(tmp_path, path):
    with pytest.raises(OSError, match=r"missing|Is a directory"):
        DecisionLog(str(tmp_path / path))


# Rotation.


def test_a_file_that_was_moved_away_is_followed_by_name(tmp_path):
    path, moved = tmp_path / "log", tmp_path / "log.1"
    log = DecisionLog(str(path))
    write(log, range(10))
    wait_for(lambda: len(ids(path)) == 10)
    path.rename(moved)
    write(log, range(10, 20))
    wait_for(path.exists)
    log.close()
    assert ids(moved) + ids(path) == list(range(20))
    assert ids(path)[-1] == 19


def test_a_file_that_was_moved_and_made_anew_is_followed(tmp_path):
    """As logrotate does with `create`."""
    path = tmp_path / "log"
    log = DecisionLog(str(path))
    write(log, range(5))
    wait_for(lambda: len(ids(path)) == 5)
    path.rename(tmp_path / "log.1")
    path.touch()
    wait_for(lambda: os.path.samestat(os.fstat(log._file), path.stat()))
    write(log, range(5, 10))
    log.close()
    assert (ids(tmp_path / "log.1"), ids(path)) == ([0, 1, 2, 3, 4], [5, 6, 7, 8, 9])


def test_a_file_that_was_emptied_is_written_from_its_start(tmp_path):
    """As logrotate does with `copytruncate`."""
    path = tmp_path / "log"
    log = DecisionLog(str(path))
    write(log, range(5))
    wait_for(lambda: len(ids(path)) == 5)
    os.truncate(path, 0)
    write(log, range(5, 10))
    log.close()
    assert ids(path) == [5, 6, 7, 8, 9]


def test_when_the_new_file_cannot_be_opened_the_old_one_is_written_and_it_is_said(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    path = folder / "log"
    log = DecisionLog(str(path))
    folder.rename(tmp_path / "logs.old")
    write(log, range(5))
    wait_for(lambda: log.trouble)
    assert "No such file or directory" in log.trouble
    wait_for(lambda: len(ids(tmp_path / "logs.old" / "log")) == 5)
    assert log.trouble  # written, but not where it should be
    (tmp_path / "logs.old").rename(folder)
    wait_for(lambda: not log.trouble)
    log.close()
    assert ids(path) == [0, 1, 2, 3, 4]


def test_no_file_is_left_open(tmp_path):
    before = len(list(Path("/proc/self/fd").iterdir()))
    log = DecisionLog(str(tmp_path / "log"))
    for number in range(3):
        (tmp_path / "log").rename(tmp_path / f"log.{number}")
        wait_for((tmp_path / "log").exists)
    log.close()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


# Lines that were torn.


@pytest.mark.parametrize("rest", [b'{"time": "2025', b'{"a": 1}\n{"b'])
def test_a_line_that_was_torn_by_another_process_is_ended_first(tmp_path, rest):
    """It died, or found no room. Were it not ended, our first line would be lost with it."""
    path = tmp_path / "log"
    path.write_bytes(rest)
    log = DecisionLog(str(path))
    write(log, range(2))
    log.close()
    lines = path.read_bytes().splitlines()
    assert lines[:-2] == rest.splitlines()
    assert [json.loads(line)["request_id"] for line in lines[-2:]] == ["0", "1"]


def test_a_whole_line_is_not_ended_twice(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b'{"request_id": "7"}\n')
    log = DecisionLog(str(path))
    write(log, range(2))
    log.close()
    assert ids(path) == [7, 0, 1]


# Full disks.


def test_a_full_disk_holds_nobody_up(tmp_path):
    log = DecisionLog("/dev/full", most_waiting=100)
    began = time.monotonic()
    write(log, range(1000))
    assert time.monotonic() - began < PATIENCE
    wait_for(lambda: log.trouble)
    assert log.trouble == "/dev/full: No space left on device"
    assert 0 < log.dropped <= 900
    log.close()


# The limit on the size of a file is a process's, so this runs in one of its own.
FILLING = """
import json, resource, sys
from pathlib import Path
from stockade.journal import log as log_module
from tests.journal.test_decision_log import record, wait_for, write
log_module._PAUSE = 0.001
path, room, most, first, more = sys.argv[1], *map(int, sys.argv[2:])
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
log = log_module.DecisionLog(path, most_waiting=most)
resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
write(log, range(first))
wait_for(lambda: log.trouble)
full, size, trouble = log.dropped, Path(path).stat().st_size, log.trouble
write(log, range(first, first + more))
lost = log.dropped
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
wait_for(lambda: not log.trouble and not log._waiting)
write(log, [90000])
log.close()
print(json.dumps([full, lost, size, trouble, log.trouble]))
"""


def fill(path: Path, room: int, most: int, first: int, more: int) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", FILLING, *map(str, (path, room, most, first, more))],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([".", *sys.path])},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def readable(path: Path) -> tuple[list[Any], int]:
    """The lines that are JSON, and how many are not."""
    good: list[Any] = []
    bad = 0
    for line in path.read_bytes().splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            bad += 1
        else:
            good.append(int(told["request_id"]) if "request_id" in told else told)
    return good, bad


def test_a_disk_that_was_full_loses_nothing_that_was_waiting(tmp_path):
    """The half line that the disk still took is ended, and its record comes again whole."""
    path = tmp_path / "log"
    full, lost, size, trouble, after = fill(path, 5000, 20_000, 100, 0)
    assert (full, lost, size, after) == (0, 0, 5000, "")
    assert trouble == f"{path}: File too large"
    good, bad = readable(path)
    assert good == [*range(100), 90000]
    assert bad == 1


def test_lines_that_were_lost_are_counted_and_confessed_once(tmp_path):
    path = tmp_path / "log"
    _, lost, _, _, _ = fill(path, 1000, 50, 50, 100)
    good, bad = readable(path)
    confessions = [line for line in good if isinstance(line, dict)]
    numbers = [line for line in good if isinstance(line, int)]
    assert [sorted(line) for line in confessions] == [["dropped", "time"]]
    assert confessions[0]["dropped"] == lost
    assert lost >= 100 - 50
    assert numbers == sorted(numbers)
    assert len(numbers) == 151 - lost
    assert numbers[-1] == 90000
    assert good.index(confessions[0]) < good.index(90000)
    assert bad <= 1


# Other ends.


def test_standard_output(tmp_path):
    code = (
        "from tests.journal.test_decision_log import *\n"
        "log = DecisionLog('-')\n"
        "write(log, range(5))\n"
        "log.close()\n"
        "print('still open')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([".", *sys.path])},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    *lines, last = done.stdout.splitlines()
    assert [json.loads(line)["request_id"] for line in lines] == ["0", "1", "2", "3", "4"]
    assert last == "still open"


def test_a_record_that_utf_8_cannot_hold_ends_neither_the_thread_nor_the_log(tmp_path):
    log = DecisionLog(str(tmp_path / "log"))
    log.write(record(1, principal="half \ud800 a pair"))
    write(log, [2])
    log.close()
    first, second = (json.loads(line) for line in (tmp_path / "log").read_bytes().splitlines())
    assert first["principal"] == "half ? a pair"
    assert (first["request_id"], second["request_id"]) == ("1", "2")


def test_a_log_that_hangs_keeps_its_file(tmp_path, monkeypatch):
    """A reader that does not read: closing must end, and not hand the file's number to the next file."""
    monkeypatch.setattr(log_module, "_FAREWELL", 0.05)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    log = DecisionLog(str(pipe))
    write(log, range(2000))  # more than a pipe holds
    log.close()
    assert log._thread.is_alive()
    os.fstat(log._file)  # still open
    seen = bytearray()

    def all_is_read():
        with suppress(BlockingIOError):
            seen.extend(os.read(reader, 65536))
        return not log._thread.is_alive() and seen.count(b"\n") == 2000

    wait_for(all_is_read)
    os.close(reader)
    os.close(log._file)
    assert [json.loads(line)["request_id"] for line in seen.splitlines()] == [str(number) for number in range(2000)]


def test_a_closed_log_takes_no_more_than_it_holds(tmp_path):
    log = DecisionLog(str(tmp_path / "log"), most_waiting=10)
    log.close()
    write(log, range(20))
    assert log.dropped == 10
    assert ids(tmp_path / "log") == []
