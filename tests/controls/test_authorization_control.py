"""Authorization: which rule lets a request pass, which refuses it, and what it says."""

from __future__ import annotations

import json
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from stockade.config import BadConfig, build, load_text
from stockade.vocabulary import Pass, Principal, Stop
from tests.exchanges import judge, make_exchange, make_request

POLICY = """
version: 1
listen: [{address: "127.0.0.1:8080"}]
apis:
  - name: shop
    upstream: {url: "http://127.0.0.1:9000"}
    authentication: {any_of: [{api_key: {}}]}
    authorization:
      roles: {members: {support: [sue]}}
      rules:
        - {name: read, operations: ["GET /orders/{id}", "GET /orders"], scopes: ["orders:read"]}
        - {name: support, operations: ["GET /orders/{id}"], roles: [support]}
        - {name: write, operations: ["POST /orders", "PATCH /users/{id}"], scopes: ["orders:write"]}
        - {name: admin, operations: ["* /admin/*", "DELETE /orders/{id}"], roles: [admin]}
        - {name: acme, operations: ["GET /acme"], claims: {tenant: [acme, emca]}}
        - {name: open, operations: ["GET /health"], anyone: true}
      properties:
        - {name: privileged, properties: [role, is_admin], roles: [admin]}
"""

READER = Principal("ann", "api_key", scopes=frozenset({"orders:read"}))
WRITER = Principal("bob", "jwt", scopes=frozenset({"orders:read", "orders:write"}))
ADMIN = Principal("root", "jwt", scopes=frozenset({"orders:write"}), claims={"roles": ["admin", "user"]})
SUE = Principal("sue", "jwt")
ACME = Principal("eve", "jwt", claims={"tenant": "acme"})


@pytest.fixture(scope="module")
def binding(tmp_path_factory):
    file = tmp_path_factory.mktemp("policy") / "stockade.yaml"
    (route,) = build(load_text(POLICY, file, {})).policy.routes
    (found,) = (each for each in route.bindings if each.control.name == "authorization")
    return found


def verdict_on(binding: Any, method: str, path: str, principal: Any, headers: Any = (), **fields: Any) -> Any:
    return judge(
        binding.control.on_request, make_exchange(make_request(method, path, headers, **fields), principal=principal)
    )


TABLE = [
    ("GET", "/orders/7", READER, None, "read"),
    ("HEAD", "/orders/7", READER, None, "read"),
    ("GET", "/orders/7", SUE, None, "support"),
    ("GET", "/orders/7", None, 401, "read"),
    ("GET", "/orders/7", Principal("x", "jwt"), 403, "read"),
    ("GET", "/orders", SUE, 403, "read"),
    ("POST", "/orders", READER, 403, "write"),
    ("POST", "/orders", WRITER, None, "write"),
    ("DELETE", "/orders/7", WRITER, 403, "admin"),
    ("DELETE", "/orders/7", ADMIN, None, "admin"),
    ("GET", "/admin/users", WRITER, 403, "admin"),
    ("GET", "/admin", WRITER, 403, "admin"),
    ("PURGE", "/admin/users", ADMIN, None, "admin"),
    ("GET", "/acme", ACME, None, "acme"),
    ("GET", "/acme", READER, 403, "acme"),
    ("GET", "/health", None, None, "open"),
    ("GET", "/unnamed", ADMIN, 403, "default"),
    ("OPTIONS", "/orders", ADMIN, 403, "default"),
]


@pytest.mark.parametrize(("method", "path", "principal", "status", "rule"), TABLE, ids=map(str, range(len(TABLE))))
def test_table(binding, method, path, principal, status, rule):
    verdict = verdict_on(binding, method, path, principal)
    if status is None:
        assert isinstance(verdict, Pass)
        assert verdict.decided == rule
        assert binding.where(rule).startswith(binding.line.rpartition(":")[0])
        return
    assert isinstance(verdict, Stop)
    assert (verdict.response.status, verdict.findings[0].rule) == (status, rule)
    assert b"scope" not in verdict.response.body
    assert b"role" not in verdict.response.body


def test_each_rule_has_its_line(binding):
    lines = {rule: int(binding.where(rule).rpartition(":")[2]) for rule in ("read", "support", "admin", "privileged")}
    assert lines["support"] == lines["read"] + 1
    assert len(set(lines.values())) == 4


