"""The admin API: what it answers, what it takes, and what it says of itself when it breaks."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql
from openapi_spec_validator import validate

from stockade.config import BadConfig, load, load_text
from stockade.console.resources import OPERATIONS
from stockade.identity import ApiKeys
from stockade.stores.audit import read_audit
from stockade.vocabulary import StoreError
from tests.certificates.authority_kit import csr, new_key
from tests.console.desk import POLICY, Desk, desk

__all__ = ["desk"]


def audited(desk: Desk, subject: str) -> list[tuple[str, str]]:
    return [(row.actor, row.action) for row in read_audit(desk.office.database, subject)]


# The whole life of each thing.


def test_keys(desk: Desk) -> None:
    made = desk.ask("POST", "/keys", {"owner": "alice", "scopes": ["orders:read"], "expires_in": "90d"})
    assert made.status_code == 201
    key = made.json()
    assert key["state"] == "active"
    listed = desk.ask("GET", "/keys").json()["keys"]
    assert key["id"] in {each["id"] for each in listed}
    assert key["key"] not in json.dumps(listed)
    assert desk.ask("GET", f"/keys/{key['id']}").json()["owner"] == "alice"
    fresh = desk.ask("POST", f"/keys/{key['id']}/rotate", {"overlap": "1h"}).json()
    assert desk.ask("GET", f"/keys/{key['id']}").json()["replaced_by"] == fresh["id"]
    assert desk.ask("DELETE", f"/keys/{fresh['id']}").json()["state"] == "revoked"
    actor = f"key:{desk.keys['admin'].split('_')[1]}"
    assert audited(desk, "alice") == [(actor, "key.revoked"), (actor, "key.rotated"), (actor, "key.issued")]


def test_partners(desk: Desk) -> None:
    wanted = {
        "name": "acme",
        "contact": "ops@acme.example",
        "networks": ["203.0.113.0/24"],
        "quota": "1000/day",
        "expires_in": "365d",
        "dns": ["client.acme.example"],
        "key": True,
        "csr": csr().decode(),
    }
    made = desk.ask("POST", "/partners", wanted)
    assert made.status_code == 201, made.text
    assert made.json()["key"].startswith("stk_")
    assert made.json()["certificate"].count("BEGIN CERTIFICATE") == 2
    assert desk.ask("PATCH", "/partners/acme", {"quota": None, "contact": "new"}).json()["quota"] is None
    shown = desk.ask("GET", "/partners/acme").json()
    assert (shown["contact"], shown["networks"]) == ("new", ["203.0.113.0/24"])
    assert [key["state"] for key in shown["keys"]] == ["active"]
    renewed = desk.ask("POST", "/partners/acme/renew", {"key": True, "overlap": "0s", "expires_in": "10d"})
    assert renewed.status_code == 201
    ended = desk.ask("DELETE", "/partners/acme").json()
    assert ended["ended_with_it"] == {"keys": 1, "certificates": 1, "clients": 0}
    assert desk.ask("GET", "/partners/acme").json()["state"] == "ended"
    assert {row["name"] for row in desk.ask("GET", "/partners").json()["partners"]} >= {"acme"}
    assert desk.ask("DELETE", "/partners/acme").status_code == 404


def test_certificates(desk: Desk) -> None:
    made = desk.ask("POST", "/certificates", {"holder": "web", "csr": csr().decode()})
    assert made.status_code == 201, made.text
    serial = made.json()["serial"]
    renewed = desk.ask("POST", f"/certificates/{serial}/renew", {"overlap": "1h"}).json()
    assert renewed["holder"] == "web"
    assert "BEGIN CERTIFICATE" in desk.ask("GET", f"/certificates/{serial}").json()["certificate"]
    revoked = desk.ask("POST", f"/certificates/{renewed['serial']}/revoke", {"reason": "superseded"}).json()
    assert (revoked["state"], revoked["reason"]) == ("revoked", "superseded")
    assert len(desk.ask("GET", "/certificates?holder=web").json()["certificates"]) == 2
    assert desk.ask("GET", "/authority").json()["certificates"].count("BEGIN CERTIFICATE") == 2
    assert desk.ask("GET", "/audit?subject=web").json()["audit"][0]["action"] == "certificate.revoked"


def test_the_description_is_one(desk: Desk) -> None:
    document = desk.ask("GET", "/openapi.json").json()
    validate(document)
    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    assert described == {(each.method, f"/api/v1{each.path}") for each in OPERATIONS}
    assert len({item["operationId"] for path in document["paths"].values() for item in path.values()}) == len(
        OPERATIONS
    )


def test_users(desk: Desk) -> None:
    made = desk.ask("POST", "/users", {"name": "bob", "password": "correct horse battery 7", "roles": ["clerk"]})
    assert made.status_code == 201, made.text
    assert (made.json()["state"], made.json()["roles"]) == ("active", ["clerk"])
    assert desk.ask("POST", "/users", {"name": "bob"}).status_code == 422
    weak = desk.ask("POST", "/users/bob/password", {"password": "password"})
    assert weak.status_code == 422
    assert desk.ask("PATCH", "/users/bob", {"disabled": True, "tenant": "t"}).json()["state"] == "disabled"
    reset = desk.ask("POST", "/users/bob/password", {}).json()
    assert desk.ask("PATCH", "/users/bob", {"disabled": False}).json()["tenant"] == "t"
    with desk.office.users() as users:
        assert users.verify("bob", reset["password"], time.time()) is not None
    shown = desk.ask("GET", "/users/bob").json()
    actor = f"key:{desk.keys['admin'].split('_')[1]}"
    assert {row["actor"] for row in shown["audit"]} == {actor}
    assert "argon2" not in json.dumps(shown)
    assert "bob" in {user["name"] for user in desk.ask("GET", "/users").json()["users"]}
    assert desk.ask("DELETE", "/users/bob").json()["state"] == "removed"
    assert desk.ask("GET", "/users/bob").status_code == 404


def test_clients(desk: Desk) -> None:
    wanted = {"name": "robot", "grants": ["client_credentials"], "audiences": ["shop"], "scopes": ["orders:read"]}
    made = desk.ask("POST", "/clients", wanted)
    assert made.status_code == 201, made.text
    client = made.json()
    assert desk.ask("POST", "/clients", {**wanted, "grants": ["password"]}).status_code == 422
    assert desk.ask("POST", "/clients", {**wanted, "jwks": {"keys": [{"kty": "oct", "k": "AA"}]}}).status_code == 422
    listed = desk.ask("GET", "/clients").text
    assert client["id"] in listed
    assert client["client_secret"] not in listed
    fresh = desk.ask("POST", f"/clients/{client['id']}/rotate", {}).json()
    assert fresh["client_secret"] != client["client_secret"]
    added = desk.ask("POST", "/partners", {"name": "automatic", "clients": [client["id"]]})
    assert added.status_code == 201
    assert desk.ask("DELETE", "/partners/automatic").json()["ended_with_it"]["clients"] == 1
    assert desk.ask("GET", f"/clients/{client['id']}").json()["state"] == "disabled"
    assert desk.ask("PATCH", f"/clients/{client['id']}", {"disabled": False}).json()["state"] == "active"
    assert desk.ask("DELETE", f"/clients/{client['id']}").json()["state"] == "removed"
    actions = [action for _, action in audited(desk, client["id"])]
    assert actions == ["client.removed", "client.enabled", "client.rotated", "client.added"]


# What is sent.

BODIES: list[tuple[str, Any, int]] = [
    ("unknown field", {"owner": "a", "admin": True}, 422),
    ("missing", {}, 422),
    ("type", {"owner": 7}, 422),
    ("array", [1], 422),
    ("null", None, 422),
    ("long", {"owner": "a" * 257}, 422),
    ("many", {"owner": "a", "scopes": ["x"] * 101}, 422),
    ("control", {"owner": "a\r\nb"}, 422),
    ("NUL", {"owner": "a\0"}, 422),
    ("network", {"owner": "a", "networks": ["nowhere"]}, 422),
    ("duration", {"owner": "a", "expires_in": "soon"}, 422),
    ("century", {"owner": "a", "expires_in": "99999999d"}, 422),
]


@pytest.mark.parametrize(("body", "status"), [pytest.param(b, s, id=n) for n, b, s in BODIES])
def test_bodies(desk: Desk, body: Any, status: int) -> None:
    before = len(desk.office.keys.list())
    reply = desk.ask("POST", "/keys", body)
    assert reply.status_code == status
    assert len(desk.office.keys.list()) == before


def test_where_a_body_is_wrong(desk: Desk) -> None:
    errors = desk.ask("POST", "/partners", {"name": 1, "quota": 5, "x/y": 1}).json()["errors"]
    assert {error["pointer"] for error in errors} == {"/name", "/quota", "/x~1y"}
    (error,) = desk.ask("POST", "/partners", {"name": "b", "quota": "5/fortnight"}).json()["errors"]
    assert error["pointer"] == "/quota"


@pytest.mark.parametrize(
    ("content", "media", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff{}", "application/json", 400),
        (b"[" * 60_000, "application/json", 400),
        (b" " * 70_000, "application/json", 413),
        (b"owner=mallory", "application/x-www-form-urlencoded", 415),
        (b'{"owner":"m"}', "text/plain", 415),
        (b'{"owner":"m"}', "", 415),
    ],
    ids=["cut", "no text", "deep", "large", "form", "text", "none"],
)
def test_what_is_no_body(desk: Desk, content: bytes, media: str, status: int) -> None:
    """A form and plain text are what another site's page can send."""
    headers = {"authorization": f"Bearer {desk.keys['admin']}", "content-type": media}
    assert desk.ask("POST", "/keys", content=content, headers=headers).status_code == status


