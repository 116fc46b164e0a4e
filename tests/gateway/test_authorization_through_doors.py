"""Rules by tag, Cedar policies and guarded properties before the sample shop: through Envoy over HTTP/1.1 and HTTP/2,
and through ASGI. What a user may not do is refused by every way, however it is spelled."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from shop.app import create_app

from tests.gateway.client import Reply
from tests.gateway.credentials import Issuer, scheme
from tests.gateway.doors import LOGS, AsgiDoor, Door, EnvoyDoor, Loop, Sent, serving
from tests.gateway.harness import Gateway, api, free_port, policy, running
from tests.gateway.http2 import Http2Client, Reset

pytestmark = pytest.mark.envoy

ISSUER = Issuer()
WAYS = ["HTTP/1.1", "HTTP/2", "ASGI"]
JSON = ("content-type", "application/json")
POLICIES = """\
@id("users") permit(principal, action in [Action::"tag:products", Action::"tag:orders", Action::"tag:users"], resource);
@id("admins") permit(principal in Role::"admin", action, resource);
@id("own-profile") forbid(principal, action in Action::"tag:users", resource)
unless { principal in Role::"admin" || resource.params.id == principal.id };
@id("no-large-orders") forbid(principal, action == Action::"POST /orders", resource)
when { context.body has quantity && context.body.quantity > 10 } unless { principal in Role::"admin" };
"""
AUTHORIZATION: dict[str, Any] = {
    "rules": [
        {"name": "administration", "tags": ["admin"], "roles": ["admin"]},
        {"name": "shopping", "tags": ["products", "orders", "users"], "scopes": ["shop"]},
    ],
    "properties": [{"name": "privileged", "properties": ["role", "credit", "password_hash"], "roles": ["admin"]}],
    "cedar": {"policies": ["shop.cedar"]},
}


def guarded(behind: int, folder: Path, log: str) -> dict[str, Any]:
    (folder / "keys.json").write_bytes(ISSUER.key_set())
    (folder / "openapi.json").write_text(json.dumps(create_app().openapi()))
    (folder / "shop.cedar").write_text(POLICIES)
    one = api(
        behind,
        openapi="openapi.json",
        schema={"mode": "off"},
        authentication={"any_of": [scheme("keys.json")]},
        authorization=AUTHORIZATION,
    )
    return policy(one, log={"path": log})


@pytest.fixture(scope="module")
def envoy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnvoyDoor]:
    folder, port = tmp_path_factory.mktemp("envoy"), free_port()
    with ExitStack() as stack:
        stack.enter_context(serving(create_app(), port))
        yield EnvoyDoor(stack.enter_context(running(Gateway(folder, guarded(port, folder, LOGS["envoy"])))))


@pytest.fixture(scope="module")
def asgi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsgiDoor]:
    folder, loop = tmp_path_factory.mktemp("asgi"), Loop()
    (folder / "stockade.yaml").write_text(json.dumps(guarded(free_port(), folder, str(folder / LOGS["asgi"]))))
    door = AsgiDoor(loop, folder, create_app())
    yield door
    door.close()
    loop.close()


def send(way: str, envoy: EnvoyDoor, asgi: AsgiDoor, sent: Sent, token: str | None) -> tuple[Reply, dict[str, Any]]:
    tag = uuid4().hex
    own = (("x-tag", tag), *((("authorization", f"Bearer {token}"),) if token else ()))
    sent = sent._replace(headers=(*sent.headers, *own))
    door: Door = asgi if way == "ASGI" else envoy
    if way == "HTTP/2":
        with Http2Client(envoy.gateway.port) as client:
            reply = client.ask(sent.method, sent.target, *sent.headers, body=b"".join(sent.body))
    else:
        reply = door.send(sent)
    return reply, door.record(tag)


USER: dict[str, Any] = {"scope": "shop"}
ADMIN: dict[str, Any] = {"scope": "shop", "roles": ["admin"]}
# claims, what is sent, status, the control's rule
TABLE: dict[str, tuple[dict[str, Any], Sent, int, str]] = {
    "a product": (USER, Sent("GET", "/products/1"), 200, "shopping users"),
    "own profile": (USER, Sent("GET", "/users/1"), 200, "shopping users"),
    "another's": (USER, Sent("GET", "/users/2"), 403, "own-profile"),
    "no scope": ({}, Sent("GET", "/products/1"), 403, "shopping"),
    "admin area": (USER, Sent("GET", "/admin/orders"), 403, "administration"),
    "admin area, by who may": (ADMIN, Sent("GET", "/admin/orders"), 200, "administration admins"),
    "what no rule names": (ADMIN, Sent("GET", "/health"), 403, "default"),
    "in capitals": (USER, Sent("GET", "/ADMIN/orders"), 403, "administration"),
    "with a dot": (USER, Sent("GET", "/admin./orders"), 403, "administration"),
    "with a slash": (USER, Sent("GET", "/admin/orders/"), 403, "administration"),
    "with a parameter": (USER, Sent("GET", "/admin;v=1/orders"), 403, "administration"),
    "encoded twice": (USER, Sent("GET", "/%2561dmin/orders"), 403, ""),
    "through dots": (USER, Sent("GET", "/products/..%252fadmin/orders"), 403, ""),
    "overridden": (USER, Sent("GET", "/orders/1", (("x-http-method-override", "PURGE"),)), 403, ""),
    "in the query": (USER, Sent("GET", "/admin/orders?role=admin"), 403, "administration"),
    "a role in a header": (USER, Sent("GET", "/admin/orders", (("x-role", "admin"),)), 403, "administration"),
    "a role as a text": ({"scope": "shop", "roles": "user"}, Sent("GET", "/admin/orders"), 403, "administration"),
    "roles as an object": ({"scope": "shop", "roles": {"admin": 1}}, Sent("GET", "/admin/orders"), 403, ""),
    "roles as nothing": ({"scope": "shop", "roles": None}, Sent("GET", "/admin/orders"), 403, "administration"),
    "a batch": (USER, Sent("POST", "/batch", (JSON,), (b'[{"method":"GET","path":"/admin/orders"}]',)), 403, "default"),
    "a privileged property": (USER, Sent("PATCH", "/users/1", (JSON,), (b'{"role":"admin"}',)), 403, "privileged"),
    "in another spelling": (USER, Sent("PATCH", "/users/1", (JSON,), (b'{"Password-Hash":"x"}',)), 403, "privileged"),
    "in pieces": (USER, Sent("PATCH", "/users/1", (JSON,), (b'{"ro', b'le":"admin"}')), 403, "privileged"),
    "in the query of a write": (USER, Sent("PATCH", "/users/1?role=admin", (JSON,), (b"{}",)), 403, "privileged"),
    "by who may": (ADMIN, Sent("PATCH", "/users/2", (JSON,), (b'{"role":"admin"}',)), 200, "shopping users"),
    "an honest change": (USER, Sent("PATCH", "/users/1", (JSON,), (b'{"phone":"1"}',)), 200, "shopping users"),
    "a large order": (
        USER,
        Sent("POST", "/orders", (JSON,), (b'{"product_id":1,"quantity":11,"user_id":1}',)),
        403,
        "no-large-orders",
    ),
    "a large one, said twice": (
        USER,
        Sent("POST", "/orders", (JSON,), (b'{"product_id":1,"quantity":1,"quantity":11,"user_id":1}',)),
        400,
        "ambiguous",
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", TABLE)
def test_table(name, way, envoy, asgi):
    claims, sent, status, rule = TABLE[name]
    reply, record = send(way, envoy, asgi, sent, ISSUER.token("1", **claims))
    if status >= 400:
        assert reply.status in (status, 400), reply
        assert record["control"] in ("authorization", "routing", "firewall")
        assert not rule or record["findings"][-1]["rule"] == rule
        assert b"admin" not in reply.body
    else:
        assert reply.status == status, reply
        decided = {each.partition(":")[2] for each in record["decided"].split()}
        assert decided == set(rule.split())


@pytest.mark.parametrize("way", WAYS)
def test_nobody(way, envoy, asgi):
    reply, record = send(way, envoy, asgi, Sent("GET", "/admin/orders"), None)
    assert (reply.status, record["control"]) == (401, "authentication")


@pytest.mark.parametrize(
    "fields",
    [
        [(":path", "/products/1"), (":path", "/admin/orders")],
        [(":path", "/admin/orders"), (":authority", "localhost/products/1?")],
        [(":method", "GET /admin/orders HTTP/1.1\r\nhost: x\r\n\r\nGET"), (":path", "/products/1")],
        [(":path", "/products/1 HTTP/1.1\r\n\r\nGET /admin/orders")],
        [(":path", "//localhost/admin/orders")],
        [(":path", "/admin/orders"), ("x-original-url", "/products/1")],
        [(":path", "/products/1"), ("x-rewrite-url", "/admin/orders")],
        [(":path", "/admin/orders"), (":role", "admin")],
    ],
    ids=map(str, range(8)),
)
def test_no_pseudo_header_opens_the_admin_area(fields, envoy):
    token = ISSUER.token("1", **USER)
    with Http2Client(envoy.gateway.port) as client:
        head = client.head("GET", "/products/1", *fields, ("authorization", f"Bearer {token}"))
        try:
            reply = client.reply(client.send(head))
        except (Reset, ConnectionError):
            return  # refused before anybody was asked
    assert reply.status != 200 or b'"name"' in reply.body  # a product, not the orders of all
    assert b"user_id" not in reply.body


def test_policies_are_reloaded_and_a_broken_one_is_refused(envoy):
    folder = envoy.gateway.folder
    token = ISSUER.token("1", **USER)
    good = (folder / "shop.cedar").read_text()
    try:
        (folder / "shop.cedar").write_text(good + "permit(principal, acton, resource);\n")
        envoy.gateway.reload(envoy.gateway.policy)
        assert "shop.cedar:7: " in envoy.gateway.stderr
        assert envoy.send(Sent("GET", "/products/1", (("authorization", f"Bearer {token}"),))).status == 200
    finally:
        (folder / "shop.cedar").write_text(good)
        envoy.gateway.reload(envoy.gateway.policy)
