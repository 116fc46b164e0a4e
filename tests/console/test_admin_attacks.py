"""What somebody with some right over the admin API, or with none, tries next."""

from __future__ import annotations

import time
from typing import Any

import pytest

from stockade.tokens import make_api_key
from tests.certificates.authority_kit import csr, new_key
from tests.console.desk import Desk, desk

__all__ = ["desk"]
ROBOT = {"grants": ["client_credentials"], "audiences": ["shop"]}


def holder(desk: Desk, *scopes: str) -> str:
    return desk.office.keys.issue("somebody", 1.0, scopes=[f"stockade:{scope}" for scope in scopes]).text


@pytest.fixture
def partner(desk: Desk) -> dict[str, Any]:
    """With a key, a certificate and a client."""
    name = f"firm-{time.monotonic_ns()}"
    client = desk.ask("POST", "/clients", {"name": "theirs", **ROBOT}).json()
    wanted = {"name": name, "key": True, "csr": csr(key=new_key()).decode(), "clients": [client["id"]]}
    made = desk.ask("POST", "/partners", {**wanted, "networks": ["192.0.2.0/24"]})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = {**made.json(), "client": client["id"]}
    return found


def test_a_right_over_keys_is_none_over_partners(desk: Desk, partner: dict[str, Any]) -> None:
    """A key in a partner's name, made outside its terms, would be that partner from anywhere and for ever."""
    clerk = holder(desk, "keys:write")
    reply = desk.ask("POST", "/keys", {"owner": partner["name"], "scopes": ["orders:write"]}, who=clerk)
    assert (reply.status_code, "renew" in reply.json()["detail"]) == (409, True)
    assert desk.ask("POST", "/keys", {"owner": partner["name"]}).status_code == 409  # an admin's slip, too
    assert desk.ask("POST", f"/keys/{partner['key_id']}/rotate", {}, who=clerk).status_code == 403
    both = holder(desk, "keys:write", "partners:write")
    assert desk.ask("POST", f"/keys/{partner['key_id']}/rotate", {}, who=both).status_code == 201
    # To end what has leaked needs no more than the right over keys.
    assert desk.ask("DELETE", f"/keys/{partner['key_id']}", who=clerk).status_code == 200


def test_nor_is_one_over_certificates_or_clients(desk: Desk, partner: dict[str, Any]) -> None:
    clerk = holder(desk, "certificates:write", "clients:write")
    mine = csr(key=new_key()).decode()
    serial, client = partner["serial"], partner["client"]
    assert desk.ask("POST", f"/certificates/{serial}/renew", {"csr": mine}, who=clerk).status_code == 403
    sign = desk.ask("POST", "/certificates", {"holder": partner["name"], "csr": mine}, who=clerk)
    assert sign.status_code == 409
    assert desk.ask("POST", f"/clients/{client}/rotate", {}, who=clerk).status_code == 403
    assert desk.ask("PATCH", f"/clients/{client}", {"disabled": True}, who=clerk).status_code == 200
    assert desk.ask("PATCH", f"/clients/{client}", {"disabled": False}, who=clerk).status_code == 403
    assert desk.ask("POST", f"/certificates/{serial}/revoke", {}, who=clerk).status_code == 200


def test_what_has_scopes_of_ours_is_touched_by_an_admin_alone(desk: Desk) -> None:
    """Not even ended: an admin must not lose the door to whoever may sweep the floor."""
    scopes = ["stockade:admin"]
    made = desk.ask("POST", "/partners", {"name": "boss", "scopes": scopes, "key": True, "networks": ["192.0.2.1"]})
    assert made.status_code == 201
    certificate = {"holder": "root", "csr": csr(key=new_key()).decode(), "scopes": scopes}
    serial = desk.ask("POST", "/certificates", certificate).json()["serial"]
    client = desk.ask("POST", "/clients", {"name": "chief", **ROBOT, "scopes": scopes}).json()["id"]
    user = desk.ask("POST", "/users", {"name": "chief", "scopes": scopes})
    assert user.status_code == 201
    for method, path, body in (
        ("PATCH", "/partners/boss", {"networks": []}),
        ("PATCH", "/partners/boss", {"scopes": []}),
        ("POST", "/partners/boss/renew", {"expires_in": "9d"}),
        ("DELETE", "/partners/boss", None),
        ("DELETE", f"/keys/{made.json()['key_id']}", None),
        ("POST", f"/certificates/{serial}/revoke", {}),
        ("POST", f"/certificates/{serial}/renew", {}),
        ("PATCH", f"/clients/{client}", {"disabled": True}),
        ("DELETE", f"/clients/{client}", None),
        ("POST", "/partners", {"name": "trojan", "clients": [client]}),  # to end it with itself
        ("PATCH", "/users/chief", {"scopes": []}),
        ("POST", "/users/chief/password", {}),
        ("DELETE", "/users/chief", None),
    ):
        assert desk.ask(method, path, body, who="clerk").status_code == 403, (method, path)
    assert desk.ask("GET", "/keys", who=made.json()["key"], address="192.0.2.1").status_code == 200
    assert desk.ask("GET", "/keys", who=made.json()["key"]).status_code == 401


DUPLICATES = [
    b'{"owner":"a","owner":"b"}',
    b'{"owner":"a","scopes":[],"scopes":["stockade:admin"]}',
    b'{"owner":"a","own\\u0065r":"b"}',
    b'{"owner":"a","expires_in":NaN}',
    b'{"owner":Infinity}',
    b'\xef\xbb\xbf{"owner":"a"}',
    b'{"owner":"a"} {}',
    b'{"owner":"a",}',
    b'{"owner":"\\ud800"}',
]


