"""The token service behind a real Envoy: a token from it, used at an API, revoked, refused by every worker."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from joserfc import jwt

from tests.commands import command
from tests.controls.oauth2_issuers import DpopClient
from tests.gateway.certificates import Authority
from tests.gateway.client import Reply, ask
from tests.gateway.harness import Gateway, alive, api, children, free_port, policy, running, wait_until
from tests.gateway.upstreams import Upstream

pytestmark = pytest.mark.envoy

PATH = "/auth"


class Registered(NamedTuple):
    id: str
    secret: str

    @property
    def basic(self) -> str:
        return "Basic " + b64encode(f"{self.id}:{self.secret}".encode()).decode()


def stockade(gateway: Gateway, *words: str, typed: str = "") -> str:
    done = command([*words], gateway.folder, typed)
    assert done.status == 0, done.err
    return done.out


def register(gateway: Gateway, *words: str) -> Registered:
    told = json.loads(stockade(gateway, "clients", "add", *words, "--json"))
    return Registered(told["id"], told.get("client_secret", ""))


def robot(gateway: Gateway, *more: str) -> Registered:
    grant = ("--grant", "client_credentials", "--audience", "shop", "--scope", "orders:read", "--scope", "orders:write")
    return register(gateway, "robot", *grant, *more)


def post(gateway: Gateway, path: str, form: dict[str, str], **headers: str) -> Reply:
    fields = {"content-type": "application/x-www-form-urlencoded", **headers}
    return ask(gateway.port, "POST", PATH + path, fields, urlencode(form).encode())


def token_of(gateway: Gateway, client: Registered, **form: str) -> str:
    form = {"grant_type": "client_credentials", **form}
    reply = post(gateway, "/oauth2/token", form, authorization=client.basic)
    assert reply.status == 200, reply.body
    assert reply.header("cache-control") == "no-store"
    return str(reply.json()["access_token"])


def shop(gateway: Gateway, token: str) -> Reply:
    return ask(gateway.port, "GET", "/orders/7", {"authorization": f"Bearer {token}"})


def service_policy(port: int, **identity: Any) -> dict[str, Any]:
    door = free_port()
    listen, issuer = f"127.0.0.1:{door}", f"http://localhost:{door}{PATH}"
    oauth2 = {"issuer": issuer, "audience": "shop"}
    guarded = api(port, authentication={"any_of": [{"oauth2": oauth2}]})
    return policy(guarded, listen={"address": listen}, identity={"issuer": issuer, **identity}, workers=2)


_ROOMY = [{"name": "per-address", "key": "address", "rate": "1000/s", "burst": 1000}]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, echoing: Upstream) -> Iterator[Gateway]:
    with running(Gateway(tmp_path_factory.mktemp("tokens"), service_policy(echoing.port))) as started:
        yield started


@pytest.mark.parametrize("form", ["jwt", "opaque"])
def test_from_token_to_revocation(gateway: Gateway, form: str) -> None:
    client = robot(gateway, "--tokens", form)
    token = token_of(gateway, client)
    assert token.count(".") == (2 if form == "jwt" else 0)
    for _ in range(6):  # both workers
        reply = shop(gateway, token)
        assert reply.status == 200, reply.body
    saw = dict(reply.json()["headers"])
    assert (saw["x-stockade-principal"], saw["x-stockade-scopes"]) == (
        f"client:{client.id}",
        "orders:read orders:write",
    )
    assert post(gateway, "/oauth2/revoke", {"token": token}, authorization=client.basic).status == 200
    wait_until(lambda: {shop(gateway, token).status for _ in range(20)} == {401}, "both workers to know", within=1.0)


def test_what_a_client_says_of_its_certificate_is_not_believed(gateway: Gateway) -> None:
    client = register(
        gateway, "machine", "--grant", "client_credentials", "--audience", "shop", "--authentication", "tls",
        "--certificate", "subject:CN=machine",
    )  # fmt: skip
    forged = {"x-stockade-peer-certificate": "ab" * 32, "x-stockade-peer-subject": "CN=machine"}
    form = {"grant_type": "client_credentials", "client_id": client.id}
    assert post(gateway, "/oauth2/token", form, **forged).status == 401


def test_the_firewall_stands_before_it(gateway: Gateway) -> None:
    def status(method: str, path: str, kind: str = "application/x-www-form-urlencoded", body: bytes = b"") -> int:
        return ask(gateway.port, method, PATH + path, {"content-type": kind}, body).status

    assert status("PUT", "/oauth2/token") == 405
    assert status("POST", "/oauth2/token", "application/json", b"{}") == 415
    assert status("POST", "/oauth2/token", body=b"a=" + b"x" * 20_000) == 413
    assert status("GET", "/oauth2/jwks") == 200
    assert status("GET", "/oauth2/nowhere") == 404
    assert ask(gateway.port, "GET", "/.well-known/oauth-authorization-server" + PATH).status == 200


def test_tokens_of_another_audience_or_with_less_scope(gateway: Gateway) -> None:
    other = register(gateway, "other", "--grant", "client_credentials", "--audience", "stock")
    assert shop(gateway, token_of(gateway, other)).status == 401
    client = robot(gateway)
    narrow = token_of(gateway, client, scope="orders:read")
    assert dict(shop(gateway, narrow).json()["headers"])["x-stockade-scopes"] == "orders:read"


def test_a_client_that_is_disabled_is_out_at_once(gateway: Gateway) -> None:
    client = robot(gateway)
    token = token_of(gateway, client)
    assert shop(gateway, token).status == 200
    stockade(gateway, "clients", "disable", client.id)
    assert {shop(gateway, token).status for _ in range(10)} == {401}
    assert (
        post(gateway, "/oauth2/token", {"grant_type": "client_credentials"}, authorization=client.basic).status == 401
    )


def test_a_signing_key_that_leaked(gateway: Gateway) -> None:
    client = robot(gateway)
    token = token_of(gateway, client)
    assert shop(gateway, token).status == 200
    stockade(gateway, "clients", "rotate-signing-key")
    assert {shop(gateway, token).status for _ in range(10)} == {401}
    time.sleep(1.1)  # so long the service itself may look away from its keys
    fresh = token_of(gateway, client)
    assert {shop(gateway, fresh).status for _ in range(10)} == {200}


def test_it_is_started_again(gateway: Gateway) -> None:
    client = robot(gateway)
    before = service_of(gateway)
    os.kill(before, signal.SIGKILL)
    form = {"grant_type": "client_credentials"}

    def answered() -> bool:
        """A connection that was kept may break once; who comes anew waits until the service is there again."""
        return post(gateway, "/oauth2/token", form, authorization=client.basic).status == 200

    assert any(answered() for _ in range(5))
    wait_until(lambda: service_of(gateway) not in (0, before), "another service")
    assert "the token service ended (-9)" in gateway.stderr


def service_of(gateway: Gateway) -> int:
    for pid in children(gateway.process.pid):
        with contextlib.suppress(OSError):
            if b"stockade.identity.service" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
    return 0


def test_guesses_are_limited(tmp_path: Path, echoing: Upstream) -> None:
    with running(Gateway(tmp_path, service_policy(echoing.port))) as gateway:
        client = robot(gateway)
        form = {"grant_type": "client_credentials", "client_id": client.id}
        guesses = [post(gateway, "/oauth2/token", {**form, "client_secret": f"sts_{n}"}) for n in range(70)]
        counts = Counter(reply.status for reply in guesses)
        assert counts[401] in range(30, 65), counts
        assert counts[429] == 70 - counts[401]
        refused = next(reply for reply in guesses if reply.status == 429)
        assert refused.header("retry-after")


def test_it_comes_and_goes_with_the_policy(tmp_path: Path, echoing: Upstream) -> None:
    whole = service_policy(echoing.port)
    bare = {**whole, "apis": [api(echoing.port)]}
    del bare["identity"]
    with running(Gateway(tmp_path, bare)) as gateway:
        assert service_of(gateway) == 0
        gateway.reload(whole)
        token = token_of(gateway, robot(gateway))
        assert shop(gateway, token).status == 200
        first = service_of(gateway)
        gateway.reload({**whole, "identity": {**whole["identity"], "access_lifetime": "1m"}})
        reply = post(gateway, "/oauth2/token", {"grant_type": "client_credentials"}, authorization=robot(gateway).basic)
        assert reply.json()["expires_in"] == 60
        wait_until(lambda: not alive(first), "the old service to end")
        gateway.reload(bare)
        wait_until(lambda: service_of(gateway) == 0, "the service to end")


# Tokens that are bound to their sender.


def test_bound_to_a_certificate(tmp_path: Path, authority: Authority, echoing: Upstream) -> None:
    folder = tmp_path / "clients"
    folder.mkdir()
    clients, server = Authority(folder, "Clients"), authority.issue("server")
    port = free_port()
    issuer = f"https://localhost:{port}{PATH}"
    tls = {"certificate": str(server.certificate), "key": str(server.key), "client_ca": str(clients.ca)}
    oauth2 = {"issuer": issuer, "audience": "shop", "sender_constrained": "mtls"}
    started = policy(
        api(echoing.port, authentication={"any_of": [{"oauth2": oauth2}]}),
        listen={"address": f"127.0.0.1:{port}", "tls": tls},
        identity={"issuer": issuer},
    )
    machine, other = clients.issue("machine", ["machine.example"]), clients.issue("other", ["other.example"])
    with running(Gateway(tmp_path, started)) as gateway:
        client = register(
            gateway, "machine", "--grant", "client_credentials", "--audience", "shop", "--authentication", "tls",
            "--certificate", "dns:machine.example", "--bound", "mtls",
        )  # fmt: skip

        def send(method: str, target: str, files: Any, body: bytes = b"", **headers: str) -> Reply:
            return ask(port, method, target, headers, body, tls=authority.client(certificate=files))

        form = urlencode({"grant_type": "client_credentials", "client_id": client.id}).encode()
        kind = {"content-type": "application/x-www-form-urlencoded"}
        answers = [send("POST", f"{PATH}/oauth2/token", files, form, **kind) for files in (other, None, machine)]
        assert [answer.status for answer in answers] == [401, 401, 200]
        token = answers[-1].json()["access_token"]
        uses = [send("GET", "/a", files, authorization=f"Bearer {token}").status for files in (machine, other, None)]
        assert uses == [200, 401, 401]


def test_bound_by_dpop(gateway: Gateway) -> None:
    client, key = robot(gateway, "--bound", "dpop"), DpopClient()
    url = f"http://localhost:{gateway.port}"
    header = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.key.as_dict(private=False)}
    said = {"htm": "POST", "htu": url + PATH + "/oauth2/token", "iat": int(time.time()), "jti": "first"}
    proof = jwt.encode(header, said, key.key)
    form = {"grant_type": "client_credentials"}
    assert post(gateway, "/oauth2/token", form, authorization=client.basic).json()["error"] == "invalid_dpop_proof"
    token = post(gateway, "/oauth2/token", form, authorization=client.basic, dpop=proof).json()["access_token"]

    def use(**headers: str) -> Reply:
        return ask(gateway.port, "GET", "/orders/7", headers)

    first = use(authorization=f"DPoP {token}", dpop=key.proof(token, "GET", "http://localhost/orders/7"))
    nonce = first.header("dpop-nonce")
    assert (first.status, bool(nonce)) == (401, True)
    good = key.proof(token, "GET", "http://localhost/orders/7", nonce=nonce)
    assert use(authorization=f"DPoP {token}", dpop=good).status == 200
    assert use(authorization=f"Bearer {token}").status == 401
