"""Bodies that are read whole and sieves together: what was stripped is sifted as well, heads keep their edits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import OctKey

from stockade.gateway.asgi import Message, Receive, Scope, Send
from stockade.sealing import keys_of_secret
from stockade.sealing.envelopes import verify
from tests.gateway.doors import LOGS, AsgiDoor, Door, EnvoyDoor, Loop, Sent, serving
from tests.gateway.harness import Gateway, api, free_port, policy, running

pytestmark = pytest.mark.envoy
SECRET = "s" * 32
CARD = b"4111 1111 1111 1111"
DESCRIPTION = """\
openapi: 3.1.0
info: {title: Users, version: "1"}
paths:
  /user:
    get:
      responses:
        "200":
          description: good
          content: {application/json: {schema: {type: object, properties: {id: {}, note: {type: string}}}}}
  /text: {get: {responses: {"200": {description: good, content: {text/plain: {}}}}}}
"""


async def careless(scope: Scope, receive: Receive, send: Send) -> None:
    is_text = scope["path"] == "/text"
    body = CARD if is_text else b'{"id":1,"note":"%s","hash":"canary"}' % CARD
    headers = [
        (b"content-type", b"text/plain" if is_text else b"application/json"),
        (b"server", b"leaky"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
    ]
    start: Message = {"type": "http.response.start", "status": 200, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": body})


def guarded(behind: int, folder: Path, log: str) -> dict[str, Any]:
    (folder / "openapi.yaml").write_text(DESCRIPTION)
    exposure = {"responses": "strip", "cookies": {}}
    sign = {"secret": SECRET, "algorithm": "HS256"}
    sealing = {"envelopes": {"encrypt": {"secret": SECRET, "algorithm": "dir"}}}
    signing = {"envelopes": {"sign": {**sign, "header": "x-jws-signature"}}}
    apis = [
        api(behind, "sealing", prefix="/sealing", exposure=sealing, leaks={}),
        api(behind, "signing", prefix="/signing", exposure=signing, leaks={}),
        api(behind, "refusing", prefix="/refusing", exposure=sealing, leaks={"detectors": {"cards": "block"}}),
        api(behind, openapi="openapi.yaml", exposure=exposure, leaks={}),
    ]
    return policy(*apis, log={"path": log})


@pytest.fixture(scope="module")
def envoy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnvoyDoor]:
    folder, port = tmp_path_factory.mktemp("envoy"), free_port()
    with ExitStack() as stack:
        stack.enter_context(serving(careless, port))
        yield EnvoyDoor(stack.enter_context(running(Gateway(folder, guarded(port, folder, LOGS["envoy"])))))


@pytest.fixture(scope="module")
def asgi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsgiDoor]:
    folder, loop = tmp_path_factory.mktemp("asgi"), Loop()
    (folder / "stockade.yaml").write_text(json.dumps(guarded(free_port(), folder, str(folder / LOGS["asgi"]))))
    door = AsgiDoor(loop, folder, careless)
    yield door
    door.close()
    loop.close()


@pytest.mark.parametrize("path", ["/user", "/text"])
@pytest.mark.parametrize("way", ["envoy", "asgi"])
def test_both(way, path, request):
    door: Door = request.getfixturevalue(way)
    reply = door.send(Sent("GET", path))
    assert reply.status == 200
    assert b"canary" not in reply.body
    assert CARD not in reply.body
    if path == "/user":
        assert json.loads(reply.body).keys() == {"id", "note"}
        assert reply.header("content-length") == str(len(reply.body))
    assert reply.header("server") != "leaky"
    assert [value for name, value in reply.headers if name == "set-cookie"] == [
        "a=1; SameSite=Lax; Secure; HttpOnly",
        "b=2; SameSite=Lax; Secure; HttpOnly",
    ]


@pytest.mark.parametrize("way", ["envoy", "asgi"])
def test_what_is_sealed_was_sifted_before(way, request):
    """Nothing can be read in a sealed body, and a signature is of what the client gets."""
    door: Door = request.getfixturevalue(way)
    reply = door.send(Sent("GET", "/sealing/user"))
    assert (reply.status, reply.header("content-type")) == (200, "application/jose")
    assert reply.header("content-length") == str(len(reply.body))
    key = OctKey.import_key(SECRET)
    opened = jwe.decrypt_compact(reply.body, key, algorithms=["dir", "A256GCM"]).plaintext
    assert opened is not None
    assert (json.loads(opened)["id"], CARD in opened) == (1, False)
    reply = door.send(Sent("GET", "/signing/user"))
    assert CARD not in reply.body
    assert verify(
        reply.header("x-jws-signature") or "", keys_of_secret(SECRET.encode()), frozenset({"HS256"}), reply.body
    )
    assert reply.header("content-length") == str(len(reply.body))
    reply = door.send(Sent("GET", "/refusing/user"))
    assert reply.status == 502
    assert reply.problem()
