"""Basic through both doors: a real Envoy, and the ASGI middleware, each with the users of a real store."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyotp
import pytest

from stockade.identity.opening import opened
from stockade.passwords import make_basic
from tests.gateway.client import Reply
from tests.gateway.doors import LOGS, AsgiDoor, Door, EnvoyDoor, Loop, Sent, echo, serving
from tests.gateway.harness import Gateway, api, free_port, policy, running

pytestmark = pytest.mark.envoy

PASSWORD = "correct horse battery staple"
OTHER = "seven quiet otters juggle lamps"
APPS: dict[str, pyotp.TOTP] = {}  # of frank, by door
USERS = {"passwords": {"argon2": {"memory": "8MiB", "passes": 1}}, "lockout": {"address": 10_000, "longest": "10h"}}


def set_up(folder: Path) -> pyotp.TOTP:
    with opened(folder / "stockade.yaml") as identity:
        users = identity.users
        users.add("Alice", time.time(), "test", password=PASSWORD, roles=["clerk"], scopes=["orders:read"])
        users.add("Zoë", time.time(), "test", password="grüner Käse fliegt übers Meer")
        for name in ("bob", "carol", "dave", "erin"):
            users.add(name, time.time(), "test", password=PASSWORD)
        frank = users.add("frank", time.time(), "test", password=PASSWORD)
        app = identity.factors.enrol_totp(frank, time.time())
        past = time.time() - 120
        assert identity.factors.confirm_totp(frank, app.id, pyotp.TOTP(app.secret).at(int(past)), past, "test")
        return pyotp.TOTP(app.secret)


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Door]]:
    folder, port = tmp_path_factory.mktemp("basic"), free_port()
    asgi = folder / "asgi"
    asgi.mkdir()
    basic: dict[str, Any] = {"any_of": [{"basic": {"realm": "the shop"}}], "anonymous": ["GET /health"]}
    basic["step_up"] = [{"operations": ["POST /orders/{id}"], "acr": "mfa", "max_age": "5m"}]
    started = policy(api(port, authentication=basic), users=USERS)
    (folder / "stockade.yaml").write_text(json.dumps(started))
    (asgi / "stockade.yaml").write_text(json.dumps({**started, "log": {**started["log"], "path": LOGS["asgi"]}}))
    APPS.update(envoy=set_up(folder), asgi=set_up(asgi))
    with ExitStack() as stack:
        stack.enter_context(serving(echo, port))
        gateway = stack.enter_context(running(Gateway(folder, started)))
        loop = Loop()
        stack.callback(loop.close)
        inside = AsgiDoor(loop, asgi, echo)
        stack.callback(inside.close)
        yield {"envoy": EnvoyDoor(gateway), "asgi": inside}


@pytest.fixture(params=["envoy", "asgi"])
def door(request: pytest.FixtureRequest, doors: dict[str, Door]) -> Door:
    return doors[request.param]


def folder_of(door: Door, doors: dict[str, Door]) -> Path:
    envoy = doors["envoy"]
    assert isinstance(envoy, EnvoyDoor)
    return envoy.gateway.folder / ("asgi" if door.name == "asgi" else "")


def get(door: Door, authorization: str = "", method: str = "GET", **headers: str) -> Reply:
    pairs = [("host", "localhost"), *((name.replace("_", "-"), value) for name, value in headers.items())]
    if authorization:
        pairs.append(("authorization", authorization))
    return door.send(Sent(method, "/orders/7", tuple(pairs)))


def upstream_saw(reply: Reply) -> dict[str, str]:
    assert reply.status == 200, reply.body
    return dict(reply.json()["headers"])


def test_a_user_is_let_in_and_the_password_stays_here(door: Door) -> None:
    saw = upstream_saw(get(door, make_basic("alice", PASSWORD), x_otp="", x_tag="in"))
    assert (saw["x-stockade-principal"], saw["x-stockade-scopes"]) == ("alice", "orders:read")
    assert "authorization" not in saw
    assert PASSWORD not in json.dumps(saw)


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ALICE", PASSWORD),
        ("Zoë", "grüner Käse fliegt übers Meer"),
        ("zoe\u0308", "gru\u0308ner Käse fliegt übers Meer"),
    ],
    ids=["another case", "UTF-8", "decomposed"],
)
def test_ways_of_writing_the_same(door: Door, name: str, password: str) -> None:
    assert get(door, make_basic(name, password)).status == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        make_basic("alice", OTHER),
        make_basic("mallory", PASSWORD),
        make_basic("alice", ""),
        make_basic("", ""),
        "Basic",
        "Basic !!!!",
        "Basic YWxpY2U=",
        "Basic /////w==",
        "Basic " + "A" * 8000,
        "Bearer x",
    ],
    ids=["none", "wrong", "nobody", "empty", "all empty", "cut", "no base64", "no colon", "no UTF-8", "long", "bearer"],
)
def test_all_else_is_answered_alike(door: Door, authorization: str) -> None:
    reply = get(door, authorization)
    assert reply.status == 401, reply.body
    assert reply.header("www-authenticate") == 'Basic realm="the shop", charset="UTF-8"'


def test_nobody_can_tell_why(door: Door) -> None:
    """A user with a wrong password, a disabled one with the right one, and nobody at all."""

    def told(authorization: str) -> Any:
        reply = get(door, authorization)
        body = reply.json()
        body.pop("instance", None)
        kept = [
            (name, value) for name, value in reply.headers if name not in ("date", "x-request-id", "content-length")
        ]
        return reply.status, {key: value for key, value in body.items() if "id" not in key}, kept

    answers = [told(make_basic(name, OTHER + "!")) for name in ("bob", "nobody", "carol")]
    assert answers[0] == answers[1] == answers[2]


def test_what_changes_is_seen_at_once(door: Door, doors: dict[str, Door]) -> None:
    assert get(door, make_basic("bob", PASSWORD)).status == 200
    with opened(folder_of(door, doors) / "stockade.yaml") as identity:
        users = identity.users
        users.set_password("bob", OTHER, time.time(), "test")
        assert get(door, make_basic("bob", PASSWORD)).status == 401
        assert get(door, make_basic("bob", OTHER)).status == 200
        users.disable("bob", time.time(), "test")
        assert get(door, make_basic("bob", OTHER)).status == 401
        users.enable("bob", time.time(), "test")
        users.set_rights("bob", time.time(), "test", scopes=["orders:write"])
        assert upstream_saw(get(door, make_basic("bob", OTHER)))["x-stockade-scopes"] == "orders:write"
        users.remove("bob", time.time(), "test")
        assert get(door, make_basic("bob", OTHER)).status == 401


def test_a_second_factor(door: Door) -> None:
    """Asked of who has one; a code is good once, and then for a while at that address; enough for a step-up."""
    login, app = make_basic("frank", PASSWORD), APPS[door.name]
    reply = get(door, login)
    assert (reply.status, reply.header("x-otp")) == (401, "if-enrolled")
    assert get(door, login, x_otp="000000").status == 401
    code = app.now()
    saw = upstream_saw(get(door, login, x_otp=code))
    assert "x-otp" not in saw
    assert get(door, login, x_otp=code).status == 401, "the same code"
    assert get(door, login).status == 200
    assert get(door, login, "POST").status == 200
    weak = get(door, make_basic("alice", PASSWORD), "POST")
    assert weak.status == 401
    assert "insufficient_user_authentication" in (weak.header("www-authenticate") or "")


def test_guessing_ends_in_429_for_whoever_it_may_be_and_the_owner_goes_on(door: Door) -> None:
    assert get(door, make_basic("dave", PASSWORD)).status == 200
    statuses = {
        name: [get(door, make_basic(name, f"{OTHER} {n}")).status for n in range(8)] for name in ("erin", "who")
    }
    assert statuses["erin"] == statuses["who"] == [401] * 5 + [429] * 3
    locked = get(door, make_basic("erin", PASSWORD))
    assert locked.status == 429
    assert int(locked.header("retry-after") or 0) >= 1
    assert get(door, make_basic("dave", PASSWORD)).status == 200


def test_the_log_tells_who_and_why_and_no_password(door: Door, doors: dict[str, Door]) -> None:
    get(door, make_basic("alice", "a password that is wrong"), x_tag="why")
    record = door.record("why")
    assert [finding["rule"] for finding in record["findings"]] == ["login-wrong"]
    assert "that is wrong" not in json.dumps(record)
    get(door, make_basic("my own secret, mistyped".replace(" ", "-"), "x"), x_tag="mistyped")
    assert "mistyped" not in json.dumps({**door.record("mistyped"), "headers": {}})
