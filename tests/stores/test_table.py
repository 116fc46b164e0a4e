"""The table itself: its bound, what processes share of it, holders that die, and which files are believed."""

from __future__ import annotations

import mmap
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from stockade.stores import Counters, SharedTable, _table
from stockade.stores._table import Table

AT = 1_763_766_422.0
HOUR = 3600 * 10**9
WAYS, LINE = 5, 128  # buckets in a set; bytes of a set, and of what stands before the first


# The bound.


def take(table: Table, bucket: str, *, interval: int = HOUR, burst: int = 1, at: float = AT) -> bool:
    return table.take(bucket, (interval, burst), at, 1)[0]


def test_of_live_buckets_the_one_soonest_over_gives_way():
    table = Table(sets=1)
    for number in (3, 1, 4, 2, 5):
        assert take(table, f"{number}", interval=number * HOUR)
    assert table.evicted == 0
    assert take(table, "one more", interval=6 * HOUR)
    assert table.evicted == 1
    assert not any(take(table, name, interval=9 * HOUR) for name in ("2", "3", "4", "5", "one more"))
    assert take(table, "1", interval=9 * HOUR)
    assert table.evicted == 2
    assert take(table, "2", interval=9 * HOUR)


def test_of_live_quotas_the_one_soonest_over_gives_way():
    table = Table(sets=1)
    for end in (300, 100, 400, 200, 500):
        assert table.take(f"{end}", (1, 0, end), 50.0, 1)[0]
    assert table.take("one more", (1, 0, 1000), 50.0, 1)[0]
    assert table.evicted == 1
    assert [table.take(f"{end}", (1, 0, end), 50.0, 1)[0] for end in (200, 300, 400, 500)] == [False] * 4
    assert table.take("100", (1, 0, 1000), 50.0, 1)[0]


def test_buckets_that_are_over_give_way_first_and_nobody_loses():
    table = Table(sets=1)
    for number in range(WAYS):
        assert take(table, f"rate {number}", interval=10**9)
    later = AT + 2
    for number in range(WAYS):
        assert table.take(f"quota {number}", (1, 0, int(AT) + 100), later, 1)[0]
    latest = AT + 101
    for number in range(WAYS):
        assert take(table, f"again {number}", at=latest)
    assert not any(take(table, f"again {number}", at=latest) for number in range(WAYS))
    assert table.evicted == 0


def test_a_known_bucket_needs_no_room():
    table = Table(sets=1)
    for _ in range(3):
        for number in range(WAYS):
            assert take(table, f"{number}", burst=3)
    assert table.evicted == 0


def test_a_refused_stranger_takes_no_room():
    table = Table(sets=1)
    for number in range(WAYS):
        assert take(table, f"{number}")
    for number in range(100):
        assert not table.take(f"stranger {number}", (HOUR, 2), AT, 3)[0]
        assert not table.take(f"stranger {number}", (2, 0, int(AT) + 1), AT, 3)[0]
        assert table.take_all((f"stranger {number}", "0"), ((HOUR, 1), (HOUR, 1)), AT, 1) is not None
    assert table.evicted == 0
    assert not any(take(table, f"{number}") for number in range(WAYS))


def test_buckets_of_one_question_do_not_push_each_other_out():
    """Two of them are new to a set in which there is room for one."""
    table = Table(sets=1)
    for number in range(WAYS - 1):
        assert take(table, f"{number}", interval=HOUR * (number + 1))
    assert table.take_all(("new", "newer"), ((9 * HOUR, 1), (9 * HOUR, 1)), AT, 1) is None
    assert table.evicted == 1
    assert not take(table, "new", interval=9 * HOUR)
    assert not take(table, "newer", interval=9 * HOUR)


def test_a_flood_of_callers_does_not_fill_the_memory():
    table = Table(sets=64)
    size = table.size
    for number in range(20_000):
        take(table, f"{number}")
    assert table.size == size == LINE + 64 * LINE
    assert table.evicted >= 20_000 - 64 * WAYS


def test_callers_are_spread_evenly():
    """As many as a table should hold: hardly one is pushed out before its time."""
    table = Table(sets=1 << 14)
    for number in range(1 << 14):
        take(table, f"shop\nper-address\n203.0.{number >> 8}.{number & 255}")
    assert table.evicted < 40  # 12 are to be expected


def test_each_table_has_a_key_of_its_own():
    """Else who knows the program could choose names that share a set."""
    evicted = set()
    for _ in range(30):
        table = Table(sets=2)
        for number in range(2 * WAYS):
            take(table, f"{number}")
        evicted.add(table.evicted)
    assert len(evicted) > 1