@pytest.mark.parametrize(
    ("method", "path", "headers", "query"),
    [
        ("GET", "/ADMIN/users", (), ""),
        ("GET", "/admin./users", (), ""),
        ("GET", "/admin;x=1/users", (), ""),
        ("GET", "/%2561dmin/users", (), ""),
        ("GET", "/orders/%252e%252e%252fadmin", (), ""),
        ("POST", "/orders/7", [("x-http-method-override", "DELETE")], ""),
        ("GET", "/orders/7", [("x-http-method-override", "DELETE")], ""),
        ("GET", "/orders/7", [("x-method-override", "GET, DELETE")], ""),
        ("GET", "/orders/7", (), "_method=DELETE"),
        ("get", "/orders/7", (), ""),
    ],
)
def test_no_spelling_gives_a_user_an_admin_function(binding, method, path, headers, query):
    assert isinstance(verdict_on(binding, method, path, WRITER, headers, query=query), Stop)


BODIES = [
    ("application/json", b'{"name": "x", "role": "admin"}'),
    ("application/json", b'{"role": "user", "user": {"Is-Admin": true}}'),
    ("application/json", b'{"a": [{"isAdmin": 1}]}'),
    ("application/json", b'{"ro\\u006ce": 1}'),
    ("application/merge-patch+json", b'\xef\xbb\xbf{"ROLE": 1}'),
    ("application/json-patch+json", b'[{"op": "replace", "path": "/role", "value": "admin"}]'),
    ("application/json", b'[{"op": "move", "from": "/x", "path": "/is_admin"}]'),
    ("application/x-www-form-urlencoded", b"name=x&user%5Brole%5D=admin"),
    ("multipart/form-data; boundary=a", b'--a\r\nContent-Disposition: form-data; name="role"\r\n\r\nadmin\r\n--a--'),
    ("", b'{"role": 1}'),
    ("application/json", b'{"user": "{\\"is_admin\\": true}"}'),
    ("application/json", b'{"a": "[\\"[{\\\\\\"role\\\\\\": 1}]\\"]"}'),
    ("application/json", b'[{"method": "PATCH", "path": "/users/7", "body": {"role": "admin"}}]'),
    (
        "multipart/form-data; boundary=a",
        b"--a\r\nContent-Disposition: form-data; name*=utf-8''r%6Fle\r\n\r\nadmin\r\n--a--",
    ),
    ("multipart/form-data; boundary=a", b'--a\r\nContent-Disposition: form-data; name=x\r\n\r\n{"role": 1}\r\n--a--'),
    ("application/json", b'{"query": "mutation { a: update(id: 7, role: ADMIN) { id } }"}'),
    (
        "application/json",
        b'[{"query": "{ me { id } }"}, {"query": "mutation M { b: update(in: {x: [{is_admin: true}]}) { id } }"}]',
    ),
    ("application/json", b'{"query": "mutation($v: In!) { update(in: $v) { id } }", "variables": {"v": {"role": 1}}}'),
    ("application/json", b'{"query": "mutation { update(note: \\"\\"\\" ) \\"\\"\\" # )\\n, role : ADMIN) { id } }"}'),
    ("application/x-www-form-urlencoded", b' {"role": "admin"}'),
    ("application/graphql", b"mutation { update(role: ADMIN) { id } }"),
]
HONEST = [
    ("application/json", b'{"name": "role"}'),
    ("application/json", b'{"query": "{ users(role: ADMIN) { role } }"}'),
    ("application/json", b'{"query": "mutation { update(name: \\"role: 1\\") { role: name } }"}'),
    ("application/json", b'{"note": "{role: not JSON"}'),
    ("multipart/form-data; boundary=a", b"--a\r\nContent-Disposition: form-data; name=x\r\n\r\nrole\r\n--a--"),
]


@pytest.mark.parametrize(("content_type", "body"), BODIES, ids=map(str, range(len(BODIES))))
@pytest.mark.parametrize("method", ["PATCH", "POST", "PUT"])
def test_privileged_properties_are_for_admins(binding, content_type, body, method):
    def say(principal: Any) -> Any:
        request = make_request(method, "/users/7", [("content-type", content_type)], has_body=True)
        return judge(binding.control.on_request_body, make_exchange(request, principal=principal, request_body=body))

    verdict = say(WRITER)
    assert isinstance(verdict, Stop)
    assert (verdict.response.status, verdict.findings[0].rule) == (403, "privileged")
    assert isinstance(say(ADMIN), Pass)


@pytest.mark.parametrize(("content_type", "body"), HONEST, ids=map(str, range(len(HONEST))))
def test_a_name_that_is_not_written_is_no_property(binding, content_type, body):
    request = make_request("POST", "/users/7", [("content-type", content_type)], has_body=True)
    exchange = make_exchange(request, principal=WRITER, request_body=body)
    assert isinstance(judge(binding.control.on_request_body, exchange), Pass)


