"""The table of owners: shared, bounded, decaying, kept; and what people do with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.ownership import MINE, Confidence, Edges
from stockade.stores import Owners
from stockade.vocabulary import FindOwners, StoreError, Teach

NOW = 1_763_766_422.0
KEEP = 90 * 86400.0
AT_ONCE = Confidence(0.0, 0, 1.0)


def teach(
    store: Owners, ids: Any, *names: str, how: Any = "hold", at: float = NOW, exclusive: Any = "never"
) -> tuple[str, ...]:
    return store.teach(Teach("shop/order", tuple(ids), names, at, KEEP, how, "POST /orders", exclusive))


def owns(store: Owners, id_: str, name: str, at: float = NOW) -> int:
    """-1: it is the name's; 0: nobody's; else how many others'."""
    return store.find(FindOwners("shop/order", (id_,), (name,), at, KEEP, AT_ONCE)).found[0]


def test_two_processes_see_at_once_what_one_was_taught(tmp_path):
    one, two = (Owners(tmp_path / "owners", 1000) for _ in range(2))
    teach(one, ["7"], "principal:ann")
    assert owns(two, "7", "principal:ann") == MINE
    assert owns(two, "7", "principal:bob") == 1
    assert teach(two, ["7"], "principal:bob", exclusive="always") == ("7",)
    one.close()
    two.close()
    again = Owners(tmp_path / "owners", 1000)  # a restart
    assert owns(again, "7", "principal:ann") == MINE
    again.close()


def test_a_lost_or_resized_table_is_made_anew_from_what_was_written(tmp_path):
    store = Owners(tmp_path / "owners", 1000)
    teach(store, map(str, range(300)), "principal:ann")
    teach(store, ["7"], "principal:bob", how="move")
    teach(store, ["8"], how="forget")
    store.close()
    (tmp_path / "owners").unlink()
    for size in (1000, 5000):
        store = Owners(tmp_path / "owners", size)
        assert [owns(store, id_, "principal:bob") for id_ in ("7", "8", "9")] == [MINE, 0, 1]
        assert owns(store, "8", "principal:ann") == 0
        assert owns(store, "299", "principal:ann") == MINE
        store.close()


def test_a_table_grows_and_keeps_what_it_knows_unless_another_has_it_open(tmp_path):
    path = tmp_path / "owners"
    small = Owners(path, 1000)
    teach(small, map(str, range(500)), "principal:ann")
    teach(small, ["7"], "principal:bob", "principal:cat")
    while_open = Owners(path, 50_000)
    assert while_open.edges.room == small.edges.room
    small.close()
    while_open.close()
    (tmp_path / "owners.db").unlink()
    large = Owners(path, 50_000, at=NOW)
    assert large.edges.room > 50_000
    assert [owns(large, "7", f"principal:{name}") for name in ("ann", "bob", "cat", "dan")] == [MINE, MINE, MINE, 3]
    assert owns(large, "499", "principal:ann") == MINE
    large.close()


def test_what_is_no_table_is_not_written_over(tmp_path):
    path = tmp_path / "owners"
    path.write_bytes(b"the only copy of my thesis")
    path.chmod(0o600)
    with pytest.raises(StoreError, match="holds something else"):
        Owners(path)
    assert path.read_bytes() == b"the only copy of my thesis"
    path.write_bytes(b"")
    path.chmod(0o644)
    with pytest.raises(StoreError, match="chmod 600"):
        Owners(path)


@pytest.mark.parametrize(
    "damage", [b"stkowner", b"stkowner" + b"\xff" * 100_000, bytes(4096)], ids=["cut", "odd", "zeros"]
)
def test_a_damaged_table_is_made_anew_from_what_was_written(tmp_path, damage):
    store = Owners(tmp_path / "owners", 1000)
    teach(store, ["9"], "principal:ann")
    store.close()
    (tmp_path / "owners").write_bytes(damage)
    store = Owners(tmp_path / "owners", 1000)
    assert owns(store, "9", "principal:ann") == MINE
    store.close()


