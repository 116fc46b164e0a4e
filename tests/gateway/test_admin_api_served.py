"""The admin API of a real gateway, over TLS: what is changed there holds for the next request in every worker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from stockade.config import load
from stockade.identity.office import open_office
from tests.gateway.certificates import Authority
from tests.gateway.harness import Gateway, api, policy, running
from tests.gateway.upstreams import Upstream

pytestmark = pytest.mark.envoy


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, authority: Authority, echoing: Upstream) -> Iterator[Gateway]:
    begin = policy(api(echoing.port, kind="partner"), workers=2)
    files = authority.issue("admin")
    begin["admin"] |= {"api": True, "tls": {"certificate": str(files.certificate), "key": str(files.key)}}
    with running(Gateway(tmp_path_factory.mktemp("admin"), begin)) as gateway:
        yield gateway


@pytest.fixture
def admin(gateway: Gateway, authority: Authority) -> Iterator[httpx.Client]:
    with open_office(load(gateway.folder / "stockade.yaml")) as office:
        key = office.keys.issue("operations", time.time(), scopes=["stockade:admin"]).text
    base = f"https://localhost:{gateway.admin_port}"
    with httpx.Client(base_url=base, headers={"x-api-key": key}, verify=authority.client()) as client:
        yield client


def statuses(gateway: Gateway, key: str) -> set[int]:
    return {gateway.get("/a", x_api_key=key).status for _ in range(8)}


def test_from_onboarding_to_the_end(gateway: Gateway, admin: httpx.Client) -> None:
    made = admin.post("/api/v1/partners", json={"name": "acme", "key": True, "quota": "20/year"})
    assert made.status_code == 201, made.text
    key = made.json()["key"]
    assert statuses(gateway, key) == {200}
    assert admin.patch("/api/v1/partners/acme", json={"networks": ["192.0.2.1"]}).status_code == 200
    assert statuses(gateway, key) == {401}
    assert admin.patch("/api/v1/partners/acme", json={"networks": []}).status_code == 200
    assert statuses(gateway, key) == {200}
    assert admin.patch("/api/v1/partners/acme", json={"quota": "1/year"}).status_code == 200
    assert statuses(gateway, key) == {429}
    assert admin.delete("/api/v1/partners/acme").json()["ended_with_it"]["keys"] == 1
    assert statuses(gateway, key) == {401}


def test_what_else_is_served_there(gateway: Gateway, admin: httpx.Client) -> None:
    assert admin.get("/healthz").text == "ok\n"
    assert admin.get("/api/v1/openapi.json").json()["openapi"] == "3.1.0"
    assert admin.get("/api/v1/keys", headers={"x-api-key": "stk_nobody"}).status_code == 401
    assert "/api/v1" in gateway.stdout


def test_no_secret_in_what_it_writes(gateway: Gateway, admin: httpx.Client) -> None:
    key = admin.post("/api/v1/keys", json={"owner": "alice"}).json()["key"]
    assert statuses(gateway, key) == {200}
    secret = key.rpartition("_")[2]
    for file in gateway.folder.iterdir():
        if file.is_file():
            assert secret.encode() not in file.read_bytes(), file.name


def test_a_certificate_that_is_none(tmp_path: Path, echoing: Upstream) -> None:
    begin: dict[str, Any] = policy(api(echoing.port))
    begin["admin"] |= {"api": True, "tls": {"certificate": "none.pem", "key": "none.key"}}
    gateway = Gateway(tmp_path, begin)
    gateway.launch()
    assert gateway.process.wait(30) == 2
    assert "the certificate" in gateway.stderr
    assert "none.pem cannot be read" in gateway.stderr
    gateway.end()