@pytest.mark.parametrize("content", DUPLICATES, ids=range(len(DUPLICATES)))
def test_json_that_two_readers_take_for_two_things(desk: Desk, content: bytes) -> None:
    before = len(desk.office.keys.list())
    headers = {"authorization": f"Bearer {desk.keys['admin']}", "content-type": "application/json"}
    assert desk.ask("POST", "/keys", content=content, headers=headers).status_code in (400, 422)
    assert len(desk.office.keys.list()) == before


@pytest.mark.parametrize("depth", [100, 10_000, 30_000])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_deep_json(desk: Desk, depth: int, opening: str) -> None:
    text = '{"owner":' + opening * min(depth, 60_000 // len(opening))
    headers = {"authorization": f"Bearer {desk.keys['admin']}", "content-type": "application/json"}
    assert desk.ask("POST", "/keys", content=text.encode(), headers=headers).status_code == 400


@pytest.mark.parametrize("digits", [400, 5_000, 60_000])
def test_long_numbers(desk: Desk, digits: int) -> None:
    headers = {"authorization": f"Bearer {desk.keys['admin']}", "content-type": "application/json"}
    content = b'{"owner":' + b"9" * digits + b"}"
    begun = time.monotonic()
    assert desk.ask("POST", "/keys", content=content, headers=headers).status_code in (400, 422)
    assert time.monotonic() - begun < 2.0


def test_a_packed_body_is_not_unpacked(desk: Desk) -> None:
    import gzip

    headers = {
        "authorization": f"Bearer {desk.keys['admin']}",
        "content-type": "application/json",
        "content-encoding": "gzip",
    }
    content = gzip.compress(b'{"owner":"a"}')
    assert desk.ask("POST", "/keys", content=content, headers=headers).status_code == 400


@pytest.mark.parametrize("name", ["x-http-method-override", "x-http-method", "x-method-override"])
def test_the_method_is_that_of_the_request_line(desk: Desk, name: str) -> None:
    key = desk.ask("POST", "/keys", {"owner": "override"}).json()
    headers = {"authorization": f"Bearer {desk.keys['reader']}", name: "DELETE"}
    assert desk.ask("GET", f"/keys/{key['id']}", headers=headers).json()["state"] == "active"
    assert desk.ask("GET", f"/keys/{key['id']}?_method=DELETE", headers=headers).status_code == 400
    headers["authorization"] = f"Bearer {desk.keys['admin']}"
    assert desk.ask("POST", f"/keys/{key['id']}", headers=headers).status_code == 405
    assert desk.ask("GET", f"/keys/{key['id']}").json()["state"] == "active"


NAMES = ["..%2f..%2fkeys", "a%2fb", "a%5cb", "a%00", "%ff", "A" * 5000, "nobody;x=1", "%252e%252e"]


@pytest.mark.parametrize("kind", ["keys", "users", "clients", "partners", "certificates"])
@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_names_in_paths(desk: Desk, kind: str, name: str) -> None:
    """None of them is found, or leads anywhere else; what is said of it is short and has no line of its own."""
    for method in ("GET", "DELETE"):
        reply = desk.ask(method, f"/{kind}/{name}")
        assert reply.status_code in (404, 405, 422), (method, name)
        assert not set(reply.text) & {"\r", "\n", "\0"}
        assert len(reply.text) < 1000


@pytest.mark.parametrize("name", ["../..", "../../..", "a%0d%0aX:y"])
def test_names_that_no_route_has(desk: Desk, name: str) -> None:
    headers = {"authorization": f"Bearer {desk.keys['admin']}"}
    assert desk.run(_raw(desk, "DELETE", headers, f"/api/v1/partners/{name}")).status_code in (404, 405)


def test_another_sites_page_can_do_nothing(desk: Desk) -> None:
    """No cookie counts, no preflight is answered, and what needs none (a form, plain text) is no body here."""
    reply = desk.run(_raw(desk, "OPTIONS", {"origin": "https://evil.example", "access-control-request-method": "POST"}))
    assert reply.status_code in (401, 405)
    assert not any(name.startswith("access-control") for name in reply.headers)
    for media in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        headers = {"authorization": f"Bearer {desk.keys['admin']}", "content-type": media}
        assert desk.ask("POST", "/keys", content=b'{"owner":"a"}', headers=headers).status_code == 415
    cookie = {"cookie": f"authorization=Bearer {desk.keys['admin']}", "origin": "https://evil.example"}
    assert desk.ask("DELETE", "/keys/x", headers=cookie).status_code == 401


async def _raw(desk: Desk, method: str, headers: dict[str, str], path: str = "/api/v1/keys") -> Any:
    import httpx

    transport = httpx.ASGITransport(desk._app)
    async with httpx.AsyncClient(transport=transport, base_url="http://admin") as client:
        return await client.request(method, path, headers=headers)


def test_guesses_all_get_the_same(desk: Desk) -> None:
    """A key that was never issued, one with a wrong secret, one that is over: the same answer, and all are hashed."""
    key = desk.keys["admin"]
    gone = desk.office.keys.issue("gone", 1.0, scopes=["stockade:admin"], expires=2.0).text
    unknown = make_api_key(bytes(16), bytes(32))
    replies = [desk.ask("GET", "/keys", who=text) for text in (unknown, key[:-8] + "AAAAAAAA", gone, "x", "")]
    assert {(reply.status_code, reply.text) for reply in replies} == {(401, replies[0].text)}