def test_a_folder_that_is_not_there_is_a_store_error(tmp_path):
    with pytest.raises(StoreError):
        Owners(tmp_path / "no" / "owners")


def test_any_number_may_share_one_object():
    store = Owners(None, 1000)
    everyone = [f"principal:{number}" for number in range(500)]
    for name in everyone:
        teach(store, ["7"], name)
    assert [name for name in everyone if owns(store, "7", name) != MINE] == []
    assert owns(store, "7", "principal:eve") == 256  # more are not counted
    teach(store, ["7"], "principal:400", how="drop")
    assert owns(store, "7", "principal:400") > 0


def test_who_lost_an_object_does_not_get_it_back_when_it_is_shared_again():
    store = Owners(None, 1000)
    teach(store, ["7"], "principal:ann")
    teach(store, ["7"], "principal:bob")
    teach(store, ["7"], "principal:cat", how="move")
    teach(store, ["7"], "principal:dan")
    assert [owns(store, "7", f"principal:{name}") for name in ("ann", "bob", "cat", "dan")] == [2, 2, MINE, MINE]
    teach(store, ["7"], how="forget")
    teach(store, ["7"], "principal:eve")
    teach(store, ["7"], "principal:fay")
    assert [owns(store, "7", f"principal:{name}") for name in ("cat", "dan", "eve", "fay")] == [2, 2, MINE, MINE]


def test_memory_is_bounded_and_the_oldest_go_first():
    store = Owners(None, 1000)
    for number in range(20_000):
        teach(store, [str(number)], f"principal:{number % 1000}", at=NOW + number * 60)
    kept = [
        number for number in range(20_000) if store.edges.last("shop/order", str(number), f"principal:{number % 1000}")
    ]
    assert 1000 <= len(kept) <= store.edges.room
    assert store.edges.evicted > 0
    assert store.edges.used <= store.edges.room
    assert sum(kept) / len(kept) > 17_000


def test_who_fills_the_table_pushes_out_what_is_his_own():
    store = Owners(None, 10_000)
    for number in range(3000):
        teach(store, [f"old-{number}"], f"principal:{number}")
    for number in range(60_000):
        teach(store, [f"fresh-{number}"], "principal:eve", at=NOW + 7200)
    kept = sum(owns(store, f"old-{number}", f"principal:{number}", NOW + 7200) == MINE for number in range(3000))
    assert kept >= 2990
    assert store.edges.used <= store.edges.room


def test_next_to_nothing_goes_within_the_room_that_was_asked_for():
    store = Owners(None, 20_000)
    teach(store, map(str, range(20_000)), "principal:ann")
    assert store.edges.evicted <= 2


def test_names_are_swept_of_what_the_table_has_forgotten(tmp_path):
    store = Owners(tmp_path / "owners", 100)
    for start in range(0, 20_000, 500):
        teach(store, map(str, range(start, start + 500)), "principal:ann", at=NOW + start * 60)
        store.keep()
    for _ in range(3):
        teach(store, ["last"], "principal:ann", at=NOW + 1e9, how="move")
        store.keep()
    assert sum(count for _, count in store.kinds()) <= store.edges.room
    store.close()


def test_who_has_many_names_is_known_by_each():
    store = Owners(None, 1000)
    teach(store, ["7"], "team:999")
    names = tuple(f"team:{number}" for number in range(1000))
    assert store.find(FindOwners("shop/order", ("7",), names, NOW, KEEP, AT_ONCE)).found == (MINE,)