def test_an_endless_body(desk: Desk) -> None:
    async def pieces() -> Any:
        while True:
            yield b" " * 4096

    headers = {"authorization": f"Bearer {desk.keys['admin']}", "content-type": "application/json"}
    assert desk.ask("POST", "/keys", content=pieces(), headers=headers).status_code == 413


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/keys?x=1", 400),
        ("GET", "/certificates?holder=a&holder=b", 400),
        ("GET", "/partners/..%2f..%2fetc", 404),
        ("GET", "/partners/%00", 404),
        ("GET", "/partners/a'%20OR%201=1", 404),
        ("GET", "/certificates/zz", 404),
        ("GET", "/nowhere", 404),
        ("PUT", "/keys", 405),
        ("DELETE", "/partners", 405),
    ],
)
def test_paths_and_queries(desk: Desk, method: str, path: str, status: int) -> None:
    assert desk.ask(method, path).status_code == status


def test_what_is_taken(desk: Desk) -> None:
    assert desk.ask("POST", "/partners", {"name": "twice", "dns": ["twice.example"]}).status_code == 201
    assert desk.ask("POST", "/partners", {"name": "twice"}).status_code == 409
    assert desk.ask("POST", "/partners", {"name": "other", "dns": ["twice.example"]}).status_code == 409
    key = new_key()
    assert desk.ask("POST", "/certificates", {"holder": "one", "csr": csr(key=key).decode()}).status_code == 201
    reply = desk.ask("POST", "/certificates", {"holder": "two", "csr": csr(key=key).decode()})
    assert reply.status_code == 422
    assert "another holder's" in reply.json()["detail"]


