"""The token service beside the ASGI door: the same flow, in the process of the application."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import pytest

from stockade.config import load
from stockade.config.database import database_place
from stockade.config.hash_key import read_hash_key
from stockade.identity.clients import Clients
from stockade.stores import Database
from stockade.stores.clients import ClientStore
from tests.gateway.client import Reply
from tests.gateway.doors import LOGS, AsgiDoor, Loop, Sent, echo
from tests.gateway.harness import api, policy

ISSUER = "http://localhost/auth"


@pytest.fixture
def door(tmp_path: Path) -> Iterator[AsgiDoor]:
    oauth2 = {"issuer": ISSUER, "audience": "shop"}
    written = policy(api(9, authentication={"any_of": [{"oauth2": oauth2}]}), identity={"issuer": ISSUER})
    (tmp_path / "stockade.yaml").write_text(json.dumps({**written, "log": {"path": LOGS["asgi"]}}))
    loop = Loop()
    door = AsgiDoor(loop, tmp_path, echo)
    yield door
    door.close()
    loop.close()


def test_the_whole_loop(door: AsgiDoor, tmp_path: Path) -> None:
    loaded = load(tmp_path / "stockade.yaml")
    with closing(Database(database_place(loaded))) as database:
        clients = Clients(ClientStore(database), read_hash_key(loaded))
        robot = clients.add("robot", 0.0, grants=["client_credentials"], audiences=["shop"], scopes=["read"])

    def post(path: str, **form: str) -> Reply:
        secret = {"client_id": robot.client.id, "client_secret": robot.secret}
        body = urlencode({**secret, **form}).encode()
        kind = ("content-type", "application/x-www-form-urlencoded")
        return door.send(Sent("POST", f"/auth/oauth2/{path}", (kind,), (body,)))

    def use(token: str) -> int:
        return door.send(Sent("GET", "/orders/7", (("authorization", f"Bearer {token}"),))).status

    reply = post("token", grant_type="client_credentials")
    assert reply.status == 200, reply.body
    token = reply.json()["access_token"]
    assert use(token) == 200
    assert post("revoke", token=token).status == 200
    assert use(token) == 401
    assert door.send(Sent("GET", "/auth/.well-known/openid-configuration")).json()["issuer"] == ISSUER
    assert door.send(Sent("GET", "/auth/oauth2/nowhere")).status == 404