ODD: list[tuple[str, tuple[Any, ...]]] = [
    ("find", ("k", ["7"], ("a",), NOW, KEEP)),
    ("find", ("k", ("7",), "a", NOW, KEEP)),
    ("find", ("k", (7,), ("a",), NOW, KEEP)),
    ("find", ("k", ("7",), (None,), NOW, KEEP)),
    ("find", ("k", ("7",), ("a",), -1.0, KEEP)),
    ("find", ("k", ("7",), ("a",), float("nan"), KEEP)),
    ("find", ("k", ("7",), ("a",), NOW, -1.0)),
    ("find", ("k",)),
    ("hold", ("k", "7", "a", NOW, KEEP)),
    ("hold", ("k", "7", b"a", NOW, KEEP, False)),
    ("drop", ("k", "7")),
    ("forget", (None, "7")),
    ("note_first", ("k", float("inf"))),
    ("adopt", ("k", NOW)),
]


@pytest.mark.parametrize(("name", "arguments"), ODD, ids=[f"{name}-{number}" for number, (name, _) in enumerate(ODD)])
def test_the_table_takes_nothing_odd(name, arguments):
    store = Owners(None, 1000)
    with pytest.raises((ValueError, TypeError)):
        getattr(store.edges, name)(*arguments)
    with pytest.raises((ValueError, TypeError)):
        Edges(bytearray(100), key=b"x" * 16)
    store.close()
    with pytest.raises(ValueError, match="closed"):
        store.edges.find("k", ("7",), ("a",), NOW, KEEP)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_whatever_stands_in_the_memory_nothing_worse_than_a_wrong_answer_comes_of_it(data):
    store = Owners(None, 100)
    teach(store, map(str, range(100)), "a")
    memory = memoryview(store._map).cast("Q")
    for _ in range(20):
        place = data.draw(st.integers(11, len(memory) - 1))
        if place != 5:
            memory[place] = data.draw(st.sampled_from([0, 1, (1 << 64) - 1, 1 << 63, memory[-1]]))
    memory.release()
    for number in range(100):
        assert owns(store, str(number), "a") in range(-1, 300)
        teach(store, [str(number)], "b", how=("hold", "drop", "move", "forget")[number % 4])
    store.close()


def test_it_decays_and_its_room_is_used_again():
    store = Owners(None, 1000)
    teach(store, ["7"], "principal:ann")
    assert owns(store, "7", "principal:ann", NOW + KEEP - 3600) == MINE
    assert owns(store, "7", "principal:ann", NOW + KEEP + 7200) == 0
    teach(store, ["7"], "principal:bob", at=NOW + KEEP + 7200, exclusive="always")
    assert owns(store, "7", "principal:bob", NOW + KEEP + 7200) == MINE


def test_confidence_counts_each_principal_once():
    store = Owners(None, 1000)
    wanted = Confidence(3600.0, 10, 0.2)

    def ask(id_: str, name: str, at: float) -> bool:
        return store.find(FindOwners("shop/order", (id_, "nobody's"), (name,), at, KEEP, wanted)).confident

    for number in range(10):
        teach(store, [str(number)], f"principal:{number}")
        ask(str(number), f"principal:{number}", NOW)
    assert not ask("1", "principal:1", NOW + 3599)
    assert ask("1", "principal:1", NOW + 3601)
    for _ in range(50):
        ask("1", "principal:2", NOW)
        ask("2", "principal:3", NOW)
    assert ask("1", "principal:1", NOW + 3601)
    ask("2", "principal:4", NOW)  # the third of ten
    assert not ask("1", "principal:1", NOW + 3601)


def test_who_only_looks_changes_nothing(tmp_path):
    store = Owners(tmp_path / "owners", 1000, passive=True)
    teach(store, ["7"], "principal:ann")
    assert owns(store, "7", "principal:ann") == 0
    store.close()


texts = st.text(max_size=8)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["hold", "drop", "forget", "move"]), st.integers(0, 5), st.integers(0, 3))))
def test_it_says_what_a_dictionary_would(changes):
    store = Owners(None, 1000)
    model: dict[int, set[int]] = {}
    for how, id_, name in changes:
        owners = model.setdefault(id_, set())
        if how in ("forget", "move"):
            owners.clear()
        if how in ("hold", "move"):
            owners.add(name)
        if how == "drop":
            owners.discard(name)
        teach(store, [str(id_)], *([] if how == "forget" else [f"principal:{name}"]), how=how)
    for id_, owners in model.items():
        for name in range(4):
            assert owns(store, str(id_), f"principal:{name}") == (MINE if name in owners else len(owners))


