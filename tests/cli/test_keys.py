"""`stockade keys`: issue, list, usage, rotate, revoke."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from stockade.stores import KeyStore
from stockade.tokens import parse_api_key
from stockade.vocabulary import StoreError
from tests.cli.conftest import Stockade

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def issued(stockade: Stockade, *options: str) -> str:
    ended = stockade("keys", "issue", "--owner", "alice", *options)
    assert ended.status == 0
    return ended.out.strip()


def id_of(key: str) -> str:
    parsed = parse_api_key(key)
    assert parsed is not None
    return parsed.id


def works(stockade: Stockade, key: str, *options: str) -> bool:
    return stockade("explain", "GET", "/orders", "-H", f"X-API-Key: {key}", *options).status == 0


def test_a_key_is_shown_once_and_alone(shop: Path, stockade: Stockade) -> None:
    ended = stockade("keys", "issue", "--owner", "alice")
    key = ended.out.strip()
    assert ended.out == f"{key}\n", "so that it can be piped"
    assert ended.err == f"id {id_of(key)}; keep it now, it cannot be shown again\n"
    assert works(stockade, key)


def test_for_machines(shop: Path, stockade: Stockade) -> None:
    options = ("--scope", "b", "--scope", "a", "--network", "192.0.2.0/24", "--expires", "90d")
    answer = stockade("keys", "issue", "--owner", "alice", *options, "--json").json()
    assert answer["id"] == id_of(answer["key"])
    assert (answer["owner"], answer["state"], answer["scopes"]) == ("alice", "active", "a b")
    assert answer["networks"] == "192.0.2.0/24"
    assert MOMENT.fullmatch(answer["created"])
    assert MOMENT.fullmatch(answer["expires"])
    assert works(stockade, answer["key"], "--client", "192.0.2.1")
    assert not works(stockade, answer["key"])


def test_the_list_holds_no_secret(shop: Path, stockade: Stockade) -> None:
    key = issued(stockade)
    secret = key.rpartition("_")[2]
    table, machines = stockade("keys", "list"), stockade("keys", "list", "--json")
    assert id_of(key) in table.out
    assert [row["owner"] for row in machines.json()] == ["alice"]
    digest = "digest"
    for text in (table.out, table.err, machines.out, machines.err):
        assert secret not in text
        assert digest not in text


def test_an_empty_list(shop: Path, stockade: Stockade) -> None:
    assert stockade("keys", "list", "--json").json() == []
    assert stockade("keys", "list").out.split()[:2] == ["id", "owner"]


def test_rotation_overlaps(shop: Path, stockade: Stockade) -> None:
    old = issued(stockade, "--scope", "orders:read")
    new = stockade("keys", "rotate", id_of(old)).out.strip()
    assert works(stockade, old)
    assert works(stockade, new)
    rows = {row["id"]: row for row in stockade("keys", "list", "--json").json()}
    assert rows[id_of(old)]["state"] == "rotated"
    assert rows[id_of(old)]["replaced_by"] == id_of(new)
    assert rows[id_of(new)]["scopes"] == "orders:read"


def test_rotation_without_overlap(shop: Path, stockade: Stockade) -> None:
    old = issued(stockade)
    answer = stockade("keys", "rotate", id_of(old), "--overlap", "0s", "--json").json()
    assert not works(stockade, old)
    assert works(stockade, answer["key"])
    again = stockade("keys", "rotate", id_of(old))
    assert again.status == 2
    assert "does not work any more" in again.err


@pytest.mark.parametrize("whole", [False, True], ids=["by id", "by the whole key"])
def test_revocation(shop: Path, stockade: Stockade, whole: bool) -> None:
    key = issued(stockade)
    ended = stockade("keys", "revoke", key if whole else id_of(key))
    assert ended == (0, f"revoked {id_of(key)} of alice\n", "")
    assert not works(stockade, key)
    assert stockade("keys", "revoke", id_of(key), "--json").json()["state"] == "revoked"


@pytest.mark.parametrize("command", ["rotate", "revoke"])
def test_an_unknown_id(shop: Path, stockade: Stockade, command: str) -> None:
    assert stockade("keys", command, "nobody") == (2, "", "stockade: no key has the id nobody\n")


@pytest.mark.parametrize("command", ["rotate", "revoke"])
def test_a_mistyped_key_is_not_repeated(shop: Path, stockade: Stockade, command: str) -> None:
    key = issued(stockade)
    mistyped = key[:-1] + ("a" if key[-1] != "a" else "b")
    for wrong in (mistyped, key[:-1], f"{key}x"):
        ended = stockade("keys", command, wrong)
        assert ended.status == 2
        assert key[20:40] not in ended.err


def test_a_whole_key_that_works_no_more_is_not_repeated(shop: Path, stockade: Stockade) -> None:
    key = issued(stockade)
    stockade("keys", "revoke", key)
    ended = stockade("keys", "rotate", key)
    assert ended.status == 2
    assert key[20:40] not in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["issue"], "Missing option '--owner'"),
        (["issue", "--owner", ""], "the owner must be 1 to 256 printable characters"),
        (["issue", "--owner", "a\nb"], "the owner must be 1 to 256 printable characters"),
        (["issue", "--owner", "a", "--network", "10.0.0"], "'10.0.0' is not an address or a network"),
        (["issue", "--owner", "a", "--expires", "90"], "'90' is not a duration"),
        (["issue", "--owner", "a", "--expires", "soon"], "'soon' is not a duration"),
        (["issue", "--owner", "a", "--expires", "0s"], "'0s' is too short; the least is 1s"),
        (["issue", "--owner", "a", "--expires", "99999999d"], "'99999999d' is longer than a century"),
        (["rotate", "x", "--overlap", "1 fortnight"], "'1 fortnight' is not a duration"),
        (["rotate"], "name one key, or choose several by --owner and --older-than"),
        (["rotate", "x", "--owner", "a"], "name one key, or choose several by --owner and --older-than"),
        (["rotate", "--older-than", "old"], "'old' is not a duration"),
        (["usage", "--unused-for", "90"], "'90' is not a duration"),
        (["list", "--policy", "nowhere.yaml"], "nowhere.yaml: cannot be read"),
        (["frobnicate"], "No such command 'frobnicate'"),
    ],
)
def test_what_cannot_be_done(shop: Path, stockade: Stockade, arguments: list[str], said: str) -> None:
    ended = stockade("keys", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err


DAY = 86400.0


def aged(shop: Path, key: str, days: float, used_days_ago: float | None = None, uses: int = 0) -> None:
    """As if it had been issued so long ago."""
    store = KeyStore(shop / "stockade.db")
    now = time.time()
    used = now - used_days_ago * DAY if used_days_ago is not None else None
    store.change(id_of(key), created=now - days * DAY, last_used=used, uses=uses)
    store.close()


def test_usage(shop: Path, stockade: Stockade) -> None:
    busy, idle, never, fresh = (issued(stockade) for _ in range(4))
    aged(shop, busy, 400, 1, 12345)
    aged(shop, idle, 400, 95, 7)
    aged(shop, never, 200)
    gone = issued(stockade)
    aged(shop, gone, 400)
    stockade("keys", "revoke", gone)
    rows = {row["id"]: row for row in stockade("keys", "usage", "--json").json()}
    assert [rows[id_of(key)]["uses"] for key in (busy, idle, never, fresh)] == [12345, 7, 0, 0]
    assert [rows[id_of(key)]["idle_days"] for key in (busy, idle, never, fresh)] == [1, 95, 200, 0]
    unused = stockade("keys", "usage", "--unused-for", "90d", "--json").json()
    assert [row["id"] for row in unused] == [id_of(never), id_of(idle)], (
        "the longest unused first; none that is revoked"
    )
    table = stockade("keys", "usage", "--unused-for", "90d").out
    assert id_of(never) in table
    assert id_of(busy) not in table
    assert stockade("keys", "usage", "--owner", "bob", "--json").json() == []


def test_forced_rotation(shop: Path, stockade: Stockade) -> None:
    old, young, dead = issued(stockade, "--scope", "orders:read"), issued(stockade), issued(stockade)
    other = stockade("keys", "issue", "--owner", "bob").out.strip()
    for key in (old, dead, other):
        aged(shop, key, 200)
    stockade("keys", "revoke", dead)
    ended = stockade("keys", "rotate", "--owner", "alice", "--older-than", "180d")
    (line,) = ended.out.splitlines()
    owner, replaced, new = line.split()
    assert (owner, replaced) == ("alice", id_of(old))
    assert "1 keys rotated" in ended.err
    assert works(stockade, old)
    assert works(stockade, new)
    answer = stockade("keys", "rotate", "--older-than", "180d", "--overlap", "0s", "--json").json()
    assert [(row["replaces"], row["owner"]) for row in answer] == [(id_of(other), "bob")], "alice's has its successor"
    assert not works(stockade, other)
    assert works(stockade, answer[0]["key"])
    assert stockade("keys", "rotate", "--older-than", "180d", "--json").json() == []
    assert len(stockade("keys", "rotate", "--owner", "alice", "--json").json()) == 2, "the young one, and the new one"
    assert works(stockade, young)


def test_what_was_rotated_before_a_failure_is_shown(
    shop: Path, stockade: Stockade, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        issued(stockade)
    replace, calls = KeyStore.replace, []

    def failing(self: KeyStore, *arguments: Any) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise StoreError("the disk is full")
        replace(self, *arguments)

    monkeypatch.setattr(KeyStore, "replace", failing)
    ended = stockade("keys", "rotate", "--owner", "alice", "--json")
    assert (ended.status, ended.err) == (2, "stockade: the disk is full\n")
    assert len(ended.json()) == 2
    assert all(works(stockade, row["key"]) for row in ended.json())


def test_the_list_survives_any_expiry_that_can_be_given(shop: Path, stockade: Stockade) -> None:
    issued(stockade, "--expires", "36500d")
    assert stockade("keys", "list").status == 0


def test_a_store_that_cannot_be_opened(shop: Path, stockade: Stockade) -> None:
    (shop / "stockade.db").write_text("this is no database, and it is long enough to say so")
    ended = stockade("keys", "list")
    assert ended.status == 2
    assert ended.err.startswith("stockade: ")
    assert "stockade.db" in ended.err