@pytest.mark.parametrize("sets", [-1, 3, 1 << 40])
def test_a_size_that_is_none(sets):
    with pytest.raises(ValueError, match="power of two"):
        Table(sets=sets)


# Many at once.


def test_threads_take_no_token_twice():
    """A worker asks from two threads. Here they are switched between as often as the interpreter can."""
    table = Table(sets=4)
    allowed: list[int] = []
    ready = threading.Barrier(4)

    def keep_taking() -> None:
        ready.wait()
        allowed.append(sum(take(table, "a", burst=2000) for _ in range(1500)))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=keep_taking) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert sum(allowed) == 2000


@pytest.fixture
def shared() -> Iterator[int]:
    """The descriptor of a table that other processes may use."""
    table = SharedTable()
    yield table.file
    table.close()


# Not with all of its room, which takes a second.
IMPORT = f"import sys\nsys.path.append({str(Path(_table.__file__).parent)!r})\nfrom _table import Table"


@contextmanager
def process(shared: int, code: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Runs the code with `table` in a process of its own, from when it is ready until the context is left."""
    begin = f"{IMPORT}\ntable = Table({shared})\nprint(flush=True)\n"
    command = [sys.executable, "-c", begin + code, *words]
    with subprocess.Popen(
        command, pass_fds=[shared], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline() == "\n"
            yield running
        finally:
            running.kill()


TAKE_MANY = f"""
sys.stdin.readline()
rate, quota = ({HOUR}, 300_000), (400_000, 0, 2 * 10**9)
print(sum(table.take("a", rate, {AT}, 1)[0] for _ in range(200_000)), end=" ")
print(sum(table.take("b", quota, {AT}, 1)[0] for _ in range(200_000)), end=" ")
pair = ("c", "d") if len(sys.argv[1]) % 2 else ("d", "c")
measures = {{"c": ({HOUR}, 200_000), "d": (250_000, 0, 2 * 10**9)}}
print(sum(table.take_all(pair, tuple(measures[n] for n in pair), {AT}, 1) is None for _ in range(200_000)))
"""


def test_processes_together_never_get_more_than_the_limit(shared: int):
    """Nor less. The last question of each is about two buckets, in an order in which they could wait for each other."""
    with ExitStack() as stack:
        running = [stack.enter_context(process(shared, TAKE_MANY, "x" * number)) for number in range(6)]
        for one in running:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        answers = [one.communicate(timeout=60)[0] for one in running]
    taken = [[int(count) for count in answer.split()] for answer in answers]
    assert [sum(counts) for counts in zip(*taken, strict=True)] == [300_000, 400_000, 200_000]
    assert Table(shared).take("d", (250_000, 0, 2 * 10**9), AT, 1)[:2] == (True, 49_999)


def test_processes_that_are_forked_share_a_nameless_table():
    code = f"""{IMPORT}
import os
table = Table(sets=4)
if (child := os.fork()) == 0:
    os._exit(not table.take("a", (10**12, 2), 1e9, 1)[0])
assert os.waitpid(child, 0)[1] == 0
print(table.take("a", (10**12, 2), 1e9, 1)[1])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


# Holders that die.


def seize(shared: int, pid: int) -> None:
    """Every lock is held by that process, as if it had been stopped there."""
    with mmap.mmap(shared, 0) as memory:
        for offset in range(LINE, len(memory), LINE):
            struct.pack_into("<Q", memory, offset, pid << 32 | 7)


def seconds_to_take(table: Table) -> float:
    began = time.monotonic()
    assert table.take_all(("a", "b", "c"), ((1, 9),) * 3, AT, 1) is None
    return time.monotonic() - began


def test_a_holder_that_is_dead_holds_nobody_up(shared: int):
    with subprocess.Popen(["true"]) as process:
        pass
    seize(shared, process.pid)
    assert seconds_to_take(Table(shared)) < 5


def test_a_holder_that_is_stopped_or_a_zombie_is_waited_for_a_little(shared: int):
    table = Table(shared)
    with subprocess.Popen(["sleep", "600"]) as process:
        for number in (signal.SIGSTOP, signal.SIGKILL):
            os.kill(process.pid, number)
            seize(shared, process.pid)
            assert 0.05 < seconds_to_take(table) < 5
            assert seconds_to_take(table) < 0.05


def test_a_holder_whose_number_is_ours_now(shared: int):
    seize(shared, os.getpid())
    assert seconds_to_take(Table(shared)) < 5


KEEP_TAKING = """
number = 0
while True:
    number += 1
    table.take_all(("a", "b", f"{number}"), ((10**9, 5), (1, 10**9), (10**12, 3)), 1.7e9 + number, 1)
"""


def test_processes_that_are_killed_hold_nobody_up():
    """In a table so small that they are killed within its lock, now and then."""
    file = os.memfd_create("small")
    os.fchmod(file, 0o600)
    table = Table(file, sets=1)
    with process(file, KEEP_TAKING):
        for _ in range(30):
            with process(file, KEEP_TAKING) as victim:
                victim.kill()
                began = time.monotonic()
                for number in range(1000):
                    table.take("c", (10**9, 5), 1.6e9 + number, 1)
                assert time.monotonic() - began < 5
    os.close(file)


# Which files are believed.


def file_with(folder: Path, data: bytes, mode: int = 0o600) -> Path:
    path = folder / "table"
    path.write_bytes(data)
    path.chmod(mode)
    return path


def good(folder: Path) -> bytes:
    """What a table of eight sets is on disk."""
    path = file_with(folder, b"")
    with path.open("r+b") as stream:
        Table(stream.fileno(), sets=8)
    return path.read_bytes()


def test_a_table_in_a_file(tmp_path):
    path = file_with(tmp_path, good(tmp_path))
    first, second = Counters.shared(path), Counters.shared(str(path))
    assert path.stat().st_size == 9 * LINE
    measures = ((HOUR, 2),)
    assert first._table.take_all(("a",), measures, AT, 1) is None
    assert second._table.take_all(("a",), measures, AT, 1) is None
    assert first._table.take_all(("a",), measures, AT, 1) is not None
    assert Counters.shared(path)._table.take_all(("a",), measures, AT, 1) is not None


CHANGES = [
    # offset, bytes put there, what is said
    (0, b"S", "does not begin as one"),
    (8, b"\x02", "another version"),
    (12, b"\x04", "another version"),
    (16, b"\x00", "size is wrong"),
    (16, b"\x07", "size is wrong"),
    (16, b"\x10", "size is wrong"),
    (23, b"\x80", "size is wrong"),
    (9 * LINE, b"x", "size is wrong"),
]


@pytest.mark.parametrize(("offset", "data", "trouble"), CHANGES)
def test_a_file_that_is_no_table(tmp_path, offset, data, trouble):
    whole = good(tmp_path)
    path = file_with(tmp_path, whole[:offset] + data + whole[offset + len(data) :])
    with pytest.raises(ValueError, match=trouble):
        Counters.shared(path)


@pytest.mark.parametrize(
    ("length", "trouble"), [(0, "short"), (LINE - 1, "short"), (LINE, "size"), (9 * LINE - 1, "size")]
)
def test_a_file_that_is_cut_short(tmp_path, length, trouble):
    path = file_with(tmp_path, good(tmp_path)[:length])
    with pytest.raises(ValueError, match=trouble):
        Counters.shared(path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_can_use(tmp_path, mode):
    path = file_with(tmp_path, good(tmp_path), mode)
    with pytest.raises(ValueError, match="others than its owner"):
        Counters.shared(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else(tmp_path):
    path = file_with(tmp_path, good(tmp_path))
    os.chown(path, 12345, -1)
    with pytest.raises(ValueError, match="others than its owner"):
        Counters.shared(path)


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(ValueError, match="no file"):
        Counters.shared(tmp_path / "pipe")
    with pytest.raises(OSError, match="Is a directory"):
        Counters.shared(tmp_path)
    with pytest.raises(OSError, match="No such file"):
        Counters.shared(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="cannot be looked at"):
        Table()


def test_a_new_table_overwrites_nothing(tmp_path):
    path = file_with(tmp_path, b"the only copy")
    with path.open("r+b") as stream, pytest.raises(ValueError, match="not empty"):
        Table(stream.fileno(), sets=8)
    assert path.read_bytes() == b"the only copy"


def test_only_we_can_open_what_workers_share(shared: int):
    assert os.fstat(shared).st_mode & 0o777 == 0o600
    assert Counters.shared(f"/dev/fd/{shared}").evicted == 0


def test_whatever_stands_in_a_table_is_survived(tmp_path):
    """A header that is right, and noise: a bucket may be wrong for a while, nobody is shut out for ever."""
    whole = bytearray(good(tmp_path))
    whole[LINE:] = os.urandom(len(whole) - LINE)
    for offset in range(LINE, len(whole), LINE):
        whole[offset : offset + 8] = bytes(8)
    counters = Counters.shared(file_with(tmp_path, bytes(whole)))
    for number in range(1000):
        counters._table.take(f"{number}", (HOUR, 1), AT, 1)
        counters._table.take(f"{number}", (1, 0, 2 * 10**9), AT, 1)
    assert counters._table.take("a", (HOUR, 1), AT + 10, 1)[3] <= HOUR