POLICY = """
version: 1
listen: [{address: "127.0.0.1:8080"}]
apis: [{name: shop, upstream: {url: "http://127.0.0.1:9000"}}]
owners: {objects: 1000}
"""


def test_the_commands(tmp_path, capsys):
    from typer.testing import CliRunner

    from stockade.cli.main import app

    policy = tmp_path / "stockade.yaml"
    policy.write_text(POLICY)
    option = ["--policy", str(policy)]
    lines = tmp_path / "owners.jsonl"
    lines.write_text(
        '{"kind": "shop/order", "id": "007", "owner": "principal:ann"}\n\n'
        '{"kind": "shop/order", "id": "7", "owner": "principal:bob", "first": 1.0, "last": 2e9}\n'
    )
    run = CliRunner().invoke
    assert run(app, ["ownership", "import", str(lines), *option]).output == "2 read, 2 new\n"
    running = Owners(tmp_path / "stockade.owners", 1000)
    assert owns(running, "7", "principal:ann", 1.9e9) == 1
    shown = json.loads(run(app, ["ownership", "show", "shop/order", "7", "--json", *option]).output)
    assert [(row["owner"], row["source"]) for row in shown] == [
        ("principal:ann", "import"),
        ("principal:bob", "import"),
    ]
    assert "shop/order" in run(app, ["ownership", "show", *option]).output
    exported = run(app, ["ownership", "export", *option]).output
    assert len(exported.splitlines()) == 2
    assert run(app, ["ownership", "forget", "shop/order", "7", "--owner", "principal:bob", *option]).exit_code == 0
    assert owns(running, "7", "principal:bob") == 1
    assert run(app, ["ownership", "forget", "shop/order", "7", *option]).exit_code == 0
    assert owns(running, "7", "principal:ann") == 0
    lines.write_text(exported + '{"kind": "x"}\nnonsense\n')
    refused = run(app, ["ownership", "import", str(lines), *option])
    assert refused.exit_code == 2
    lines.write_text(exported)
    assert run(app, ["ownership", "import", str(lines), *option]).output == "2 read, 2 new\n"
    running.close()


WORKER = """
import sys
from pathlib import Path
from stockade.stores import Owners
from stockade.vocabulary import FindOwners, Teach
from stockade.ownership import Confidence
number, path = sys.argv[1:]
store = Owners(Path(path), 2000)
print("ready", flush=True)
turn = 0
while True:
    turn += 1
    id_ = f"{number}-{turn % 1500}"
    how = ("hold", "hold", "move", "drop")[turn % 4]
    store.teach(Teach("k", (id_,), ("principal:" + number,), 1.7e9 + turn, 1e7, how, "x"))
    (found,) = store.find(FindOwners("k", (id_,), ("principal:" + number,), 1.7e9 + turn, 1e7, Confidence())).found
    assert found in (-1, 0), found  # nobody else was ever given it
    store._pending.clear()
"""


def test_workers_that_are_killed_leave_a_sound_table(tmp_path):
    path = tmp_path / "owners"
    store = Owners(path, 2000)
    teach(store, ["7"], "principal:ann")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for number in range(6):
        command = [sys.executable, "-c", WORKER, str(number), str(path)]
        workers = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(2)]
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == b"ready\n"
        time.sleep(0.05 + number * 0.013)
        for worker in workers:
            assert worker.poll() is None
            worker.kill()
            worker.wait()
            if worker.stdout is not None:
                worker.stdout.close()
        teach(store, [f"after-{number}"], "principal:ann")  # the lock of the dead is no obstacle
        assert owns(store, f"after-{number}", "principal:ann") == MINE
    assert store.edges.used <= store.edges.room
    store.close()
    again = Owners(path, 2000)
    assert owns(again, "after-5", "principal:ann") == MINE
    again.close()
