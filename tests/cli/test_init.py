"""`stockade init`: a policy to begin with, which is good and safe as it stands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Stockade

UPSTREAM = ("--upstream", "http://127.0.0.1:9000")
DESCRIPTION = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}},
    "security": [{"key": []}],
    "paths": {
        "/orders/{id}": {"parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}}], "get": {}},
        "/orders": {"post": {"requestBody": {"content": {"application/json": {}}}}},
        "/status": {"get": {"security": []}},
    },
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_written_passes_the_check(here: Path, stockade: Stockade) -> None:
    ended = stockade("init", *UPSTREAM)
    assert ended.status == 0
    assert ended.out.startswith("wrote stockade.yaml; next: stockade keys issue --owner me --policy stockade.yaml")
    checked = stockade("check")
    assert checked.status == 0
    assert checked.err.startswith("stockade up makes, for they are not there yet: ")
    assert len(checked.err.splitlines()) == 1
    assert "api (partner): / → http://127.0.0.1:9000" in checked.out
    assert stockade("explain", "GET", "/health").status == 0
    assert stockade("explain", "GET", "/orders").status == 1


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_a_description_narrows(here: Path, stockade: Stockade, form: str) -> None:
    import yaml

    text = json.dumps(DESCRIPTION) if form == "json" else yaml.safe_dump(DESCRIPTION)
    (here / f"openapi.{form}").write_text(text)
    assert stockade("init", *UPSTREAM, "--openapi", f"openapi.{form}").status == 0
    checked = stockade("check")
    assert checked.status == 0
    assert "shop (partner)" in checked.out
    assert "media types application/json" in checked.out
    assert stockade("explain", "GET", "/status").status == 0
    assert "405 by firewall" in stockade("explain", "DELETE", "/orders/1").out
    assert "GET /orders/{id} of shop" in stockade("explain", "GET", "/orders/abc").out
    assert "3 operation(s), not strict; others: block" in checked.out
    assert stockade("init", *UPSTREAM, "--openapi", f"openapi.{form}", "-o", "-").out.count('openapi: "openapi.') == 1


def test_a_description_is_named_from_the_policys_folder(here: Path, stockade: Stockade) -> None:
    (here / "openapi.json").write_text(json.dumps(DESCRIPTION))
    (here / "etc").mkdir()
    assert stockade("init", *UPSTREAM, "--openapi", "openapi.json", "-o", "etc/stockade.yaml").status == 0
    assert 'openapi: "../openapi.json"' in (here / "etc" / "stockade.yaml").read_text()
    assert stockade("check", "etc/stockade.yaml").status == 0


def test_nothing_is_overwritten(here: Path, stockade: Stockade) -> None:
    (here / "stockade.yaml").write_text("mine")
    ended = stockade("init", *UPSTREAM)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == "stockade.yaml: is there already; --force overwrites it, -o writes another\n"
    assert (here / "stockade.yaml").read_text() == "mine"
    assert stockade("init", *UPSTREAM, "--force").status == 0
    assert (here / "stockade.yaml").read_text().startswith("# Stockade policy.")


def test_another_file(here: Path, stockade: Stockade) -> None:
    assert "--policy other.yaml" in stockade("init", *UPSTREAM, "-o", "other.yaml").out
    assert stockade("check", "other.yaml").status == 0


def test_standard_output(here: Path, stockade: Stockade) -> None:
    ended = stockade("init", *UPSTREAM, "-o", "-")
    assert ended.out.startswith("# Stockade policy.")
    assert not list(here.iterdir())


@pytest.mark.parametrize("output", ["nowhere/stockade.yaml", "."])
def test_where_nothing_can_be_written(stockade: Stockade, output: str) -> None:
    ended = stockade("init", *UPSTREAM, "-o", output, "--force")
    assert ended.status == 2
    assert "cannot be written: " in ended.err


@pytest.mark.parametrize(
    ("upstream", "said"),
    [
        ("127.0.0.1:9000", "is not a URL such as"),
        ("http://127.0.0.1:9000/api", "must be an origin"),
        ("http://alice:hunter2@shop", "must not hold a user or a password"),
        ("${NOBODY_SET_THIS}", "the environment variable NOBODY_SET_THIS is not set"),
        ('http://a", timeout: 0s, url: "http://b', "is not a URL"),
        ("http://\ud800", "the character #xd800 is not allowed"),
        ("", "is not a URL such as"),
    ],
)
def test_a_bad_upstream(here: Path, stockade: Stockade, upstream: str, said: str) -> None:
    ended = stockade("init", "--upstream", upstream)
    assert ended.status == 2
    assert said in ended.err
    assert "--upstream" in ended.err
    assert "hunter2" not in ended.err
    assert not list(here.iterdir())


def test_an_upstream_from_the_environment(here: Path, stockade: Stockade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_URL", "http://shop.internal:8000")
    assert stockade("init", "--upstream", "${SHOP_URL}").status == 0
    assert "→ http://shop.internal:8000" in stockade("check").out
    assert "${SHOP_URL}" in (here / "stockade.yaml").read_text()


def test_a_bad_description(here: Path, stockade: Stockade) -> None:
    (here / "openapi.json").write_text("{}")
    ended = stockade("init", *UPSTREAM, "--openapi", "openapi.json")
    assert ended == (2, "", "openapi.json: no OpenAPI description: `openapi` (or `swagger`) and `paths` are missing\n")


def test_no_upstream(stockade: Stockade) -> None:
    ended = stockade("init")
    assert ended.status == 2
    assert "--upstream" in ended.err


def test_a_folder_is_not_to_be_overwritten(here: Path, stockade: Stockade) -> None:
    (here / "folder").mkdir()
    ended = stockade("init", "--upstream", "http://127.0.0.1:9000", "-o", "folder")
    assert (ended.status, ended.err) == (2, "folder: is a folder; -o names the file to write in it\n")
