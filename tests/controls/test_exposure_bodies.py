"""Bodies against the description and by who is asking, as journeys: a policy, a response, what leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.config import BadConfig, build, load_text
from stockade.engine import Policy
from stockade.vocabulary import Pass, Principal, Stop, Verdict
from stockade.wire import Headers, Response
from tests.exchanges import Door, make_request

DESCRIPTION = """\
openapi: 3.1.0
info: {title: Users, version: "1"}
paths:
  /users:
    get:
      responses:
        "200":
          description: good
          headers: {X-Total: {required: true, schema: {type: integer}}}
          content:
            application/json: {schema: {type: array, items: {$ref: "#/components/schemas/User"}}}
            text/csv: {schema: {type: string}}
        "4XX": {$ref: "#/components/responses/Trouble"}
        "302": {description: moved}
  /anything:
    get: {responses: {"200": {description: good, content: {application/json: {}}}, "204": {description: none}}}
  /pet:
    get:
      responses:
        "200":
          description: good
          content:
            application/json:
              schema:
                oneOf: [{$ref: "#/components/schemas/Cat"}, {$ref: "#/components/schemas/Dog"}]
components:
  responses:
    Trouble:
      description: bad
      content: {application/problem+json: {schema: {type: object, properties: {detail: {type: string}}}}}
  schemas:
    User:
      type: object
      required: [id]
      properties:
        id: {type: integer}
        email: {type: string}
        password: {type: string, writeOnly: true}
        manager: {$ref: "#/components/schemas/User"}
        labels: {type: object, additionalProperties: {type: string}}
        name: {allOf: [{$ref: "#/components/schemas/Name"}, {properties: {title: {type: string}}}]}
    Name: {type: object, properties: {first: {type: string}, last: {type: string}}}
    Cat: {type: object, properties: {meow: {type: boolean}}}
    Dog: {type: object, properties: {bark: {type: boolean}}}
