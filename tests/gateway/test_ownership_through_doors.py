"""Ownership before a careless API: through Envoy over HTTP/1.1 and HTTP/2 with two workers, and through ASGI."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

import pytest

from stockade.gateway.asgi import Receive, Scope, Send
from tests.gateway.client import Reply
from tests.gateway.credentials import Issuer, scheme
from tests.gateway.doors import LOGS, AsgiDoor, Door, EnvoyDoor, Loop, Sent, serving
from tests.gateway.harness import Gateway, api, free_port, policy, running, wait_until
from tests.gateway.http2 import Http2Client, Reset

pytestmark = pytest.mark.envoy

ISSUER = Issuer()
OWNERSHIP = [
    {
        "type": "order",
        "id": [
            "path.order_id",
            "query.order",
            "header.x-order",
            "body.order_id",
            "body.orders[*].id",
            "graphql.order.id",
        ],
        "operations": ["* /orders/{order_id}", "* /orders/{order_id}/*", "GET /invoices", "POST /batch"],
        "learn": {"from": "POST /orders"},
        "lists": {"GET /orders": "response[*].id"},
        "share": {"from": "POST /orders/{order_id}/shares", "id": "path.order_id", "to": "body.with"},
        "move": {"from": "POST /orders/{order_id}/owner", "id": "path.order_id", "to": "body.to"},
        "remove": ["DELETE /orders/{order_id}"],
        "learning": "0s",
        "walk": "20/hour",
    },
    {
        "type": "note",
        "id": "path.note_id",
        "operations": ["* /notes/{note_id}"],
        "learn": {"from": "POST /notes"},
        "learning": "0s",
        "mode": "monitor",
    },
]


class Careless:
    """It makes orders, and shows, changes and deletes whatever it is asked for by whomever."""

    def __init__(self) -> None:
        self.next = 100
        self.served: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        path, method = scope["path"], scope["method"]
        self.served.append(f"{method} {path}")
        said: Any = {"path": path}
        if method == "POST" and path in ("/orders", "/notes"):
            self.next += 1
            asked = dict(parse_qsl(scope["query_string"].decode()))
            said = {"id": asked.get("as", self.next)}
            await asyncio.sleep(float(asked.get("slowly", 0)))
        elif method == "GET" and path == "/orders":
            said = [{"id": number} for number in json.loads(dict(scope["headers"]).get(b"x-list", b"[]"))]
        content = json.dumps(said).encode()
        fields = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": content})


def guarded(behind: int, folder: Path, log: str) -> dict[str, Any]:
    (folder / "keys.json").write_bytes(ISSUER.key_set())
    shop = api(behind, authentication={"any_of": [scheme("keys.json")]}, ownership=OWNERSHIP)
    return policy(shop, log={"path": log}, owners={"objects": 5000}, workers=2)


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    port = free_port()
    with serving(Careless(), port):
        yield port


@pytest.fixture(scope="module")
def envoy(tmp_path_factory: pytest.TempPathFactory, upstream: int) -> Iterator[EnvoyDoor]:
    folder = tmp_path_factory.mktemp("envoy")
    with ExitStack() as stack:
        yield EnvoyDoor(stack.enter_context(running(Gateway(folder, guarded(upstream, folder, LOGS["envoy"])))))


@pytest.fixture(scope="module")
def asgi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsgiDoor]:
    folder, loop = tmp_path_factory.mktemp("asgi"), Loop()
    (folder / "stockade.yaml").write_text(json.dumps(guarded(free_port(), folder, str(folder / LOGS["asgi"]))))
    door = AsgiDoor(loop, folder, Careless())
    yield door
    door.close()
    loop.close()


class Talk:
    """Requests of people, by one of three ways."""

    def __init__(self, way: str, envoy: EnvoyDoor, asgi: AsgiDoor) -> None:
        self.way = way
        self.door: Door = asgi if way == "ASGI" else envoy
        self.envoy, self.asgi = envoy, asgi
        self.tag = ""

    def ask(self, who: str, method: str, target: str, body: Any = None, *headers: tuple[str, str]) -> Reply:
        self.tag = uuid4().hex
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        fields = [("authorization", f"Bearer {TOKENS[who]}"), ("x-tag", self.tag), *headers]
        if content:
            fields.append(("content-type", "application/json"))
        if self.way == "HTTP/2":
            with Http2Client(self.envoy.gateway.port) as client:
                return client.ask(method, target, *fields, body=content)
        return self.door.send(Sent(method, target, tuple(fields), (content,) if content else ()))

    def rules(self) -> list[str]:
        return [finding["rule"] for finding in self.door.record(self.tag)["findings"]]


def _token(who: str) -> str:
    return ISSUER.token(who)


TOKENS = {who: _token(who) for who in ("ann", "bob", "cat", "eve")}


@pytest.fixture(params=["HTTP/1.1", "HTTP/2", "ASGI"])
def talk(request: pytest.FixtureRequest, envoy: EnvoyDoor, asgi: AsgiDoor) -> Talk:
    return Talk(request.param, envoy, asgi)


def test_what_a_response_hands_out_is_its_askers_at_once(talk: Talk) -> None:
    made = talk.ask("ann", "POST", "/orders", {"item": 1}).json()["id"]
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        refused = talk.ask("bob", method, f"/orders/{made}")
        assert refused.status == 404
        assert refused.problem()["detail"] == "There is no such object."
        assert talk.rules() == ["not-owner"]
    assert talk.ask("ann", "GET", f"/orders/{made}").status == 200
    assert talk.ask("ann", "POST", f"/orders/{made}/shares", {"with": "bob"}).status == 200
    assert talk.ask("bob", "GET", f"/orders/{made}").status == 200
    assert talk.ask("cat", "GET", f"/orders/{made}").status == 404
    assert talk.ask("ann", "POST", f"/orders/{made}/owner", {"to": "cat"}).status == 200
    assert [talk.ask(who, "GET", f"/orders/{made}").status for who in ("ann", "bob", "cat")] == [404, 404, 200]


def test_lists_teach_and_what_they_hold_of_others_is_withheld(talk: Talk) -> None:
    base = {"HTTP/1.1": 1000, "HTTP/2": 2000, "ASGI": 1000}[talk.way]
    mine = [base, base + 1]
    assert talk.ask("cat", "GET", "/orders", None, ("x-list", json.dumps(mine))).status == 200
    assert talk.ask("cat", "GET", f"/orders/{mine[1]}").status == 200
    assert talk.ask("ann", "GET", f"/orders/{mine[1]}").status == 404
    assert talk.ask("eve", "GET", "/orders", None, ("x-list", json.dumps(mine))).status == 403
    assert talk.rules() == ["listed-anothers"]
    assert talk.ask("eve", "GET", f"/orders/{mine[0]}").status == 404


ATTACKS: list[tuple[str, str, Any, tuple[tuple[str, str], ...]]] = [
    ("GET", "/orders/0{}", None, ()),
    ("GET", "/orders/{}.0", None, ()),
    ("GET", "/orders/{}.json", None, ()),
    ("GET", "/orders/%2B{}", None, ()),
    ("GET", "/orders/{}e0", None, ()),
    ("GET", "/orders/0x{:x}", None, ()),
    ("GET", "/orders/{}%20", None, ()),
    ("GET", "/orders/{};a=1", None, ()),
    ("GET", "/orders/{}/", None, ()),
    ("GET", "/orders/{}.", None, ()),
    ("GET", "/orders/1,{}", None, ()),
    ("GET", "/orders/%5B{}%5D", None, ()),
    ("GET", "/orders/%7B%22id%22:{}%7D", None, ()),
    ("GET", "/Orders/{}", None, ()),
    ("GET", "/ORDERS/{}", None, ()),
    ("GET", "/orders./{}", None, ()),
    ("GET", "//orders/{}", None, ()),
    ("GET", "/x/../orders/{}", None, ()),
    ("GET", "/%6Frders/{}", None, ()),
    ("GET", "/invoices?order={}", None, ()),
    ("GET", "/invoices?order=1&order={}", None, ()),
    ("GET", "/invoices?order[]={}", None, ()),
    ("GET", "/invoices?ORDER={}", None, ()),
    ("GET", "/invoices?%6Frder={}", None, ()),
    ("GET", "/invoices", None, (("x-order", "{}"),)),
    ("GET", "/invoices", None, (("x-order", "1"), ("x-order", "{}"))),
    ("POST", "/batch", '{{"order_id": {}}}', ()),
    ("POST", "/batch", '{{"order_id": 1, "order_id": {}}}', ()),
    ("POST", "/batch", '{{"order_id": [{}]}}', ()),
    ("POST", "/batch", '{{"order_id": {{"id": {}}}}}', ()),
    ("POST", "/batch", '{{"orders": [{{"id": 1}}, {{"id": {}}}]}}', ()),
    ("POST", "/graphql", '{{"query": "{{a: order(id: 1) {{id}} b: order(id: {}) {{id}}}}"}}', ()),
    ("POST", "/orders/{}", '{{"x": 1}}', (("x-http-method-override", "DELETE"),)),
    ("HEAD", "/orders/{}", None, ()),
    ("GET", "/orders/{}", None, (("x-original-url", "/orders"), ("x-rewrite-url", "/orders"))),
    ("GET", "/orders/{}", None, (("x-stockade-principal", "ann"), ("x-forwarded-user", "ann"))),
]


@pytest.mark.parametrize(("method", "target", "body", "headers"), ATTACKS, ids=map(str, range(len(ATTACKS))))
def test_no_spelling_gets_at_anothers(
    talk: Talk, method: str, target: str, body: str | None, headers: tuple[tuple[str, str], ...]
) -> None:
    made = talk.ask("ann", "POST", "/orders", {"item": 1}).json()["id"]
    fields = [(name, value.format(made)) for name, value in headers]
    reply = talk.ask("bob", method, target.format(made), body.format(made).encode() if body else None, *fields)
    assert reply.status in (400, 404), reply
    rules = talk.rules()
    assert rules in (["not-owner"], ["bad-target"]), rules


TRICKS = [
    (":path", "/orders/{}#"),
    (":path", "/orders/1\t{}"),
    (":path", "/orders\\{}"),
    (":path", "*"),
    (":method", "get"),
    (":method", "GET\x00"),
    (":scheme", "https"),
    (":authority", "elsewhere"),
]


@pytest.mark.parametrize(("name", "value"), TRICKS, ids=map(str, range(len(TRICKS))))
def test_pseudo_headers_of_http2_are_no_way_around(envoy: EnvoyDoor, asgi: AsgiDoor, name: str, value: str) -> None:
    talk = Talk("HTTP/2", envoy, asgi)
    made = talk.ask("ann", "POST", "/orders", {"item": 1}).json()["id"]
    fields = {":method": "GET", ":path": f"/orders/{made}", ":scheme": "http", ":authority": "localhost"}
    fields[name] = value.format(made)
    with Http2Client(envoy.gateway.port) as client:
        try:
            reply = client.ask("GET", fields[":path"], *fields.items(), ("authorization", f"Bearer {TOKENS['bob']}"))
        except (Reset, ConnectionError):
            return  # Envoy will have none of it
    assert reply.status in (400, 403, 404, 405), reply


def test_monitor_says_what_would_have_been_refused_and_refuses_nothing(talk: Talk) -> None:
    made = talk.ask("ann", "POST", "/notes", {"text": "x"}).json()["id"]
    assert talk.ask("bob", "GET", f"/notes/{made}").status == 200
    record = talk.door.record(talk.tag)
    (finding,) = record["findings"]
    assert (finding["rule"], finding["monitor"]) == ("not-owner", True)
    assert "never to bob" in finding["evidence"]


def test_naming_an_id_does_not_make_it_ones_own(talk: Talk) -> None:
    number = {"HTTP/1.1": 70_001, "HTTP/2": 70_002, "ASGI": 70_003}[talk.way]
    assert talk.ask("eve", "POST", f"/orders?as={number}", {"order_id": number}).status == 200
    assert talk.rules() == ["echoed"]
    assert talk.ask("cat", "GET", "/orders", None, ("x-list", json.dumps([number]))).status == 200
    assert talk.ask("eve", "GET", f"/orders/{number}").status == 404


def test_who_is_quicker_than_the_answer_comes_by_nothing(talk: Talk) -> None:
    """A reading between the making of an object and its maker's knowing of it is that of an unknown id."""
    number = {"HTTP/1.1": 71_001, "HTTP/2": 71_002, "ASGI": 71_003}[talk.way]
    other = Talk(talk.way, talk.envoy, talk.asgi)
    with ThreadPoolExecutor(1) as pool:
        making = pool.submit(other.ask, "ann", "POST", f"/orders?as={number}&slowly=0.5", {"x": 1})
        time.sleep(0.2)
        assert talk.ask("eve", "GET", f"/orders/{number}").status == 200
        assert making.result().status == 200
    assert talk.ask("eve", "GET", f"/orders/{number}").status == 404
    assert talk.ask("ann", "GET", f"/orders/{number}").status == 200