def test_a_database_that_fails_says_nothing_of_itself(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise StoreError("/secret/place: it is broken")

    monkeypatch.setattr(ApiKeys, "list", fail)
    reply = desk.ask("GET", "/keys")
    assert reply.status_code == 503
    assert "secret" not in reply.text


def test_a_bug_says_nothing_of_itself(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ApiKeys, "list", lambda _: 1 / 0)
    reply = desk.ask("GET", "/keys")
    assert reply.status_code == 500
    assert "zero" not in reply.text
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_another_policy(desk: Desk) -> None:
    """The office is opened anew; the old one is closed later, for somebody may be at work in it."""
    desk.loaded = load(desk.loaded.path)
    assert desk.ask("GET", "/keys").status_code == 200


def test_lists_are_renewed(desk: Desk) -> None:
    lists = desk.loaded.folder / "clients.crl"
    lists.unlink()

    async def keep_house() -> None:
        task = asyncio.create_task(desk.console.keep(0.01))
        while not lists.exists():
            await asyncio.sleep(0.01)
        task.cancel()

    desk.run(asyncio.wait_for(keep_house(), 10))
    assert not desk.office.certificates.lists_due(time.time())
    assert desk.office.certificates.lists_due(time.time() + 4 * 86400)


# The policy.


@pytest.mark.parametrize(
    ("admin", "said"),
    [
        ('{address: "0.0.0.0:9700", api: true}', "the admin API hands out keys: off this machine it needs tls"),
        ('{address: "192.0.2.1:9700", api: true}', "off this machine it needs tls"),
        ('{address: "127.0.0.1:9700", api: maybe}', "is not true or false"),
    ],
)
def test_it_is_not_served_in_clear_to_a_network(admin: str, said: str) -> None:
    with pytest.raises(BadConfig) as raised:
        load_text(POLICY.replace("{api: true}", admin), Path("stockade.yaml"), {})
    assert said in str(raised.value)


def test_with_tls_it_is() -> None:
    tls = '{address: "0.0.0.0:9700", api: true, tls: {certificate: a.pem, key: a.key}}'
    assert load_text(POLICY.replace("{api: true}", tls), Path("stockade.yaml"), {}).config.admin.api


# The audit and the change are one.


@pytest.mark.parametrize("broken", ["api_keys", "clients"])
def test_no_row_of_the_audit_without_its_change(desk: Desk, broken: str) -> None:
    """Whatever fails at the change takes its row in the audit along; and the row that fails takes the change."""
    database = desk.office.database
    key = desk.ask("POST", "/keys", {"owner": "firm"}).json()["id"]
    grants = {"grants": ["client_credentials"], "audiences": ["a"]}
    client = desk.ask("POST", "/clients", {"name": "firm", **grants}).json()["id"]
    by_table: dict[str, list[tuple[str, str, Any]]] = {
        "api_keys": [
            ("POST", "/keys", {"owner": "firm"}),
            ("POST", f"/keys/{key}/rotate", {}),
            ("DELETE", f"/keys/{key}", None),
        ],
        "clients": [
            ("POST", "/clients", {"name": "firm", **grants}),
            ("POST", f"/clients/{client}/rotate", {}),
            ("PATCH", f"/clients/{client}", {"disabled": True}),
            ("PATCH", f"/clients/{client}", {"disabled": False}),
            ("DELETE", f"/clients/{client}", None),
        ],
    }
    calls = by_table[broken]

    def rows() -> object:
        tables = ("api_keys", "clients", "credential_audit", "revocations")
        return [database.read(sql.text(f"SELECT * FROM {table}")) for table in tables]

    for table in (broken, "credential_audit"):
        for event in ("INSERT", "UPDATE", "DELETE"):
            database.write(
                sql.text(
                    f"CREATE TRIGGER refuse_{event} BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END"
                )
            )
        were = rows()
        for method, path, body in calls:
            assert desk.ask(method, path, body).status_code in (409, 503), (table, method, path)
        assert rows() == were, table
        for event in ("INSERT", "UPDATE", "DELETE"):
            database.write(sql.text(f"DROP TRIGGER refuse_{event}"))
    count = len(read_audit(database))
    assert [desk.ask(*call).status_code // 100 for call in calls] == [2] * len(calls)
    assert len(read_audit(database)) == count + len(calls)
