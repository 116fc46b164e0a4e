"""The token service behind a real Envoy: a token from it, used at an API, revoked, refused by every worker."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

from tests.gateway.client import Reply, ask
from tests.gateway.harness import Gateway, api, free_port, policy, running
from tests.gateway.upstreams import Upstream

pytestmark = pytest.mark.envoy

PATH = "/auth"


class Registered(NamedTuple):
    id: str
    secret: str

    @property
    def basic(self) -> str:
        return "Basic " + b64encode(f"{self.id}:{self.secret}".encode()).decode()


def stockade(gateway: Gateway, *words: str) -> str:
    command = [sys.executable, "-m", "stockade", *words]
    done = subprocess.run(command, cwd=gateway.folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


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
    until, statuses = time.monotonic() + 1.0, []
    while time.monotonic() < until:
        statuses.append(shop(gateway, token).status)
    assert 200 not in statuses[-20:], "not within a second in both workers"
    assert len(statuses) > 40