def test_who_walks_is_stopped(talk: Talk) -> None:
    base = 80_000 + 1000 * ["HTTP/1.1", "HTTP/2", "ASGI"].index(talk.way)
    statuses = [talk.ask("eve", "GET", f"/orders/{base + number}").status for number in range(30)]
    assert statuses[-5:] == [404] * 5
    assert talk.rules() == ["walked"]


def test_two_workers_know_the_same_and_what_is_killed_forgets_nothing(envoy: EnvoyDoor, asgi: AsgiDoor) -> None:
    talk, gateway = Talk("HTTP/1.1", envoy, asgi), envoy.gateway
    made = talk.ask("ann", "POST", "/orders", {"item": 1}).json()["id"]

    def refused_by_all() -> None:
        seen = set()
        for _ in range(60):
            assert talk.ask("bob", "GET", f"/orders/{made}").status == 404
            seen.add(envoy.record(talk.tag)["worker"])
            if seen == {0, 1}:
                return
        assert seen == {0, 1}

    refused_by_all()
    restarts = gateway.metrics()["stockade_worker_restarts_total"]
    for victim in gateway.workers():
        os.kill(victim, signal.SIGKILL)
    wait_until(lambda: gateway.metrics()["stockade_worker_restarts_total"] == restarts + 2)
    wait_until(lambda: gateway.ready()["workers"] == 2, "two workers")
    refused_by_all()
    assert talk.ask("ann", "GET", f"/orders/{made}").status == 200
