"""The table of owners: shared, bounded, decaying, kept; and what people do with it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.ownership import Confidence, Table, table_words
from stockade.stores import Owners
from stockade.vocabulary import FindOwners, StoreError, Teach

NOW = 1_763_766_422.0
KEEP = 90 * 86400.0
AT_ONCE = Confidence(0.0, 0, 1.0)


def teach(
    store: Owners, ids: Any, *names: str, how: Any = "hold", at: float = NOW, exclusive: Any = "never"
) -> tuple[str, ...]:
    return store.teach(Teach("shop/order", tuple(ids), names, at, KEEP, how, "POST /orders", exclusive))


def owns(store: Owners, id_: str, name: str, at: float = NOW) -> tuple[bool, int]:
    found = store.find(FindOwners("shop/order", (id_,), (name,), at, KEEP, AT_ONCE)).found[0]
    return found.own, found.owners


def test_two_processes_see_at_once_what_one_was_taught(tmp_path):
    one, two = (Owners(tmp_path / "owners", 1000) for _ in range(2))
    teach(one, ["7"], "principal:ann")
    assert owns(two, "7", "principal:ann") == (True, 1)
    assert owns(two, "7", "principal:bob") == (False, 1)
    assert teach(two, ["7"], "principal:bob", exclusive="always") == ("7",)
    one.close()
    two.close()
    again = Owners(tmp_path / "owners", 1000)  # a restart
    assert owns(again, "7", "principal:ann") == (True, 1)
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
        assert [owns(store, id_, "principal:bob")[0] for id_ in ("7", "8", "9")] == [True, False, False]
        assert owns(store, "8", "principal:ann") == (False, 0)
        assert owns(store, "299", "principal:ann") == (True, 1)
        store.close()
    (tmp_path / "owners").write_bytes(b"\xff" * (table_words(5000) * 8))
    store = Owners(tmp_path / "owners", 5000)
    assert owns(store, "9", "principal:ann") == (True, 1)
    store.close()


def test_a_folder_that_is_not_there_is_a_store_error(tmp_path):
    with pytest.raises(StoreError):
        Owners(tmp_path / "no" / "owners")


def test_any_number_may_share_one_object():
    store = Owners(None, 1000)
    everyone = [f"principal:{number}" for number in range(500)]
    for name in everyone:
        teach(store, ["7"], name)
    assert [name for name in everyone if not owns(store, "7", name)[0]] == []
    assert owns(store, "7", "principal:eve")[0] is False
    assert owns(store, "7", "principal:eve")[1] in range(7, 10)  # eight and more elsewhere, less what gave way
    teach(store, ["7"], "principal:400", how="drop")
    assert not owns(store, "7", "principal:400")[0]


def test_memory_is_bounded_and_the_oldest_go_first():
    table = Table.new(memoryview(bytearray(table_words(1000) * 8)).cast("Q"), bytes(16))
    owner = table.owner("ann")
    for number in range(20_000):
        table.hold("k", str(number), owner, NOW + number, KEEP)
    kept = [number for number in range(20_000) if table.find("k", str(number), (owner,), NOW + 20_000, KEEP).own]
    assert 1000 <= len(kept) <= 2048
    assert table.evicted > 0
    assert table.edges <= 2048
    assert sum(kept) / len(kept) > 15_000


def test_few_go_within_the_room_that_was_asked_for():
    table = Table.new(memoryview(bytearray(table_words(20_000) * 8)).cast("Q"), bytes(16))
    for number in range(20_000):
        table.hold("k", str(number), table.owner(f"p{number % 100}"), NOW, KEEP)
    assert table.evicted <= 20_000 * 0.01


def test_it_decays_and_its_room_is_used_again():
    store = Owners(None, 1000)
    teach(store, ["7"], "principal:ann")
    assert owns(store, "7", "principal:ann", NOW + KEEP - 3600)[0]
    assert owns(store, "7", "principal:ann", NOW + KEEP + 7200) == (False, 0)
    teach(store, ["7"], "principal:bob", at=NOW + KEEP + 7200, exclusive="always")
    assert owns(store, "7", "principal:bob", NOW + KEEP + 7200) == (True, 1)


def test_confidence_counts_each_principal_once():
    store = Owners(None, 1000)
    wanted = Confidence(3600.0, 10, 0.2)

    def ask(id_: str, name: str, at: float) -> bool:
        return store.find(FindOwners("shop/order", (id_,), (name,), at, KEEP, wanted)).confident

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
    assert owns(store, "7", "principal:ann") == (False, 0)
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
            assert owns(store, str(id_), f"principal:{name}") == (name in owners, len(owners))


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
    assert owns(running, "7", "principal:ann", 1.9e9) == (False, 1)
    shown = json.loads(run(app, ["ownership", "show", "shop/order", "7", "--json", *option]).output)
    assert [(row["owner"], row["source"]) for row in shown] == [
        ("principal:ann", "import"),
        ("principal:bob", "import"),
    ]
    assert "shop/order" in run(app, ["ownership", "show", *option]).output
    exported = run(app, ["ownership", "export", *option]).output
    assert len(exported.splitlines()) == 2
    assert run(app, ["ownership", "forget", "shop/order", "7", "--owner", "principal:bob", *option]).exit_code == 0
    assert owns(running, "7", "principal:bob") == (False, 1)
    assert run(app, ["ownership", "forget", "shop/order", "7", *option]).exit_code == 0
    assert owns(running, "7", "principal:ann") == (False, 0)
    lines.write_text(exported + '{"kind": "x"}\nnonsense\n')
    refused = run(app, ["ownership", "import", str(lines), *option])
    assert refused.exit_code == 2
    lines.write_text(exported)
    assert run(app, ["ownership", "import", str(lines), *option]).output == "2 read, 2 new\n"
    running.close()