"""
JSON = ("content-type", "application/json")
TOTAL = ("x-total", "1")
ALICE = Principal("alice", "jwt", scopes=frozenset({"pii:read", "x"}))
STAFF = Principal("bob", "jwt", roles=frozenset({"staff"}))
FIELDS = {
    "User.email": {"scopes": ["pii:read"], "roles": ["staff"], "else": "mask"},
    "Name.last": {"principals": ["alice"], "else": "remove"},
    "$[*].labels.secret": {"roles": ["staff"], "else": "hash"},
}


def policy(folder: Path, **exposure: Any) -> Policy:
    (folder / "openapi.yaml").write_text(DESCRIPTION)
    api = {
        "name": "users",
        "upstream": {"url": "http://127.0.0.1:9"},
        "openapi": "openapi.yaml",
        "schema": {"mode": "off"},
        "limits": [],
        "exposure": {"security_headers": False, "hide_errors": False, "remove_headers": [], **exposure},
    }
    raw = {"version": 1, "listen": [{"address": "127.0.0.1:8080"}], "apis": [api]}
    return build(load_text(json.dumps(raw), folder / "stockade.yaml", {"HASH": "h" * 32})).policy


class Journey:
    """One exchange under a policy."""

    def __init__(self, folder: Path, **exposure: Any) -> None:
        self.route = policy(folder, **exposure).routes[0]

    def send(
        self,
        path: str,
        body: bytes,
        *headers: tuple[str, str],
        status: int = 200,
        who: Principal | None = None,
        method: str = "GET",
    ) -> tuple[Verdict, set[str], bytes]:
        """The verdict, the rules of the findings, and the body that leaves."""
        from stockade.engine import REQUEST_HEAD, ResponseBody, ResponseHead, drive, open_session

        door = Door(self.route)
        ours: Any
        session = open_session(door.policy, make_request(method, path))
        drive(session.receive(REQUEST_HEAD), door.answer)
        session.exchange.principal = who
        verdict = drive(session.receive(ResponseHead(Response(status, Headers.of(headers)))), door.answer)
        ours = verdict.response if isinstance(verdict, Stop) else verdict.edits and verdict.edits.replace
        if ours is None and session.reads_response_body and method != "HEAD":
            verdict = drive(session.receive(ResponseBody(body)), door.answer)
            ours = verdict.response if isinstance(verdict, Stop) else verdict.edits and verdict.edits.replace
        rules = {finding.rule for finding in session.close(status, 0).findings}
        if ours is not None:
            return verdict, rules, ours.body
        assert isinstance(verdict, Pass)
        new = verdict.edits.body if verdict.edits is not None else None
        return verdict, rules, body if new is None else new


GOOD = b'[{"id":1,"email":"a@example.com"}]'
MORE = b'[{"id":1,"hash":"canary","password":"canary","manager":{"id":2,"hash":"canary"},"labels":{"any":"x"}}]'
LESS = b'[{"id":1,"manager":{"id":2},"labels":{"any":"x"}}]'
# name: (path, status, body, headers) -> (block, strip), each "as it came", a status, or the body that leaves
CONTRACT: dict[str, tuple[Any, Any, Any]] = {
    "as promised": (("/users", 200, GOOD, (JSON, TOTAL)), GOOD, GOOD),
    "undeclared fields": (("/users", 200, MORE, (JSON, TOTAL)), 502, LESS),
    "a body of another kind": (("/users", 200, b'{"hash":"canary"}', (JSON, TOTAL)), 502, 502),
    "an item of another kind": (("/users", 200, b'[["canary"],{"id":1}]', (JSON, TOTAL)), 502, b'[{"id":1}]'),
    "a field of another kind": (
        ("/users", 200, b'[{"id":1,"email":{"x":"canary"}}]', (JSON, TOTAL)),
        502,
        b'[{"id":1}]',
    ),
    "alternatives": (("/pet", 200, b'{"bark":true,"hash":"canary"}', (JSON,)), 502, b'{"bark":true}'),
    "parts together": (
        ("/users", 200, b'[{"id":1,"name":{"first":"A","title":"Dr","hash":"canary"}}]', (JSON, TOTAL)),
        502,
        b'[{"id":1,"name":{"first":"A","title":"Dr"}}]',
    ),
    "a name twice": (("/users", 200, b'[{"id":1,"id":"canary"}]', (JSON, TOTAL)), 502, 502),
    "cut short": (("/users", 200, b'[{"id":1,"hash":"canary"', (JSON, TOTAL)), 502, 502),
    "undeclared status": (("/users", 201, b'{"hash":"canary"}', (JSON, TOTAL)), 502, 502),
    "undeclared error": (("/users", 500, b'"canary"', (JSON,)), 500, 500),
    "declared error": (
        ("/users", 404, b'{"detail":"none"}', (("content-type", "application/problem+json"),)),
        b'{"detail":"none"}',
        b'{"detail":"none"}',
    ),
    "error of another type": (("/users", 404, b"<p>canary", (("content-type", "text/html"),)), 404, 404),
    "undeclared redirect": (("/users", 307, b"canary", (("location", "/x"),)), 307, 307),
    "undeclared type": (("/users", 200, b"canary", (("content-type", "text/html"), TOTAL)), 502, 502),
    "no type": (("/users", 200, b"canary", (TOTAL,)), 502, 502),
    "another declared type": (("/users", 200, b"id\n1", (("content-type", "text/csv"), TOTAL)), b"id\n1", b"id\n1"),
    "missing header": (("/users", 200, GOOD, (JSON,)), 502, GOOD),
    "bad header": (("/users", 200, GOOD, (JSON, ("x-total", "many"))), 502, GOOD),
    "undeclared operation": (("/debug", 200, b"canary", (("content-type", "text/plain"),)), 502, 502),
    "not modified": (("/users", 304, b"", ()), b"", b""),
    "anything is declared": (("/anything", 200, b'{"x":{"y":1}}', (JSON,)), b'{"x":{"y":1}}', b'{"x":{"y":1}}'),
    "nothing is declared": (("/anything", 204, b"", ()), b"", b""),
    "compressed": (("/users", 200, b"\x1f\x8bcanary", (JSON, TOTAL, ("content-encoding", "gzip"))), 502, 502),
}  # fmt: skip


@pytest.mark.parametrize("mode", ["block", "strip", "monitor"])
@pytest.mark.parametrize("name", CONTRACT)
def test_the_contract(name, mode, tmp_path):
    (path, status, body, headers), blocked, stripped = CONTRACT[name]
    verdict, rules, left = Journey(tmp_path, responses=mode).send(path, body, *headers, status=status)
    wanted = {"block": blocked, "strip": stripped, "monitor": body}[mode]
    if isinstance(wanted, int):
        ours = verdict.response if isinstance(verdict, Stop) else verdict.edits.replace  # type: ignore[union-attr]
        assert ours is not None
        assert ours.status == wanted
    else:
        assert left == wanted
    assert bool(rules) is (blocked != stripped or isinstance(blocked, int))
    if mode != "monitor":
        assert b"canary" not in left


RICH = (
    b'[{"id":1,"email":"e1","name":{"first":"f1","last":"l1"},"labels":{"secret":"s1","open":"o1"},'
    b'"manager":{"id":2,"email":"e2"}}]'
)
# name: (who asks, what they get to see of e1 e2 l1 s1)
WHO: dict[str, tuple[Principal | None, set[bytes]]] = {
    "nobody": (None, set()),
    "alice": (ALICE, {b"e1", b"e2", b"l1"}),
    "staff": (STAFF, {b"e1", b"e2", b"s1"}),
    "half a scope": (Principal("x", "jwt", scopes=frozenset({"pii", "read"})), set()),
}


@pytest.mark.parametrize("name", WHO)
@pytest.mark.parametrize("mode", ["off", "strip"])
def test_who_sees_what(name, mode, tmp_path):
    who, seen = WHO[name]
    journey = Journey(tmp_path, fields=FIELDS, hash_key="${HASH}", responses=mode)
    verdict, _, left = journey.send("/users", RICH, JSON, TOTAL, who=who)
    assert {text for text in (b"e1", b"e2", b"l1", b"s1") if text in left} == seen
    assert b"f1" in left
    assert b"o1" in left
    json.loads(left)
    if left != RICH:
        assert verdict.edits is not None  # type: ignore[union-attr]
        assert "etag" in verdict.edits.remove  # type: ignore[union-attr]


def test_what_is_undeclared_is_not_even_masked(tmp_path):
    """A rule of the policy names it; the contract does not: it goes, with its name."""
    rule = {"roles": ["staff"], "else": "mask"}
    journey = Journey(tmp_path, fields={"$[*].note": rule, "$[*].email": rule}, responses="strip")
    body = b'[{"id":1,"note":"canary","email":"canary","hash":"canary"}]'
    assert journey.send("/users", body, JSON, TOTAL)[2] == b'[{"id":1,"email":"***"}]'


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/users", "application/json"),
        ("/elsewhere", "application/json"),
        ("/elsewhere", "application/vnd.users+json; charset=utf-8"),
        ("/elsewhere", "text/html"),
        ("/elsewhere", "text/plain"),
        ("/elsewhere", None),
        ("/elsewhere", "no type"),
        ("/elsewhere", "application/x-ndjson"),
        ("/anything", "application/json"),
    ],
)
def test_a_rule_holds_where_nothing_is_described(path, kind, tmp_path):
    journey = Journey(tmp_path, fields=FIELDS, hash_key="${HASH}")
    headers = [("content-type", kind)] if kind else []
    _, _, left = journey.send(path, b'{"a":{"email":"canary"},"email":"canary"}', *headers, TOTAL)
    assert b"canary" not in left
    many = b'{"email":"canary"}\n\n{"email":"canary"}\n'
    if kind == "application/x-ndjson":
        assert journey.send(path, many, *headers)[2] == many.replace(b"canary", b"***")


def test_other_types_are_not_held(tmp_path):
    journey = Journey(tmp_path, fields=FIELDS, hash_key="${HASH}")
    for kind in ("application/octet-stream", "text/event-stream", "image/png"):
        assert journey.send("/elsewhere", b'{"email":"x"}', ("content-type", kind))[2] == b'{"email":"x"}'
    style = b"[not json"
    assert journey.send("/x", style, ("content-type", "text/css"))[2] == style


def test_shared_caches_keep_nothing_that_depends_on_who_asks(tmp_path):
    journey = Journey(tmp_path, fields=FIELDS, hash_key="${HASH}")
    for stated, wanted in (("public, max-age=60", "no-store"), ("private", None), (None, "no-store")):
        headers = [JSON, *([("cache-control", stated)] if stated else [])]
        door = Door(journey.route)
        verdict = door.send(make_request("GET", "/users"), response=Response(304, Headers.of(headers)))
        edits = verdict.edits if isinstance(verdict, Pass) else None
        assert (dict(edits.set).get("cache-control") if edits else None) == wanted


def test_a_head_has_no_body_to_judge(tmp_path):
    _, rules, _ = Journey(tmp_path, responses="block").send("/users", b"", JSON, TOTAL, method="HEAD")
    assert not rules


items = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("canary"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "hash", "manager", "labels", "name", "first", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def stripping(tmp_path_factory: pytest.TempPathFactory) -> Journey:
    return Journey(tmp_path_factory.mktemp("stripping"), responses="strip")


@given(items)
def test_what_was_stripped_has_nothing_undeclared(stripping, value):
    _, _, left = stripping.send("/users", json.dumps(value).encode(), JSON, TOTAL)
    made = json.loads(left)
    if isinstance(made, list):
        for user in made:
            assert_declared(user)


def assert_declared(user: Any) -> None:
    if isinstance(user, dict):
        assert user.keys() <= {"id", "email", "manager", "labels", "name"}
        assert_declared(user.get("manager"))
        name = user.get("name")
        assert not isinstance(name, list)
        assert not isinstance(name, dict) or name.keys() <= {"first", "last", "title"}


@pytest.mark.parametrize(
    ("exposure", "trouble"),
    [
        ({"fields": {"Usr.email": {"scopes": ["x"]}}}, "the description has no schema 'Usr' (did you mean 'User'?)"),
        ({"fields": {"email": {"scopes": ["x"]}}}, "neither a member of a schema"),
        ({"fields": {"$.a[0]": {"scopes": ["x"]}}}, "is no step of a path"),
        ({"fields": {"User.email": {}}}, "say who may see the field"),
        ({"fields": {"User.email": {"else": "hash"}}}, "needs a key"),
        ({"fields": {"User.email": {"else": "hash"}}, "hash_key": "short"}, "shorter than 16 bytes"),
        ({"cors": {"origins": ["*"], "credentials": True}}, "with credentials nothing may be *"),
        ({"cors": {"origins": ["https://app.example.com/"]}}, "without a path, not even /"),
        ({"envelopes": {"sign": {"secret": "short", "algorithm": "HS256"}}}, "32 or more are needed"),
        ({"envelopes": {"sign": {"secret": "s" * 32, "algorithm": "ES256"}}}, "no key of the type EC"),
        ({"envelopes": {"encrypt": {"secret": "s" * 33, "algorithm": "dir"}}}, "does not do for dir"),
        ({"envelopes": {"sign": {"algorithm": "ES256"}}}, "either from jwks or from a secret"),
        ({"envelopes": {"decrypt": {"secret": "s" * 32, "algorithms": ["ECDH-ES"]}}}, "no key of the type EC with its"),
        (
            {
                "envelopes": {
                    "decrypt": {"secret": "s" * 32, "algorithms": ["dir"]},
                    "verify": {"secret": "s" * 32, "algorithms": ["HS256"], "header": "x-a"},
                }
            },
            "the signature is within the encrypted body",
        ),
    ],
)
def test_errors_teach(exposure, trouble, tmp_path):
    with pytest.raises(BadConfig) as raised:
        policy(tmp_path, **exposure)
    (problem,) = raised.value.problems
    assert trouble in str(problem)
    assert str(problem).startswith(str(tmp_path / "stockade.yaml") + ":1")
