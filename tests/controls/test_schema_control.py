"""The schema control: what it answers, what it finds, and what of the request it lets the client read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stockade.controls.schema import DeprecatingSchema, Schema
from stockade.openapi.contract import Contract
from stockade.payloads import Limits
from stockade.vocabulary import PASS, Edits, Pass, Principal, Stop
from stockade.wire import Headers, Response
from tests.exchanges import judge, make_exchange, make_request

DOCUMENT: dict[str, Any] = {
    "paths": {
        "/orders": {
            "get": {"parameters": [{"name": "page", "in": "query", "schema": {"type": "integer"}}]},
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "properties": {"count": {"type": "integer"}},
                                "required": ["count"],
                            }
                        }
                    },
                },
                "security": [{"oauth": ["orders:write"]}],
            },
        },
        "/orders/{id}": {"get": {"deprecated": True, "x-sunset": "2027-01-31"}},
    }
}
JSON = [("content-type", "application/json")]


def control(kind: type[Schema] = Schema, contract: Contract | None = None, **settings: Any) -> Schema:
    strict = settings.get("strict", False)
    return kind(contract or Contract.compile(DOCUMENT, strict=strict), limits=Limits(), **settings)


def head(made: Schema, *request: Any, principal: Principal | None = None, **fields: Any) -> Any:
    return judge(made.on_request, make_exchange(make_request(*request, **fields), principal=principal))


def body(made: Schema, data: bytes, method: str = "POST", path: str = "/orders", headers: Any = JSON) -> Any:
    exchange = make_exchange(make_request(method, path, headers, has_body=True), request_body=data)
    return judge(made.on_request_body, exchange)


def outcome(verdict: Any) -> tuple[int, list[str]]:
    assert isinstance(verdict, Stop)
    return verdict.response.status, [finding.rule for finding in verdict.findings]


def test_what_is_described_passes():
    assert head(control(), "GET", "/orders", query="page=2").proofs.query == ("page",)
    assert isinstance(head(control(), "HEAD", "/orders"), Pass)
    assert head(control(), "POST", "/orders", JSON, has_body=True) is PASS
    assert body(control(), b'{"count": 1}').proofs.json == ("/count",)


REFUSED: dict[str, tuple[tuple[Any, ...], dict[str, Any], int, list[str]]] = {
    "unknown path": (("GET", "/nothing"), {}, 404, ["unknown-path"]),
    "wrong method": (("DELETE", "/orders"), {}, 405, ["wrong-method"]),
    "options": (("OPTIONS", "/orders"), {}, 405, ["wrong-method"]),
    "media type": (("POST", "/orders", [("content-type", "text/plain")]), {"has_body": True}, 415, ["media-type"]),
    "compressed": (
        ("POST", "/orders", [*JSON, ("content-encoding", "gzip")]),
        {"has_body": True},
        415,
        ["content-encoding"],
    ),
    "parameter": (("GET", "/orders"), {"query": "page=x"}, 400, ["type"]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_heads_that_are_refused(name):
    request, fields, status, rules = REFUSED[name]
    assert outcome(head(control(), *request, **fields)) == (status, rules)


def test_the_answer_tells_what_would_have_been_right():
    def field(verdict: Any, name: str) -> str | None:
        found: str | None = verdict.response.headers.get(name)
        return found

    assert field(head(control(), "DELETE", "/orders"), "allow") == "GET, HEAD, POST"
    wrong_type = head(control(), "POST", "/orders", [("content-type", "text/plain")], has_body=True)
    assert field(wrong_type, "accept-post") == "application/json"
    compressed = head(control(), "POST", "/orders", [*JSON, ("content-encoding", "br")], has_body=True)
    assert field(compressed, "accept-encoding") == "identity"


BODIES = {
    "missing": (b"", JSON, 400, ["required"]),
    "no json": (b"{", JSON, 400, ["syntax"]),
    "invalid": (b'{"count": "x"}', JSON, 400, ["type"]),
    "no type": (b'{"count": 1}', [], 415, ["media-type"]),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies_that_are_refused(name):
    data, headers, status, rules = BODIES[name]
    assert outcome(body(control(), data, headers=headers)) == (status, rules)


def test_the_problem_lists_each_error_by_pointer_and_no_value():
    verdict = body(control(status=422), b'{"count": "hunter2"}')
    said = json.loads(verdict.response.body)
    assert verdict.response.status == said["status"] == 422
    assert said["errors"] == [
        {"in": "body", "pointer": "/count", "rule": "type", "detail": 'must be of type "integer"'}
    ]
    assert b"hunter2" not in verdict.response.body
    assert all("hunter2" not in finding.evidence + finding.where for finding in verdict.findings)


@pytest.mark.parametrize(
    ("undocumented", "path", "rules"),
    [
        ("monitor", "/nothing", ("unknown-path",)),
        ("monitor", "/orders", ("wrong-method",)),
        ("allow", "/nothing", ()),
        ("allow", "/orders", ()),
    ],
)
def test_what_is_not_described_may_pass(undocumented, path, rules):
    verdict = head(control(undocumented=undocumented), "DELETE", path)
    assert isinstance(verdict, Pass)
    assert tuple(finding.rule for finding in verdict.findings) == rules


@pytest.mark.parametrize(("path", "method"), [("/nothing", "POST"), ("/orders", "PUT"), ("/orders", "GET")])
def test_bodies_that_nobody_describes_are_held_to_their_structure(path, method):
    made = control(undocumented="allow")
    assert isinstance(body(made, b'{"a": 1}', method, path), Pass)
    assert outcome(body(made, b'{"a": 1, "a": 2}', method, path)) == (400, ["duplicate-name"])
    assert isinstance(body(made, b"anything", method, path, [("content-type", "text/plain")]), Pass)
    assert (
        outcome(body(made, b"a=%zz", method, path, [("content-type", "application/x-www-form-urlencoded")]))[0] == 400
    )


def test_strict_takes_no_body_that_is_not_described():
    assert outcome(body(control(strict=True), b"{}", "GET")) == (400, ["unknown-body"])


def test_without_a_contract_there_are_limits_of_structure():
    made = Schema(None, limits=Limits())
    assert head(made, "GET", "/anything") is PASS
    assert outcome(body(made, b"[" * 60 + b"]" * 60)) == (400, ["depth"])
    assert made.describe() == "limits of structure for bodies"


def test_a_preflight_request_passes_where_it_is_configured():
    fields = [("origin", "https://a.example"), ("access-control-request-method", "PUT")]
    made = control(preflight=True)
    assert head(made, "OPTIONS", "/orders", fields) is PASS
    assert outcome(head(made, "OPTIONS", "/nothing", fields))[0] == 404
    assert outcome(head(made, "OPTIONS", "/orders"))[0] == 405
    assert outcome(head(control(), "OPTIONS", "/orders", fields))[0] == 405


def test_scopes_of_the_description():
    made = control(scopes=True)
    request = ("POST", "/orders", JSON)
    verdict = head(made, *request, principal=Principal("p", "jwt", scopes=frozenset({"orders:read"})))
    assert outcome(verdict) == (403, ["insufficient-scope"])
    challenge = verdict.response.headers.get("www-authenticate")
    assert challenge == 'Bearer error="insufficient_scope", scope="orders:write"'
    assert head(made, *request, principal=Principal("p", "jwt", scopes=frozenset({"orders:write"}))) is PASS
    assert head(made, *request) is PASS  # whether a credential is needed is for authentication to say
    assert head(control(), *request, principal=Principal("p", "jwt")) is PASS


def test_deprecated_operations_say_so():
    made = control(DeprecatingSchema)
    fields = (("deprecation", "@0"), ("sunset", "Sun, 31 Jan 2027 00:00:00 GMT"))

    def edits(path: str, *present: tuple[str, str]) -> Edits | None:
        exchange = make_exchange(make_request("GET", path), response=Response(200, Headers.of(present)))
        verdict = judge(made.on_response, exchange)
        assert isinstance(verdict, Pass)
        return verdict.edits

    assert edits("/orders/7") == Edits(fields)
    assert edits("/orders/7", ("sunset", "its own")) == Edits(fields[:1])
    assert edits("/orders") is None


def test_paths_that_another_control_describes_pass():
    made = control(elsewhere=lambda path: path == "/graphql")
    assert head(made, "POST", "/graphql") is PASS
    assert outcome(head(made, "POST", "/graphqL"))[0] == 404


def test_a_websocket_has_no_body_to_check():
    headers = [("connection", "upgrade"), ("upgrade", "websocket")]
    assert isinstance(head(control(), "GET", "/orders", headers, has_body=True), Pass)


def test_description():
    document = {
        "paths": {
            **DOCUMENT["paths"],
            "/x": {"get": {"parameters": [{"name": "a", "in": "query", "schema": {"pattern": "(?=a)"}}]}},
        }
    }
    made = control(contract=Contract.compile(document), strict=True, scopes=True)
    assert (
        made.describe() == "4 operation(s), strict; others: block; scopes of 1 operation(s); 1 demand(s) not enforced"
    )
