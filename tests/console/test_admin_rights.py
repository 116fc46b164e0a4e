"""The admin API: who may ask what."""

from __future__ import annotations

from typing import Any

import pytest

from stockade.console.operation import WRITE
from stockade.console.resources import OPERATIONS
from tests.certificates.authority_kit import csr
from tests.console.desk import Desk, desk

__all__ = ["desk"]


def example(operation: Any) -> str:
    return str(operation.path).replace("{id}", "nobody").replace("{name}", "nobody").replace("{serial}", "99")


CASES = [(operation.method, example(operation)) for operation in OPERATIONS] + [("GET", "/openapi.json")]


@pytest.mark.parametrize(("method", "path"), CASES)
def test_nobody_gets_anything_without_a_key(desk: Desk, method: str, path: str) -> None:
    key = desk.keys["admin"]
    for headers in (
        {},
        {"authorization": f"Basic {key}"},
        {"authorization": "Bearer"},
        {"authorization": f"Bearer {key[:-1]}"},
        {"authorization": f"Bearer {key[:20] + 'A' * 35}"},
        {"cookie": f"key={key}"},
        {"x-api-key": key, "authorization": f"Bearer {key}"},
        {"x-api-key": ""},
        {"x-forwarded-for": "127.0.0.1", "x-stockade-principal": "admin"},
    ):
        reply = desk.ask(method, path, headers=headers)
        assert reply.status_code == 401, headers
        assert reply.headers["www-authenticate"] == 'Bearer realm="stockade"'
    assert desk.ask(method, path, params={"key": key}, headers={}).status_code == 401


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: f"{each.method} {each.path}")
def test_scopes(desk: Desk, operation: Any) -> None:
    """A right that is missing is missed before anything else is looked at."""
    status = {who: desk.ask(operation.method, example(operation), who=who).status_code for who in desk.keys}
    assert status["stranger"] == 403
    assert (status["reader"] == 403) == (operation.right == WRITE)
    assert (status["keeper"] == 403) == (operation.resource != "keys" or operation.right == WRITE)
    assert (status["clerk"] == 403) == (operation.resource == "audit")
    assert status["admin"] not in (401, 403)


def test_no_way_up(desk: Desk) -> None:
    """Who may issue keys is no admin for that: neither by a new key nor by an admin's, nor through a partner."""
    admin = desk.keys["admin"].split("_")[1]
    for method, path, body in (
        ("POST", "/keys", {"owner": "x", "scopes": ["stockade:admin"]}),
        ("POST", "/keys", {"owner": "x", "scopes": ["orders:read", "stockade:users:write"]}),
        ("POST", f"/keys/{admin}/rotate", {}),
        ("DELETE", f"/keys/{admin}", None),
        ("POST", "/partners", {"name": "x", "scopes": ["stockade:admin"], "key": True}),
        ("POST", "/users", {"name": "x", "scopes": ["stockade:admin"]}),
        (
            "POST",
            "/clients",
            {"name": "x", "grants": ["client_credentials"], "audiences": ["a"], "scopes": ["stockade:admin"]},
        ),
        ("POST", "/certificates", {"holder": "x", "csr": csr().decode(), "scopes": ["stockade:admin"]}),
    ):
        assert desk.ask(method, path, body, who="clerk").status_code == 403, path
    assert desk.ask("GET", "/keys").status_code == 200
    assert desk.ask("POST", "/partners", {"name": "clerks"}, who="clerk").status_code == 201
    assert desk.ask("PATCH", "/partners/clerks", {"scopes": ["stockade:admin"]}, who="clerk").status_code == 403
    # What an admin gave, a clerk may not take up: a renewal shows a key.
    assert desk.ask("PATCH", "/partners/clerks", {"scopes": ["stockade:admin"]}).status_code == 200
    assert desk.ask("POST", "/partners/clerks/renew", {"key": True}, who="clerk").status_code == 403


def test_from_where_and_until_when(desk: Desk) -> None:
    bound = desk.office.keys.issue("bound", 1.0, scopes=["stockade:admin"], networks=["192.0.2.0/24"]).text
    assert desk.ask("GET", "/keys", who=bound, address="192.0.2.7").status_code == 200
    assert desk.ask("GET", "/keys", who=bound).status_code == 401
    assert (
        desk.ask(
            "GET", "/keys", headers={"authorization": f"Bearer {bound}", "x-forwarded-for": "192.0.2.7"}
        ).status_code
        == 401
    )
    late = desk.office.keys.issue("late", 1.0, scopes=["stockade:admin"], expires=2.0).text
    assert desk.ask("GET", "/keys", who=late).status_code == 401
    gone = desk.ask("POST", "/keys", {"owner": "gone", "scopes": ["stockade:admin"]}).json()
    assert desk.ask("GET", "/keys", who=gone["key"]).status_code == 200
    desk.ask("DELETE", f"/keys/{gone['id']}")
    assert desk.ask("GET", "/keys", who=gone["key"]).status_code == 401