def test_a_mutation_in_the_query_is_one(binding):
    query = "query=mutation%20%7B%20a%3A%20update%28role%3A%20ADMIN%29%20%7B%20id%20%7D%20%7D"
    exchange = make_exchange(make_request("GET", "/graphql", query=query), principal=WRITER)
    assert isinstance(judge(binding.control.on_request_body, exchange), Stop)


def test_properties_in_the_query_count_where_something_is_written(binding):
    def say(method: str) -> Any:
        return judge(
            binding.control.on_request_body, make_exchange(make_request(method, query="role=admin"), principal=WRITER)
        )

    assert isinstance(say("PATCH"), Stop)
    assert isinstance(say("GET"), Pass)  # a filter


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([("content-encoding", "gzip")], b"\x1f\x8b"),
        ([("content-type", "application/xml")], b"<role/>"),
        ([], b"{" * 100_000),
        ([], json.dumps([{"a": 1}] * 60_000).encode()),
    ],
    ids=["compressed", "xml", "no JSON", "endless"],
)
def test_what_cannot_be_looked_through_is_refused(binding, headers, body):
    request = make_request("PATCH", "/users/7", headers, has_body=True)
    verdict = judge(binding.control.on_request_body, make_exchange(request, principal=WRITER, request_body=body))
    assert verdict.response.status == 415


def test_errors_teach():
    for text, told in (
        ("rules: [{scopes: [a]}]", "names operations, or tags"),
        ("rules: [{tags: [admin]}]", "no operation has the tag 'admin'; the API names no description"),
        ('rules: [{name: a, operations: ["GET /"]}, {name: a, operations: ["GET /"]}]', "two rules are called 'a'"),
        ("properties: [{properties: [role]}]", "say who may write them"),
        ('rules: [{operations: ["GET /"], anyone: true, roles: [a]}]', "asks for nothing"),
        ("{}", "states no rules, no properties and no Cedar policies"),
    ):
        policy = POLICY.partition("    authorization:")[0] + f"    authorization: {{{text.strip('{}')}}}\n"
        with pytest.raises(BadConfig, match=r"stockade\.yaml:") as caught:
            build(load_text(policy, Path("stockade.yaml"), {}))
        assert told in str(caught.value)


def test_tags_of_the_description(tmp_path):
    (tmp_path / "openapi.yaml").write_text(
        "openapi: 3.1.0\ninfo: {title: t, version: '1'}\nservers: [{url: /v1}]\n"
        "paths: {/users: {delete: {tags: [admin], responses: {}}, get: {responses: {}}}}\n"
    )
    policy = POLICY.partition("    authorization:")[0] + (
        "    openapi: openapi.yaml\n    authorization: {default: allow, rules: [{tags: [admin], roles: [admin]}]}\n"
    )
    (route,) = build(load_text(policy, tmp_path / "stockade.yaml", {})).policy.routes
    (found,) = (each for each in route.bindings if each.control.name == "authorization")
    assert isinstance(verdict_on(found, "DELETE", "/v1/users", WRITER), Stop)
    assert isinstance(verdict_on(found, "DELETE", "/v1/users", ADMIN), Pass)
    assert isinstance(verdict_on(found, "GET", "/v1/users", WRITER), Pass)


@pytest.mark.parametrize(
    ("content_type", "body", "said"),
    [
        ("multipart/form-data; boundary=a", b"\n\n[1," * 200_000, Pass),
        ("multipart/form-data; boundary=a", b"\n--\n\n[" * 150_000, Stop),
        ("multipart/form-data; boundary=a", b'\n--\n\n"' * 150_000, Stop),
        ("application/graphql", b'mutation """\\"""' * 60_000, Pass),
        ("application/graphql", b'mutation "\\' * 80_000, Pass),
        ("application/json", json.dumps({"a": "[" * 500_000}).encode(), Pass),
        ("application/json", json.dumps({"a": "mutation(" * 100_000}).encode(), Pass),
    ],
    ids=map(str, range(7)),
)
def test_no_body_takes_long(binding, content_type, body, said):
    """A megabyte each, for which the slowest takes 70 ms; what is not linear takes minutes."""
    request = make_request("POST", "/users/7", [("content-type", content_type)], has_body=True)
    exchange = make_exchange(request, principal=WRITER, request_body=body)
    begun = process_time()
    verdict = judge(binding.control.on_request_body, exchange)
    assert process_time() - begun < 1.5
    assert isinstance(verdict, said)
