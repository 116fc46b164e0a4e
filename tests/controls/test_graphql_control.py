"""The GraphQL control: what becomes of a request, what it is called, who may ask, and the limits by its name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stockade.controls.graphql import GraphQL, read_parts
from stockade.controls.limits import Limit, Limits, NamedLimits, Rate
from stockade.engine import Binding
from stockade.graphql import Endpoint, Rules, Schema, Settings, Sizes
from stockade.graphql.paths import Place
from stockade.stores import Counters, KeySources, Stores
from stockade.vocabulary import PASS, Pass, Principal, Stop
from stockade.wire import Request
from tests.exchanges import Door, judge, make_exchange, make_request, make_route

SDL = b"""
scalar Upload
type User { id: ID! }
type Query { users: [User!]! ping: Int }
type Mutation { login(password: String!): String store(file: Upload!): Int }
"""
JSON = [("content-type", "application/json")]
PLACE = Place("/graphql")
RULES = Rules(Sizes((("first",),), 10), {}, {"Query.users": frozenset({"admin"})})
LOGIN = 'mutation { login(password: "a") }'


def make(websocket: bool = False, **settings: Any) -> GraphQL:
    endpoint = Endpoint(Schema.read(SDL), RULES, Settings(**settings))
    return GraphQL(endpoint, PLACE, title="what it does", websocket=websocket)


def post(query: str, path: str = "/graphql", **members: Any) -> tuple[Request, bytes]:
    return make_request("POST", path, JSON, has_body=True), json.dumps({"query": query, **members}).encode()


def verdict(control: GraphQL, request: Request, body: bytes = b"", **fields: Any) -> Any:
    return judge(control.on_request_body, make_exchange(request, request_body=body, **fields))


def test_what_passes_has_a_name():
    assert verdict(make(), *post("{ ping }")).operation == "query ping"
    assert verdict(make(), make_request("GET", "/graphql", query="query={ping}")).operation == "query ping"


def test_the_texts_are_told_for_those_who_look_for_injections():
    found = verdict(make(), *post(LOGIN, extensions={"note": "b", "$where": 1}))
    assert list(found.texts()) == [("login.password", "a"), ("extensions.$where", "$where"), ("extensions.note", "b")]


@pytest.mark.parametrize("path", ["/", "/orders", "/graphqlx"])
def test_other_paths_are_no_affair_of_ours(path):
    assert verdict(make(), *post("{ nothing }", path)) is PASS


@pytest.mark.parametrize("path", ["/graphql/", "/GraphQL", "/graphql/x", "/graphql;a=b"])
def test_paths_that_a_router_takes_for_ours(path):
    assert isinstance(verdict(make(), *post("{ nothing }", path)), Stop)


def test_a_preflight_passes():
    assert verdict(make(), make_request("OPTIONS", "/graphql")) is PASS


def test_a_refusal_is_problem_details_with_errors_as_graphql_has_them():
    stop = verdict(make(), *post("{\n  nothing }"))
    details = json.loads(stop.response.body)
    assert stop.response.headers.get("content-type") == "application/problem+json"
    assert (details["status"], details["detail"], details["request_id"]) == (
        400,
        "The GraphQL request was refused.",
        "r-1",
    )
    assert details["errors"] == [
        {
            "message": "This field is not known here.",
            "locations": [{"line": 2, "column": 3}],
            "extensions": {"code": "VALIDATION"},
        }
    ]
    (finding,) = stop.findings
    assert (finding.rule, finding.where, finding.message) == (
        "validation",
        "document:2:3",
        "This field is not known here.",
    )


def test_a_wrong_method_is_told_which_are_right():
    assert (
        verdict(make(), make_request("DELETE", "/graphql")).response.headers.get("allow") == "GET, HEAD, POST, OPTIONS"
    )
    stop = verdict(make(get=False), make_request("GET", "/graphql", query="query={ping}"))
    assert (stop.response.status, stop.response.headers.get("allow")) == (405, "POST, OPTIONS")


def test_grpc_is_none():
    request = make_request("POST", "/graphql", [("content-type", "application/grpc")], has_body=True)
    assert verdict(make(), request).response.status == 415


ADMIN = Principal("alice", "jwt", scopes=frozenset({"admin", "other"}))


@pytest.mark.parametrize(
    ("principal", "status"),
    [(ADMIN, None), (Principal("bob", "jwt", scopes=frozenset({"other"})), 403), (None, 403)],
    ids=["admin", "another", "nobody"],
)
def test_scopes(principal, status):
    seen = verdict(make(), *post("{ x: users { id } }"), principal=principal)
    if status is None:
        assert seen.operation == "query users"
        return
    assert (seen.response.status, seen.findings[-1].rule, seen.operation) == (status, "scope", "query users")
    assert b"admin" not in seen.response.body
    assert json.loads(seen.response.body)["errors"][0]["message"] == "You lack a scope for one of these fields: users."


UPGRADE = [("upgrade", "websocket"), ("connection", "upgrade")]


def test_websockets():
    assert verdict(make(), make_request("GET", "/graphql", UPGRADE)).findings[-1].rule == "websocket"
    assert verdict(make(websocket=True), make_request("GET", "/graphql", UPGRADE)) is PASS
    hidden = make_request("GET", "/graphql", UPGRADE, query="query={nothing}")
    assert verdict(make(websocket=True), hidden).findings[-1].rule == "validation"


def multipart(*parts: tuple[str, str, bytes]) -> tuple[Request, bytes]:
    pieces = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + content + b"\r\n"
        for name, more, content in parts
    ]
    request = make_request("POST", "/graphql", [("content-type", "multipart/form-data; boundary=b")], has_body=True)
    return request, b"".join(pieces) + b"--b--\r\n"


def test_files():
    asked = {"query": "mutation ($f: Upload!) { store(file: $f) }", "variables": {"f": None}}
    operations = ("operations", "", json.dumps(asked).encode())
    good = multipart(operations, ("map", "", b'{"0": ["variables.f"]}'), ("0", '; filename="a.txt"', b"hello"))
    assert verdict(make(parts=read_parts), *good) == Pass(operation="mutation store")
    assert verdict(make(), *good).response.status == 415
    assert verdict(make(parts=read_parts), *multipart(operations)).findings[0].rule == "upload"
    cut = (good[0], good[1][:-5])
    assert verdict(make(parts=read_parts), *cut).findings[0].rule == "upload"


def test_every_rule_has_a_key_of_the_policy_or_none():
    assert {"depth", "scope", "validation"} <= GraphQL.rules.keys()
    assert make().describe() == "what it does"


def test_evidence_holds_nothing_of_the_values():
    secret = "hunter2-hunter2"
    stop = verdict(make(), *post("mutation ($p: Int!) { login(password: $p) }", variables={"p": secret}))
    assert secret not in repr(stop.findings)
    assert secret.encode() not in stop.response.body


# In the engine, with limits.


def per(*keys: str, name: str = "x", burst: int = 2) -> Limit:
    return Limit(name, keys, Rate(3600.0, burst))


def door(*limits: Limit, monitor: bool = False) -> Door:
    stores = Stores(Counters(), None, KeySources())
    named = [limit for limit in limits if limit.needs_operation]
    return Door(
        make_route(
            Limits("shop", limits, apart=PLACE), Binding(make(), monitor=monitor), NamedLimits("shop", named, PLACE)
        ),
        answer=stores.answer,
    )


def statuses(door: Door, *sent: tuple[Request, bytes]) -> list[int]:
    found = []
    for request, body in sent:
        seen = door.send(request, body)
        found.append(seen.response.status if isinstance(seen, Stop) else 200)
    return found


def test_the_name_reaches_the_record():
    here = door()
    assert statuses(here, post("{ ping }")) == [200]
    assert here.session.close(200, 1.0).operation == "query ping"
    assert statuses(here, post("{ users { id } }")) == [403]
    assert here.session.close(403, 1.0).operation == "query users"
    assert statuses(here, post("{ nothing }")) == [400]
    assert here.session.close(400, 1.0).operation == "POST /graphql"


def test_a_control_that_watches_names_all_the_same():
    here = door(monitor=True)
    assert statuses(here, post("{ users { id } }"), post("{ nothing }")) == [200, 200]
    assert statuses(here, post("{ users { id } }")) == [200]
    assert here.session.close(200, 1.0).operation == "query users"


def test_limits_per_operation_know_the_operation():
    here = door(per("address", "operation"))
    assert statuses(here, *[post(LOGIN)] * 3, *[post("{ ping }")] * 3) == [200, 200, 429, 200, 200, 429]
    assert statuses(here, post('mutation Other { a: login(password: "b") }')) == [429]
    elsewhere = make_request("GET", "/orders/7")
    assert statuses(here, *[(elsewhere, b"")] * 3) == [200, 200, 429]


def test_other_limits_count_before_the_body_is_read():
    here = door(per("address", burst=3), per("operation", name="y", burst=2))
    assert statuses(here, *[post("{ ping }")] * 4) == [200, 200, 429, 429]
    assert here.session.control == "limits"
    elsewhere = door(per("address", burst=3), per("operation", name="y", burst=2))
    assert statuses(elsewhere, *[(make_request("GET", "/orders/7"), b"")] * 4) == [200, 200, 429, 429]


def test_a_request_that_calls_five_times_counts_as_five():
    here = door(per("address", "operation", burst=6))
    five = "mutation {" + " ".join(f'{name}: login(password: "{name}")' for name in "abcde") + "}"
    assert statuses(here, post(five), post(five), post(LOGIN), post(LOGIN)) == [200, 429, 200, 429]


def test_limits_per_operation_alone():
    here = door(per("operation"))
    assert statuses(here, *[post("{ nothing }")] * 3) == [400, 400, 400]


def test_limits_are_described():
    named = NamedLimits("shop", [per("operation")], PLACE)
    assert named.describe().endswith("by what the body names")
    assert Limits("shop", [], apart=PLACE).describe() == ""
