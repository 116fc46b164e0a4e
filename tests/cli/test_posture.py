"""The posture report of `stockade check`."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import POLICY, Stockade

OPENAPI = """\
openapi: 3.1.0
info: {title: Shop, version: "1"}
servers: [{url: "http://shop.example"}]
webhooks: {paid: {post: {}}}
paths:
  "/orders\\e[2J":
    post: {}
    get: {parameters: [{name: q, in: query, schema: {type: string}}], responses: {200: {description: fine}}}
    put: {}
"""


def described(shop: Path) -> None:
    (shop / "openapi.yaml").write_text(OPENAPI)
    (shop / "stockade.yaml").write_text(POLICY + "    openapi: openapi.yaml\n")


def test_each_weakness_once(shop: Path, stockade: Stockade) -> None:
    described(shop)
    ended = stockade("check")
    assert ended.status == 0
    assert ended.err.startswith("stockade up makes, for they are not there yet: ")
    assert len(ended.err.splitlines()) == 1
    report = ended.out.partition("posture of shop")[2].splitlines()
    assert report[0] == ", by its description (10 weak places)"
    rows = [line.split() for line in report[2:] if line.startswith(("high", "medium", "low", "info"))]
    assert [tuple(row[:4]) for row in rows] == [
        ("high", "write-without-auth", "2", "openapi.yaml:7"),
        ("medium", "no-security-scheme", "1", "openapi.yaml:1"),
        ("medium", "plain-http-server", "1", "openapi.yaml:3"),
        ("low", "no-429", "1", "openapi.yaml:8"),
        ("low", "no-error-response", "1", "openapi.yaml:8"),
        ("low", "no-responses", "2", "openapi.yaml:7"),
        ("low", "unbounded-string", "1", "openapi.yaml:8"),
        ("info", "read-without-auth", "1", "openapi.yaml:8"),
    ]
    assert "API2:2023 Broken Authentication" in ended.out
    assert "not enforced of the description of shop:" in report
    assert "  openapi.yaml:4: webhooks are requests that the API makes: they are not checked" in report


def test_names_cannot_steer_the_terminal(shop: Path, stockade: Stockade) -> None:
    described(shop)
    assert "\x1b[2J" not in stockade("check").out


def test_for_machines(shop: Path, stockade: Stockade) -> None:
    described(shop)
    (of_shop,) = stockade("check", "--json").json()["posture"]
    assert of_shop["api"] == "shop"
    assert len(of_shop["weaknesses"]) == 10
    assert of_shop["weaknesses"][0] == {
        "id": "write-without-auth",
        "severity": "high",
        "owasp": "API2:2023 Broken Authentication",
        "file": "openapi.yaml",
        "line": 7,
        "pointer": "/paths/~1orders\x1b[2J/post",
        "operation": "POST /orders\x1b[2J",
        "text": "anyone may call it",
        "mend": "require a security scheme: security: [{…: []}] on the operation or the whole",
    }
    assert of_shop["partial"] == ["openapi.yaml:4: webhooks are requests that the API makes: they are not checked"]


def test_without_a_description_there_is_none(shop: Path, stockade: Stockade) -> None:
    assert "posture" not in stockade("check").out
    assert "posture" not in stockade("check", "--json").json()


def test_a_broken_description_is_refused(shop: Path, stockade: Stockade) -> None:
    described(shop)
    (shop / "openapi.yaml").write_text(OPENAPI.replace("in: query", "in: body"))
    ended = stockade("check")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == "openapi.yaml:8: in: 'body' is not one of query, header, path, cookie\n"
