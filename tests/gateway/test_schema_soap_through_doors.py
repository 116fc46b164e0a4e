"""A SOAP endpoint through real doors: what passes, by which name, and what a client is told of the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from lxml import etree

from tests.gateway.doors import LOGS, AsgiDoor, Door, EnvoyDoor, Loop, Sent, echo, serving
from tests.gateway.harness import Gateway, api, free_port, policy, running
from tests.payloads.soap_service import CANCEL, FILES, PLACE, SOAP_12, envelope

pytestmark = pytest.mark.envoy

OLD = (("content-type", "text/xml; charset=utf-8"), ("soapaction", '"urn:orders:Place"'))
NEW = (("content-type", "application/soap+xml; charset=utf-8"),)
CANCELS = (OLD[0], ("soapaction", '"urn:orders:Cancel"'))
WRONG = PLACE.replace("AB-1", "AB-x")


def post(body: bytes, headers: tuple[tuple[str, str], ...] = OLD, path: str = "/soap") -> Sent:
    return Sent("POST", path, headers, (body[:20], body[20:]))


# name: (what is sent, status, rules of the findings, operation)
TABLE: dict[str, tuple[Sent, int, list[str], str]] = {
    "1.1": (post(envelope(PLACE)), 200, [], "soap Place"),
    "1.2": (post(envelope(PLACE, space=SOAP_12), NEW), 200, [], "soap Place"),
    "1.1, arguments": (post(envelope(WRONG)), 500, ["schema"], "POST /soap"),
    "1.2, arguments": (post(envelope(WRONG, space=SOAP_12), NEW), 400, ["schema"], "POST /soap"),
    "another operation": (post(envelope(CANCEL)), 500, ["action-mismatch"], "POST /soap"),
    "an entity": (post(b'<!DOCTYPE a [<!ENTITY b "c">]>' + envelope(PLACE)), 500, ["document-type"], "POST /soap"),
    "no body": (Sent("POST", "/soap", OLD), 500, ["empty"], "POST /soap"),
    "no XML": (post(b"{}", (("content-type", "application/json"),)), 415, ["media-type"], "POST /soap"),
    "the WSDL": (Sent("GET", "/soap?wsdl"), 200, [], "GET /soap"),
    "another method": (Sent("PUT", "/soap", OLD, (envelope(PLACE),)), 405, ["wrong-method"], "PUT /soap"),
    "a path under it": (post(envelope(PLACE), path="/soap/Cancel"), 404, ["unknown-path"], "POST /soap/Cancel"),
    "a path beside it": (Sent("GET", "/other"), 404, ["unknown-path"], "GET /other"),
    "the limit": (post(envelope(CANCEL), CANCELS), 429, ["per-operation"], "soap Cancel"),
}


def described(behind: int, folder: Path, log: str) -> dict[str, Any]:
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    schema = {"undocumented": "block", "soap": {"wsdl": "api/orders.wsdl", "path": "/soap", "publish_wsdl": True}}
    limits = [{"name": "per-operation", "key": ["operation"], "rate": "1/hour", "burst": 20}]
    return policy(api(behind, schema=schema, limits=limits), log={"path": log})


@pytest.fixture(scope="module")
def envoy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnvoyDoor]:
    folder, port = tmp_path_factory.mktemp("envoy"), free_port()
    (folder / "api" / "more").mkdir(parents=True)
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


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("way", ["envoy", "asgi"])
def test_every_door_judges_alike(way, name, request):
    door: Door = request.getfixturevalue(way)
    sent, status, rules, operation = TABLE[name]
    if name == "the limit":
        for _ in range(20):
            assert door.send(sent).status == 200
    tag = uuid4().hex
    reply = door.send(sent._replace(headers=(*sent.headers, ("x-tag", tag))))
    assert reply.status == status
    record = door.record(tag)
    assert ([finding["rule"] for finding in record["findings"]], record["operation"]) == (rules, operation)
    if status in (400, 500):
        fault = etree.fromstring(reply.body)
        assert [node.text for node in fault.iter("{urn:ietf:rfc:7807}rule")] == rules
        assert b"AB-x" not in reply.body
