"""The contract through real doors: Envoy over HTTP/1.1 and HTTP/2, and ASGI. One table, one verdict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.gateway.client import Reply
from tests.gateway.doors import LOGS, AsgiDoor, Door, EnvoyDoor, Loop, Sent, echo, serving
from tests.gateway.harness import Gateway, api, free_port, policy, running
from tests.gateway.http2 import Http2Client

pytestmark = pytest.mark.envoy

DESCRIPTION = """\
openapi: 3.1.0
info: {title: Orders, version: "1"}
servers: [{url: https://orders.example/v1}]
paths:
  /orders:
    get:
      parameters:
        - {name: page, in: query, schema: {type: integer, minimum: 1}}
        - {name: tag, in: query, schema: {type: array, items: {type: string, maxLength: 3}}, explode: false}
      responses: {"200": {description: good}}
    post:
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: "#/components/schemas/Order"}
          application/x-www-form-urlencoded:
            schema: {$ref: "#/components/schemas/Order"}
      responses: {"201": {description: good}}
  /orders/{id}.json:
    get:
      deprecated: true
      x-sunset: 2027-01-31
      parameters: [{name: id, in: path, required: true, schema: {type: string, format: uuid}}]
      responses: {"200": {description: good}}
components:
  schemas:
    Order:
      type: object
      properties: {count: {type: integer, minimum: 1}, note: {type: string}}
      required: [count]
"""
UUID = "0b0f6d3a-6f0e-4f5a-9a53-0d2b1f3c9f10"
JSON = (("content-type", "application/json"),)
FORM = (("content-type", "application/x-www-form-urlencoded"),)


def post(body: bytes, headers: tuple[tuple[str, str], ...] = JSON) -> Sent:
    return Sent("POST", "/v1/orders", headers, (body,))


# name: (what is sent, status, rules of the findings)
TABLE: dict[str, tuple[Sent, int, list[str]]] = {
    "a list": (Sent("GET", "/v1/orders?page=2&tag=a,b"), 200, []),
    "one": (Sent("GET", f"/v1/orders/{UUID}.json"), 200, []),
    "head": (Sent("HEAD", "/v1/orders"), 200, []),
    "an order": (post(b'{"count": 1}'), 200, []),
    "a form": (post(b"count=1&note=a+b", FORM), 200, []),
    "in pieces": (Sent("POST", "/v1/orders", JSON, (b'{"cou', b'nt": 1}')), 200, []),
    "bad page": (Sent("GET", "/v1/orders?page=0"), 400, ["minimum"]),
    "page twice": (Sent("GET", "/v1/orders?page=1&page=2"), 400, ["duplicate-parameter"]),
    "bad tag": (Sent("GET", "/v1/orders?tag=a,long"), 400, ["maxLength"]),
    "unknown parameter": (Sent("GET", "/v1/orders?debug=1"), 400, ["unknown-parameter"]),
    "bad id": (Sent("GET", "/v1/orders/1.json"), 400, ["format"]),
    "unknown path": (Sent("GET", "/v1/users"), 404, ["unknown-path"]),
    "outside the base path": (Sent("GET", "/orders"), 404, ["unknown-path"]),
    "wrong method": (Sent("DELETE", "/v1/orders"), 405, ["wrong-method"]),
    "wrong type": (post(b"<a/>", (("content-type", "application/xml"),)), 415, ["media-type"]),
    "no body": (Sent("POST", "/v1/orders", JSON), 400, ["required"]),
    "no json": (post(b"{"), 400, ["syntax"]),
    "a name twice": (post(b'{"count": 1, "count": 2}'), 400, ["duplicate-name"]),
    "mass assignment": (post(b'{"count": 1, "role": "admin"}'), 400, ["unknown-property"]),
    "form field twice": (post(b"count=1&count=2", FORM), 400, ["duplicate-field"]),
    "all errors": (post(b'{"count": 0, "note": 1}'), 400, ["minimum", "type"]),
    "late error": (Sent("POST", "/v1/orders", JSON, (b'{"count": 1, ', b'"note": 1}')), 400, ["type"]),
}


def described(behind: int, folder: Path, log: str) -> dict[str, Any]:
    (folder / "openapi.yaml").write_text(DESCRIPTION)
    return policy(api(behind, openapi="openapi.yaml", schema={"strict": True}), log={"path": log})


@pytest.fixture(scope="module")
def envoy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnvoyDoor]:
    folder, port = tmp_path_factory.mktemp("envoy"), free_port()
    with ExitStack() as stack:
        stack.enter_context(serving(echo, port))
        yield EnvoyDoor(stack.enter_context(running(Gateway(folder, described(port, folder, LOGS["envoy"])))))


@pytest.fixture(scope="module")
def asgi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsgiDoor]:
    folder, loop = tmp_path_factory.mktemp("asgi"), Loop()
    (folder / "stockade.yaml").write_text(json.dumps(described(free_port(), folder, str(folder / LOGS["asgi"]))))
    door = AsgiDoor(loop, folder, echo)
    yield door
    door.close()
    loop.close()


def over_http2(door: EnvoyDoor, sent: Sent) -> Reply:
    with Http2Client(door.gateway.port) as client:
        return client.ask(sent.method, sent.target, *sent.headers, body=b"".join(sent.body))


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("way", ["HTTP/1.1", "HTTP/2", "ASGI"])
def test_every_door_judges_alike(way, name, envoy, asgi):
    sent, status, rules = TABLE[name]
    tag = uuid4().hex
    sent = sent._replace(headers=(*sent.headers, ("x-tag", tag)))
    door: Door = asgi if way == "ASGI" else envoy
    reply = over_http2(envoy, sent) if way == "HTTP/2" else door.send(sent)
    assert reply.status == status
    record = door.record(tag)
    assert sorted(finding["rule"] for finding in record["findings"]) == rules
    assert record["control"] == ("schema" if rules else None)
    if status == 400:
        said = json.loads(reply.body)
        assert sorted(error["rule"] for error in said["errors"]) == rules


@pytest.mark.parametrize("way", ["envoy", "asgi"])
def test_deprecated_operations_say_so(way, request):
    door: Door = request.getfixturevalue(way)
    reply = door.send(Sent("GET", f"/v1/orders/{UUID}.json"))
    assert (reply.header("deprecation"), reply.header("sunset")) == ("@0", "Sun, 31 Jan 2027 00:00:00 GMT")
    assert door.send(Sent("GET", "/v1/orders")).header("deprecation") is None
    assert door.send(Sent("DELETE", "/v1/orders")).header("allow") == "GET, HEAD, POST"


def test_a_description_that_changes_is_taken(envoy):
    gateway = envoy.gateway
    assert envoy.send(Sent("GET", "/v1/news")).status == 404
    path = gateway.folder / "openapi.yaml"
    path.write_text(DESCRIPTION.replace("components:", "  /news: {get: {responses: {}}}\ncomponents:", 1))
    gateway.reload(gateway.policy)
    assert envoy.send(Sent("GET", "/v1/news")).status == 200
    path.write_text("openapi: 3.1.0\npaths: {/x: {get: {parameters: [{in: query}]}}}")
    gateway.reload(gateway.policy)
    assert "openapi.yaml:2: name is missing" in gateway.stderr
    assert envoy.send(Sent("GET", "/v1/news")).status == 200  # the old policy stays
