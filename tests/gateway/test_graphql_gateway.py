"""GraphQL through both doors, before a real GraphQL server: what it is asked, and what it never hears of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import uuid4

import pytest
from graphql import get_introspection_query

from tests.gateway.client import Client, Reply
from tests.gateway.credentials import keys_in
from tests.gateway.doors import LOGS, AsgiDoor, Door, EnvoyDoor, Loop, Sent, serving
from tests.gateway.graphql_upstream import SDL, Server
from tests.gateway.harness import Gateway, api, free_port, policy, running
from tests.gateway.http2 import Http2Client

pytestmark = pytest.mark.envoy

DOORS = ("envoy", "asgi")
USERS = "query Users($n: Int) { users(first: $n) { id name } }"
BESIDE = " ".join(f'{name}: login(name: "a", password: "{name}")' for name in "abc") + "}"
LOGIN = 'mutation { login(name: "a", password: "b") }'
SECRET = "{ user(id: 1) { secret } }"


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


class Case(NamedTuple):
    """ran: the fields that the server must have resolved; says: what stands in the answer."""

    sent: Sent
    status: int = 200
    rule: str | None = None
    operation: str = "POST /graphql"
    ran: tuple[str, ...] = ()
    says: str = ""


def sent(value: Any, path: str = "/graphql", kind: str = "application/json", **headers: str) -> Sent:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    fields = (("content-type", kind), *((name.replace("_", "-"), each) for name, each in headers.items()))
    return Sent("POST", path, fields, (body,))


def asked(query: str, variables: Any = None, path: str = "/graphql", **headers: str) -> Sent:
    return sent({"query": query, "variables": variables}, path, **headers)


def refused(request: Sent, status: int, rule: str, operation: str = "POST /graphql") -> Case:
    return Case(request, status, rule, operation)


def hashed(text: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": digest(text)}}


pieces = json.dumps({"query": USERS, "variables": {"n": 2}}).encode()
CASES: dict[str, Case] = {
    "a query": Case(asked(USERS, {"n": 2}), operation="query users", ran=("users",), says='"user 1"'),
    "in pieces": Case(
        Sent("POST", "/graphql", (("content-type", "application/json"),), (pieces[:10], pieces[10:])),
        operation="query users",
        ran=("users",),
        says='"user 1"',
    ),
    "by GET": Case(
        Sent("GET", f"/graphql?query={quote(USERS)}&variables=%7B%22n%22:1%7D"),
        operation="query users",
        ran=("users",),
        says='"user 0"',
    ),
    "application/graphql": Case(
        sent(b"{ ping }", kind="application/graphql"), operation="query ping", ran=("ping",), says="true"
    ),
    "a mutation": Case(asked(LOGIN), operation="mutation login", ran=("login",), says="token"),
    "with the scope": Case(
        asked(SECRET, x_api_key="{key}"), operation="query user", ran=("user",), says="canary-secret"
    ),
    "without the scope": refused(asked(SECRET, x_api_key="{poor}"), 403, "scope", "query user"),
    "several fields": Case(asked("{ ping user(id: 1) { id } }"), operation="query {several}", ran=("ping", "user")),
    "a batch": Case(
        sent([{"query": "{ ping }"}, {"query": "{ a: ping }"}]),
        operation="query ping",
        ran=("ping", "ping"),
        says="true",
    ),
    "a text of the hash": Case(
        sent({"query": "{ ping  }", "extensions": hashed("{ ping  }")}), operation="query ping", ran=("ping",)
    ),
    "an unknown field": refused(asked("{ usrs { id } }"), 400, "validation"),
    "introspection": refused(asked(get_introspection_query()), 400, "introspection"),
    "introspection by an alias": refused(asked('{ ping: __type(name: "User") { name } }'), 400, "introspection"),
    "deep": refused(asked("{ users(first: 1) " + "{ friends(first: 1) " * 10 + "{ id }" + "}" * 11), 400, "depth"),
    "deeper than any parser": refused(asked("{a" * 4_000), 400, "nesting"),
    "costly": refused(asked(USERS, {"n": 5_000}), 400, "complexity"),
    "aliases": refused(asked("{" + " ".join(f"a{n}: ping" for n in range(16)) + "}"), 400, "aliases"),
    "attempts": refused(
        asked("mutation {" + " ".join(f'a{n}: login(name: "a", password: "{n}")' for n in range(9)) + "}"),
        400,
        "repeats",
    ),
    "attempts in a batch": refused(
        sent([{"query": LOGIN}, {"query": f"{LOGIN[:-1]} {BESIDE}"}, {"query": LOGIN}]), 400, "repeats"
    ),
    "a large batch": refused(sent([{"query": "{ ping }"}] * 5), 400, "batch"),
    "a circle": refused(asked("{ ...A } fragment A on Query { ...A }"), 400, "circle"),
    "variables of another type": refused(asked(USERS, {"n": "many"}), 400, "variable-type"),
    "an operator in a variable": refused(
        asked("query ($f: Filter) { users(filter: $f) { id } }", {"f": {"name": {"$ne": 1}}}), 400, "variable-type"
    ),
    "a mutation by GET": refused(Sent("GET", f"/graphql?query={quote(LOGIN)}"), 405, "method", "GET /graphql"),
    "a query in body and URL": refused(asked("{ ping }", path=f"/graphql?query={quote(LOGIN)}"), 400, "ambiguous"),
    "a member twice": refused(sent(b'{"query": "{ ping }", "query": "{ users { id } }"}'), 400, "json"),
    "a form": refused(sent(b"query={ping}", kind="application/x-www-form-urlencoded"), 415, "media-type"),
    "files": refused(sent(b"--b--\r\n", kind="multipart/form-data; boundary=b"), 415, "media-type"),
    "gRPC's media type": refused(sent(b"x", kind="application/grpc"), 415, "media-type"),
    "another case of the path": refused(
        asked("{ nothing }", path="/GraphQL/x", x_api_key="{key}"), 400, "validation", "POST /GraphQL/x"
    ),
    "a hash that nobody knows": refused(sent({"extensions": hashed("{ pong }")}), 404, "unknown-document"),
    "only known documents": Case(
        asked(USERS, {"n": 1}, path="/only/graphql"), operation="query Users", ran=("users",), says="user 0"
    ),
    "only their hashes": Case(
        sent({"variables": {"n": 1}, "extensions": hashed(USERS)}, path="/only/graphql"),
        operation="query Users",
        ran=("users",),
        says="user 0",
    ),
    "no others": refused(asked("{ ping }", path="/only/graphql"), 403, "not-persisted", "POST /only/graphql"),
    "without a schema": Case(
        asked("{ ping }", path="/syntax/graphql"), operation="query ping", ran=("ping",), says="true"
    ),
    "without a schema, guarded": refused(
        asked("{ ...A } fragment A on Query { users { id } }", path="/syntax/graphql"), 403, "scope", "query users"
    ),
    "only watched": Case(
        asked("{ __schema { types { name } } }", path="/watch/graphql"),
        rule="introspection",
        operation="POST /watch/graphql",
        says="__Schema",
    ),
}
POLICY_FILES = {"shop.graphql": SDL, "documents.json": json.dumps({digest(USERS): USERS})}


def apis(port: int) -> list[dict[str, Any]]:
    keys = {"any_of": [{"api_key": {"header": "X-API-Key"}}], "anonymous": ["* /graphql"]}
    described = {"schema": "shop.graphql"}
    only = {**described, "persisted": {"file": "documents.json"}}
    per_operation = [{"name": "few", "key": ["address", "operation"], "rate": "1/min", "burst": 2}]
    guarded = {"User.secret": ["secrets"]}
    return [
        api(port, "only", prefix="/only", graphql={**only, "path": "/only/graphql"}),
        api(port, "syntax", prefix="/syntax", graphql={"path": "/syntax/graphql", "scopes": {"Query.users": ["a"]}}),
        api(port, "watch", prefix="/watch", graphql={**described, "path": "/watch/graphql", "mode": "monitor"}),
        {**api(port, "few", prefix="/few", graphql={**described, "path": "/few/graphql"}), "limits": per_operation},
        api(port, graphql={**described, "scopes": guarded, "batch": 4}, authentication={**keys}),
    ]


class Set(NamedTuple):
    doors: dict[str, Door]
    server: Server
    gateway: Gateway
    keys: dict[str, str]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Set]:
    """Both doors before one server."""
    folder, port, server = tmp_path_factory.mktemp("graphql"), free_port(), Server()
    for name, text in POLICY_FILES.items():
        (folder / name).write_text(text)
    gateway = Gateway(folder, policy(*apis(port), log={"path": "${LOG}"}), environment={"LOG": LOGS["envoy"]})
    with ExitStack() as stack:
        ring = stack.enter_context(keys_in(folder))
        keys = {"key": ring.issue("alice", scopes=["secrets"]), "poor": ring.issue("bob", scopes=["other"])}
        stack.enter_context(serving(server, port))
        stack.enter_context(running(gateway))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("LOG", LOGS["asgi"])
        loop = Loop()
        stack.callback(loop.close)
        asgi = AsgiDoor(loop, folder, server)
        stack.callback(asgi.close)
        yield Set({"envoy": EnvoyDoor(gateway), "asgi": asgi}, server, gateway, keys)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", CASES)
def test_case(both: Set, name: str, door: str) -> None:
    case, tag = CASES[name], uuid4().hex
    both.server.ran.clear()
    headers = tuple((field, value.format(**both.keys)) for field, value in case.sent.headers)
    reply = both.doors[door].send(case.sent._replace(headers=(*headers, ("x-tag", tag))))
    record = both.doors[door].record(tag)
    assert (reply.status, record["status"], record["operation"]) == (case.status, case.status, case.operation), reply
    assert [finding["rule"] for finding in record["findings"]] == ([case.rule] if case.rule else [])
    assert tuple(name for name, _ in both.server.ran) == case.ran
    assert case.says in reply.body.decode()
    if case.status == 200:
        assert "errors" not in reply.json()
    else:
        assert_refusal(reply, record)


def assert_refusal(reply: Reply, record: dict[str, Any]) -> None:
    details = reply.problem()
    assert details["errors"][0]["extensions"]["code"]
    assert (record["action"], record["control"]) == ("deny", "graphql")
    assert "stockade.yaml:" in record["findings"][0]["policy"]


@pytest.mark.parametrize("door", DOORS)
def test_limits_know_operations(both: Set, door: str) -> None:
    """The same mutation under other names and aliases is the same operation; another is not."""
    said = [
        both.doors[door].send(asked(query, path="/few/graphql")).status
        for query in (
            LOGIN,
            LOGIN.replace("mutation", "mutation A"),
            LOGIN.replace("login", "x: login"),
            "{ ping }",
            "query B { ping }",
            "{ y: ping }",
        )
    ]
    assert said == [200, 200, 429, 200, 200, 429]


def test_http_2(both: Set) -> None:
    kind = ("content-type", "application/json")
    with Http2Client(both.gateway.port) as client:
        good = client.ask("POST", "/graphql", kind, body=json.dumps({"query": "{ ping }"}).encode())
        bad = client.ask("POST", "/graphql", kind, body=json.dumps({"query": "{ nothing }"}).encode())
    assert (good.status, good.json()) == (200, {"data": {"ping": True}})
    assert (bad.status, bad.problem()["errors"][0]["extensions"]["code"]) == (400, "VALIDATION")


def test_automatic_persisted_queries(both: Set) -> None:
    """As a client does it: the hash, then hash and text, then the hash alone."""
    text = '{ greet(name: "APQ") }'
    alone, whole = {"extensions": hashed(text)}, {"query": text, "extensions": hashed(text)}
    for door in DOORS:
        first, second, third = (both.doors[door].send(sent(each)) for each in (alone, whole, alone))
        assert first.json()["errors"][0]["message"] == "PersistedQueryNotFound"
        assert second.json() == third.json() == {"data": {"greet": "Hello APQ"}}


def test_a_handshake_is_refused(both: Set) -> None:
    fields = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    with Client(both.gateway.port) as client:
        client.send(f"GET /graphql HTTP/1.1\r\nHost: localhost\r\n{fields}Sec-WebSocket-Version: 13\r\n\r\n".encode())
        reply = client.reply()
    assert (reply.status, reply.problem()["errors"][0]["extensions"]["code"]) == (403, "WEBSOCKET")


def test_a_new_schema_is_taken(both: Set) -> None:
    folder = both.gateway.folder
    (folder / "shop.graphql").write_text(SDL.replace("ping: Boolean", ""))
    try:
        both.gateway.reload(both.gateway.policy)
        assert both.doors["envoy"].send(asked("{ ping }")).status == 400
    finally:
        (folder / "shop.graphql").write_text(SDL)
        both.gateway.reload(both.gateway.policy)
    assert both.doors["envoy"].send(asked("{ ping }")).status == 200
