"""OAuth 2, message signatures and webhooks through both doors, with a real issuer; certificates through Envoy."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.controls.oauth2_issuers import DpopClient, OAuthIssuer, b64, issuing
from tests.controls.test_signature_control import BODY
from tests.controls.test_signature_control import Client as Signer
from tests.gateway.certificates import Authority
from tests.gateway.client import Reply, ask
from tests.gateway.doors import LOGS, AsgiDoor, Door, EnvoyDoor, Loop, Sent, echo, serving
from tests.gateway.harness import Gateway, api, free_port, policy, running
from tests.gateway.test_tls import of
from tests.gateway.upstreams import Upstream

pytestmark = pytest.mark.envoy

RESOURCE = "https://api.example.com/orders"
URL = "http://localhost/orders/7"
SECRET = "whsec of thirty-two bytes or more"


@pytest.fixture(scope="module")
def issuer() -> Iterator[OAuthIssuer]:
    with issuing() as issuer:
        issuer.opaque["opaque-1"] = {"active": True, "sub": "dave", "aud": "orders", "exp": time.time() + 600}
        yield issuer


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


def apis(port: int, issuer: OAuthIssuer) -> list[dict[str, Any]]:
    asked = {"client_id": "gateway", "client_secret": "s3cret"}
    oauth2 = {"issuer": issuer.url, "audience": "orders", "resource": RESOURCE, "introspection": asked}
    step_up = [{"operations": ["POST /orders/transfers"], "acr": "mfa", "max_age": "5m"}]
    signature = {"keys": "directory.json", "owners": {"partner-1": "alice"}}
    webhook = {"style": "stripe", "secrets": [SECRET], "sender": "billing"}
    fields: dict[str, Any] = {"waf": {"mode": "off"}}
    return [
        api(
            port,
            "orders",
            prefix="/orders",
            authentication={"any_of": [{"oauth2": oauth2}], "step_up": step_up},
            **fields,
        ),
        api(port, "signed", prefix="/transfers", authentication={"any_of": [{"signature": signature}]}, **fields),
        api(port, "hooks", prefix="/hook", authentication={"any_of": [{"webhook": webhook}]}, **fields),
    ]


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory, issuer: OAuthIssuer, signer: Signer) -> Iterator[dict[str, Door]]:
    folder, port = tmp_path_factory.mktemp("oauth2"), free_port()
    keys = {"keys": [signer.key.as_dict(private=False)]}
    (folder / "directory.json").write_text(json.dumps(keys))
    asgi = folder / "asgi"
    asgi.mkdir()
    (asgi / "directory.json").write_text(json.dumps(keys))
    started = policy(*apis(port, issuer))
    with ExitStack() as stack:
        stack.enter_context(serving(echo, port))
        gateway = stack.enter_context(running(Gateway(folder, started)))
        loop = Loop()
        stack.callback(loop.close)
        (asgi / "stockade.yaml").write_text(json.dumps({**started, "log": {**started["log"], "path": LOGS["asgi"]}}))
        inside = AsgiDoor(loop, asgi, echo)
        stack.callback(inside.close)
        yield {"envoy": EnvoyDoor(gateway), "asgi": inside}


@pytest.fixture(params=["envoy", "asgi"])
def door(request: pytest.FixtureRequest, doors: dict[str, Door]) -> Door:
    return doors[request.param]


def get(door: Door, target: str = "/orders/7", method: str = "GET", **headers: str) -> Reply:
    pairs = [("host", "localhost"), *((name.replace("_", "-"), value) for name, value in headers.items())]
    return door.send(Sent(method, target, tuple(pairs)))


def upstream_saw(reply: Reply) -> dict[str, str]:
    assert reply.status == 200, reply.body
    return dict(reply.json()["headers"])


def test_a_token_by_discovery(door: Door, issuer: OAuthIssuer) -> None:
    saw = upstream_saw(get(door, authorization=f"Bearer {issuer.token()}"))
    assert (saw["x-stockade-principal"], saw["x-stockade-scopes"]) == ("carol", "orders:read")


def test_an_opaque_token(door: Door) -> None:
    assert upstream_saw(get(door, authorization="Bearer opaque-1"))["x-stockade-principal"] == "dave"
    reply = get(door, authorization="Bearer opaque-2")
    assert (reply.status, "invalid_token" in (reply.header("www-authenticate") or "")) == (401, True)


def test_metadata_leads_from_challenge_to_issuer(door: Door, issuer: OAuthIssuer) -> None:
    challenge = get(door).header("www-authenticate") or ""
    path = "/.well-known/oauth-protected-resource/orders"
    assert f'resource_metadata="https://api.example.com{path}"' in challenge
    reply = get(door, path)
    assert reply.status == 200
    assert reply.json()["authorization_servers"] == [issuer.url]
    assert reply.json()["resource"] == RESOURCE
    assert get(door, f"{path}x").status == 404


def test_dpop_with_our_nonce(door: Door, issuer: OAuthIssuer) -> None:
    client = DpopClient()
    token = issuer.token(cnf={"jkt": client.jkt})
    first = get(door, authorization=f"DPoP {token}", dpop=client.proof(token, "GET", URL))
    assert first.status == 401
    assert "use_dpop_nonce" in (first.header("www-authenticate") or "")
    proof = client.proof(token, "GET", URL, nonce=first.header("dpop-nonce"))
    upstream_saw(get(door, authorization=f"DPoP {token}", dpop=proof))
    assert get(door, authorization=f"DPoP {token}", dpop=proof).status == 401  # a second time
    assert get(door, authorization=f"Bearer {token}").status == 401


def test_step_up(door: Door, issuer: OAuthIssuer) -> None:
    weak = issuer.token(acr="pwd", auth_time=int(time.time()))
    strong = issuer.token(acr="mfa", auth_time=int(time.time()))
    reply = get(door, "/orders/transfers", "POST", authorization=f"Bearer {weak}")
    assert reply.status == 401
    assert 'error="insufficient_user_authentication"' in (reply.header("www-authenticate") or "")
    assert get(door, "/orders/transfers", "POST", authorization=f"Bearer {strong}").status == 200
    assert get(door, authorization=f"Bearer {weak}").status == 200


@pytest.mark.parametrize(("body", "status"), [(BODY, 200), (BODY.replace(b"7", b"8"), 401)])
def test_a_signed_request(door: Door, signer: Signer, body: bytes, status: int) -> None:
    headers = dict(signer.headers(at=time.time(), host="localhost", scheme="http"))
    sent = Sent(
        "POST", "/transfers", (("host", "localhost"), ("content-type", "application/json"), *headers.items()), (body,)
    )
    reply = door.send(sent)
    assert reply.status == status, reply.body
    if status == 200:
        saw = upstream_saw(reply)
        assert saw["x-stockade-principal"] == "alice"
        assert "signature" not in saw


@pytest.mark.parametrize(("body", "status"), [(BODY, 200), (b"{}", 401)])
def test_a_webhook(door: Door, body: bytes, status: int) -> None:
    now = int(time.time())
    mac = hmac.digest(SECRET.encode(), f"{now}.".encode() + BODY, "sha256").hex()
    pairs = (("host", "localhost"), ("content-type", "application/json"), ("stripe-signature", f"t={now},v1={mac}"))
    reply = door.send(Sent("POST", "/hook", pairs, (body,)))
    assert reply.status == status, reply.body
    if status == 200:
        assert upstream_saw(reply)["x-stockade-principal"] == "billing"


# Certificates on the connection: Envoy alone ends TLS.


def test_certificates(
    tmp_path: Path, authority: Authority, echoing: Upstream, issuer: OAuthIssuer, signer: Signer
) -> None:
    folder = tmp_path / "clients"
    folder.mkdir()
    clients, server = Authority(folder, "Clients"), authority.issue("server")
    tls = {"certificate": str(server.certificate), "key": str(server.key), "client_ca": str(clients.ca)}
    rule = {"dns": "web.example", "name": "shop front"}
    bound = {"issuer": issuer.url, "audience": "orders", "sender_constrained": "mtls"}
    started = policy(
        api(echoing.port, authentication={"any_of": [{"certificate": {"allow": [rule]}}]}),
        api(echoing.port, "orders", prefix="/orders", authentication={"any_of": [{"oauth2": bound}]}),
        listen={"tls": tls},
    )
    web, other = clients.issue("web", ["web.example"]), clients.issue("other", ["other.example"])
    with running(Gateway(tmp_path, started)) as gateway:

        def send(target: str, files: Any = None, **headers: str) -> Reply:
            return ask(gateway.port, "GET", target, headers, tls=authority.client(certificate=files))

        reply = send("/a", web)
        assert dict(reply.json()["headers"])["x-stockade-principal"] == "shop front"
        assert [send("/a", other).status, send("/a").status] == [401, 401]
        token = issuer.token(cnf={"x5t#S256": b64(bytes.fromhex(of(web)))})
        statuses = [send("/orders/7", files, authorization=f"Bearer {token}").status for files in (web, other, None)]
        assert statuses == [200, 401, 401]
