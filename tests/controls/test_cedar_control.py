"""Cedar policies in place: what each request is to them, what they say of it, and what cannot be got past them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stockade.config import BadConfig, build, load_text
from stockade.vocabulary import Pass, Principal, Stop
from tests.exchanges import judge, make_exchange, make_request

HEAD = """
version: 1
listen: [{address: "127.0.0.1:8080"}]
keys: {hash_key: {file: hash.key}}
apis:
  - name: shop
    upstream: {url: "http://127.0.0.1:9000"}
    authentication: {any_of: [{api_key: {}}]}
    authorization:
"""
POLICIES = """\
// Orders are read by who has the scope.
@id("orders-read")
permit(principal, action == Action::"GET /orders/{id}", resource)
when { principal.scopes.contains("orders:read") && context.risk < 50 };

@id("admin-area")
permit(principal in Role::"admin", action in Action::"* /admin/*", resource);

@id("inside-only")
forbid(principal, action, resource in Resource::"/admin")
unless { context.client.isInRange(ip("10.0.0.0/8")) };

@id("small-orders")
permit(principal, action == Action::"POST /orders", resource)
when { context.body.amount < 1000 };

@id("no-discount")
forbid(principal, action in Action::"write", resource)
when { context has body && context.body has discount };

@id("list")
permit(principal, action == Action::"GET /orders", resource)
when { !(context.query has all) || context.query.all == "false" };

@id("own")
permit(principal, action == Action::"GET /users/{id}", resource)
when { resource.params.id == principal.id };

@id("tenant")
permit(principal, action == Action::"GET /tenants/{tenant}/files", resource)
when { principal.claims.tenant == resource.params.tenant && principal.claims.groups.contains("staff") };

@id("office-hours")
permit(principal, action == Action::"GET /reports", resource)
when { context.hour >= 8 && context.hour < 18 && context.weekday <= 5 };
"""
READER = Principal("ann", "api_key", scopes=frozenset({"orders:read"}))
ADMIN = Principal("root", "jwt", claims={"roles": ["admin"]})
LEAD = Principal("lee", "jwt", claims={"roles": "lead"})
ANY = "(principal, action, resource)"
AT = 1_763_978_400.0  # Monday 2025-11-24, 10:00 UTC


def binding_of(folder: Path, policies: str, extra: str = "", **files: str) -> Any:
    (folder / "hash.key").write_text("0" * 64)
    (folder / "shop.cedar").write_text(policies)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    policy = f"{HEAD}      cedar: {{policies: [shop.cedar]{extra}}}\n"
    (route,) = build(load_text(policy, folder / "stockade.yaml", {})).policy.routes
    (found,) = (each for each in route.bindings if each.control.name == "authorization")
    return found


@pytest.fixture(scope="module")
def binding(tmp_path_factory):
    entities = [{"uid": {"type": "Role", "id": "lead"}, "parents": [{"type": "Role", "id": "admin"}]}]
    return binding_of(
        tmp_path_factory.mktemp("cedar"), POLICIES, ", entities: entities.json", entities_json=json.dumps(entities)
    )


def say(binding: Any, method: str, path: str, who: Any, headers: Any = (), body: bytes = b"", **fields: Any) -> Any:
    client = fields.pop("client", "10.1.2.3")
    risk = fields.pop("risk", 0)
    fields.setdefault("at", AT)
    if body and not any(name == "content-type" for name, _ in headers):
        headers = [*headers, ("content-type", "application/json")]
    request = make_request(method, path, headers, has_body=bool(body), **fields)
    exchange = make_exchange(request, principal=who, request_body=body, client=client, risk=risk)
    verdict = judge(binding.control.on_request, exchange)
    if isinstance(verdict, Stop):
        return verdict
    later = judge(binding.control.on_request_body, exchange)
    return later if isinstance(later, Stop) or later.decided else verdict


TABLE: list[tuple[str, str, Any, dict[str, Any], int | None, str]] = [
    ("GET", "/orders/7", READER, {}, None, "orders-read"),
    ("HEAD", "/orders/7", READER, {}, None, "orders-read"),
    ("GET", "/orders/7", READER, {"risk": 80}, 403, "cedar-default"),
    ("GET", "/orders/7", ADMIN, {}, 403, "cedar-default"),
    ("GET", "/orders/7", None, {}, 401, "cedar-default"),
    ("GET", "/unknown", READER, {}, 403, "cedar-default"),
    ("GET", "/admin/users", ADMIN, {}, None, "admin-area"),
    ("PURGE", "/admin", ADMIN, {}, None, "admin-area"),
    ("GET", "/admin/users", LEAD, {}, None, "admin-area"),
    ("GET", "/admin/users", READER, {}, 403, "cedar-default"),
    ("GET", "/admin/users", ADMIN, {"client": "203.0.113.9"}, 403, "inside-only"),
    ("GET", "/admin/users", ADMIN, {"client": "::ffff:10.1.2.3"}, None, "admin-area"),
    ("GET", "/admin/users", ADMIN, {"client": "a socket"}, 403, "inside-only"),
    ("POST", "/orders", READER, {"body": b'{"amount": 999}'}, None, "small-orders"),
    ("POST", "/orders", READER, {"body": b'{"amount": 1000}'}, 403, "cedar-default"),
    ("POST", "/orders", READER, {"body": b'{"amount": "1"}'}, 403, "cedar-default"),
    ("POST", "/orders", READER, {}, 403, "cedar-default"),
    ("POST", "/orders", READER, {"body": b'{"amount": 1, "discount": null}'}, 403, "no-discount"),
    ("GET", "/orders", READER, {}, None, "list"),
    ("GET", "/orders", READER, {"query": "all=false"}, None, "list"),
    ("GET", "/orders", READER, {"query": "all=true"}, 403, "cedar-default"),
    ("GET", "/users/ann", READER, {}, None, "own"),
    ("GET", "/users/bob", READER, {}, 403, "cedar-default"),
    ("GET", "/users/Ann", READER, {}, 403, "cedar-default"),
    ("GET", "/reports", READER, {}, None, "office-hours"),
    ("GET", "/reports", READER, {"at": AT + 9 * 3600}, 403, "cedar-default"),
    ("GET", "/reports", READER, {"at": AT - 86400}, 403, "cedar-default"),
]


@pytest.mark.parametrize(("method", "path", "who", "fields", "status", "rule"), TABLE, ids=map(str, range(len(TABLE))))
def test_table(binding, method, path, who, fields, status, rule):
    verdict = say(binding, method, path, who, **fields)
    if status is None:
        assert isinstance(verdict, Pass)
        assert verdict.decided == rule
    else:
        assert isinstance(verdict, Stop)
        assert (verdict.response.status, verdict.findings[0].rule) == (status, rule)
        assert b"admin" not in verdict.response.body


def test_each_policy_has_its_line(binding):
    assert binding.where("orders-read").endswith("shop.cedar:2")
    assert binding.where("admin-area").endswith("shop.cedar:6")
    assert binding.where("cedar-default").endswith("stockade.yaml:10")


@pytest.mark.parametrize(
    ("method", "path", "headers", "fields"),
    [
        ("GET", "/ADMIN/users", (), {}),
        ("GET", "/admin./users", (), {}),
        ("GET", "/admin%20/users/", (), {}),
        ("GET", "/admin;x=1/users", (), {}),
        ("GET", "/%2561dmin/users", (), {}),
        ("GET", "/orders/%252e%252e%252fadmin", (), {}),
        ("GET", "/ａｄｍｉｎ/users", (), {}),
        ("GET", "/orders/7", [("x-http-method-override", "DELETE")], {}),
        ("GET", "/orders/7", [("x-method-override", "get, delete")], {}),
        ("GET", "/orders/7", (), {"query": "_method=DELETE"}),
        ("GET", "/orders/7", (), {"query": "%5fmethod=DELETE"}),
        ("gEt", "/admin", (), {}),
        ("GET", "/orders", (), {"query": "all=false&all=true"}),
        ("GET", "/orders", (), {"query": "ALL=true"}),
        ("GET", "/orders", (), {"query": "all[]=true"}),
        ("GET", "/orders", (), {"query": "%61ll=true"}),
        ("GET", "/orders", (), {"query": "all=false&All=true"}),
        ("POST", "/orders", (), {"body": b'{"amount": 1, "amount": 5000}'}),
        ("POST", "/orders", (), {"body": b'{"amount": 5000, "Amount": 1}'}),
        ("POST", "/orders", (), {"body": b'{"amount": 1, "Discount": 1}'}),
        ("POST", "/orders", (), {"body": b'{"amount": 1, "di\\u0073count": 1}'}),
        ("POST", "/orders", (), {"body": b'[{"amount": 1}, {"amount": 5000}]'}),
        ("POST", "/orders", (), {"body": b'{"amount": 99999999999999999999}'}),
        ("POST", "/orders", (), {"body": b'{"amount": 999.5}'}),
        ("POST", "/orders", [("content-type", "application/xml")], {"body": b"<amount>1</amount>"}),
        ("POST", "/orders", [("content-encoding", "gzip")], {"body": b"\x1f\x8b"}),
        ("POST", "/orders", (), {"body": b"[" * 100_000}),
        ("POST", "/orders", [("content-type", "multipart/form-data; boundary=a")], {"body": b"--a--"}),
        ("POST", "/orders", [("content-type", "multipart/form-data; boundary=a")], {"body": b'{"amount": 1}'}),
        ("POST", "/orders", [("content-type", "text/xml; charset=utf-8")], {"body": b'{"amount": 1}'}),
        ("GET", "/orders", (), {"query": "x=1;all=true"}),
        ("GET", "/orders", (), {"query": "all=false;%41ll[]=true"}),
        ("POST", "/orders", [("content-type", "application/x-www-form-urlencoded")], {"body": b'{"amount": 1}'}),
        ("GET", "/users/ann.", (), {}),
        ("GET", "/users/ann%20", (), {}),
        ("GET", "/users/ann;x=1", (), {}),
        ("GET", "/users/bob/..;/ann", (), {}),
        ("GET", '/users/ann"', (), {}),
        ("GET", "/users/ann%00", (), {}),
        ("GET", "/users/%2561nn", (), {}),
        ("GET", "/users/bob/../ann/../bob", (), {}),
        ("GET", "/users/" + "%25" * 20 + "61nn", (), {}),
    ],
    ids=str,
)
def test_no_spelling_gets_past(binding, method, path, headers, fields):
    assert isinstance(say(binding, method, path, READER, headers, **fields), Stop)


@pytest.mark.parametrize(
    "roles", ["user", 7, 1.5, True, None, {"admin": True}, [["admin"]], [{"a": "admin"}], "admin,user", {}]
)
def test_a_role_claim_of_any_type_makes_no_admin(binding, roles):
    who = Principal("eve", "jwt", claims={"roles": roles})
    assert isinstance(say(binding, "GET", "/admin", who), Stop)


@pytest.mark.parametrize(
    ("tenant", "groups", "allowed"),
    [
        ("acme", ["staff"], True),
        (["acme"], ["staff"], False),
        ({"acme": 1}, ["staff"], False),
        (None, ["staff"], False),
        (True, ["staff"], False),
        ("acme", "staff", False),
        ("acme", {"staff": True}, False),
        ("acme", None, False),
        ("acme", [["staff"]], False),
        ("acme", [1, None, 2.5, "staff"], True),
    ],
)
def test_claims_of_unexpected_types(binding, tenant, groups, allowed):
    who = Principal("eve", "jwt", claims={"tenant": tenant, "groups": groups})
    verdict = say(binding, "GET", "/tenants/acme/files", who)
    assert isinstance(verdict, Pass) is allowed


@pytest.mark.parametrize(
    "id_",
    [
        'ann"',
        '", x) || true //',
        'x" || Principal::"ann',
        "ann\n",
        "ann\\",
        'Role::"admin"',
        "\ud800",
        "a" * 10_000,
        "",
    ],
    ids=ascii,
)
def test_no_name_of_a_principal_is_read_as_cedar(binding, id_):
    who = Principal(id_, "jwt", claims={"roles": [f'{id_}"] || Role::"admin']})
    assert isinstance(say(binding, "GET", "/admin", who), Stop)
    assert isinstance(say(binding, "GET", "/users/ann", who), Stop)


def test_a_long_path_costs_no_square(binding):
    """Its 4000 ancestors would be sixteen megabytes of text."""
    path = "/admin" + "/a" * 4000
    assert isinstance(say(binding, "GET", path, READER, client="203.0.113.9"), Stop)
    assert say(binding, "GET", path, ADMIN).decided == "admin-area"


def test_nobody_is_asked_about_unless_the_policy_says_so(tmp_path):
    text = '@id("open") permit(principal, action == Action::"GET /health", resource);'
    assert say(binding_of(tmp_path, text), "GET", "/health", None).response.status == 401
    found = binding_of(
        tmp_path, text + 'forbid(principal is Anonymous, action, resource in Resource::"/x");', ", anonymous: true"
    )
    assert say(found, "GET", "/health", None).decided == "open"
    assert say(found, "GET", "/other", None).response.status == 401


def test_a_forbid_that_cannot_be_evaluated_forbids(tmp_path):
    found = binding_of(
        tmp_path,
        f'permit{ANY};\n@id("f") forbid{ANY} when {{ principal.claims.level > 3 }};',
    )
    assert isinstance(say(found, "GET", "/", Principal("a", "jwt", claims={"level": 1})), Pass)
    for level in ("1", None, 1.5, [1]):
        verdict = say(found, "GET", "/", Principal("a", "jwt", claims={"level": level}))
        assert isinstance(verdict, Stop)
        assert (verdict.findings[0].rule, "failed" in verdict.findings[0].evidence) == ("f", True)
    assert isinstance(say(found, "GET", "/", Principal("a", "api_key")), Stop)


def test_a_permit_that_cannot_be_evaluated_is_on_the_record(tmp_path):
    text = f'@id("a") permit{ANY} when {{ principal.claims.x }};@id("b") permit{ANY};'
    verdict = say(binding_of(tmp_path, text), "GET", "/", READER)
    assert (verdict.decided, verdict.findings[0].rule, verdict.findings[0].evidence) == ("b", "cedar-error", "a")


BROKEN: list[tuple[str, str]] = [
    (f"permit{ANY};\n\npermit(principal, acton,\n resource)\n when {{ 1 === 1 }};", r"shop\.cedar:5: unexpected token"),
    (f"permit{ANY};\nforbid{ANY} when {{\n 1 # 2 }};", r"shop\.cedar:3: invalid token"),
    (
        'forbid(principal, action, resource in Resource::"/Admin/");',
        r'no resource is called Resource::"/Admin/": write Resource::"/admin"',
    ),
    (f'@id("a b") permit{ANY};', r"shop\.cedar:1: an @id is"),
    (f"permit{ANY}", r"shop\.cedar:1: unexpected end"),
    ("// nothing\n", r"shop\.cedar:1: there is no policy"),
    ("\n\npermit(principal == ?principal, action, resource);", r"shop\.cedar:3: a template"),
    (f'@id("a") permit{ANY};\n@id("a") forbid{ANY};', r"shop\.cedar:2: two policies"),
    (f'permit{ANY} when {{ principal.rolse.contains("x") }};', r"no attribute 'rolse' \(did you mean 'roles'"),
    (f'permit{ANY} when {{ context.qeury.x == "x" }};', r"did you mean 'query'"),
    ('\nforbid(principal in Rol::"admin", action, resource);', r"shop\.cedar:2: .*type Rol \(did you mean 'Role'"),
    ("forbid(principal is User, action, resource);", r"type User"),
    ('permit(principal, action == Action::"reed", resource);', r"there is no action 'reed' \(did you mean 'read'"),
    ('permit(principal, action == Action::"read", resource);', r"is a group: write `action in Action::\"read\"`"),
    ('permit(principal, action == Action::"* /x", resource);', r"is a group"),
    ('permit(principal, action in Action::"tag:x", resource);', r"no operation has the tag 'x'"),
    ('permit(principal, action == Action::"GET orders", resource);', r"is not an operation"),
    (
        'permit(principal, action in [Action::"GET /a/{x}", Action::"GET /a/{y}"], resource);',
        r"is called 'GET /a/\{x\}' here",
    ),
    (f"permit{ANY} when {{ ip(1, 2).isIpv4() }};", r"shop\.cedar:1: "),
]


@pytest.mark.parametrize(("policies", "told"), BROKEN, ids=map(str, range(len(BROKEN))))
def test_errors_teach(tmp_path, policies, told):
    with pytest.raises(BadConfig, match=told):
        binding_of(tmp_path, policies)


SCHEMA = """\
entity Role;
entity Principal in [Role] { id: String, scopes: Set<String> };
entity Api;
entity Resource in [Api, Resource];
action "read";
action "GET /orders" in ["read"] appliesTo { principal: [Principal], resource: [Resource], context: { risk: Long } };
"""


def test_schemas(tmp_path):
    good = '@id("a") permit(principal, action == Action::"GET /orders", resource) when { context.risk < 5 };'
    binding_of(tmp_path, good, ", schema: schema.cedarschema", schema_cedarschema=SCHEMA)
    wrong = good.replace("context.risk < 5", 'context.risk == "high"') + "\n"
    wrong += '@id("b") permit(principal, action == Action::"GET /orders", resource)\nwhen { context.client.isIpv4() };'
    with pytest.raises(BadConfig) as caught:
        binding_of(tmp_path, wrong, ", schema: schema.cedarschema")
    lines = str(caught.value).splitlines()
    assert [line.partition("shop.cedar:")[2][:4] for line in lines] == ["1: a", "2: b"]
    assert "not found" in lines[1]


@pytest.mark.parametrize(
    ("name", "schema", "told"),
    [
        ("schema.cedarschema", "entity Role;\n\nentity Principal in [Rolle];", r"schema\.cedarschema:3: .*Rolle"),
        ("schema.cedarschema", "entity Role;\nentity Principal in [#];", r"schema\.cedarschema:2: "),
        ("schema.json", '{"":\n {"entityTypes": 1}}', r"schema\.json:2: "),
        ("schema.json", "", r"schema\.json:1: "),
    ],
)
def test_broken_schemas_are_refused_with_their_line(tmp_path, name, schema, told):
    with pytest.raises(BadConfig, match=told):
        binding_of(
            tmp_path, "permit(principal, action, resource);", f", schema: {name}", **{name.replace(".", "_"): schema}
        )


@pytest.mark.parametrize(
    ("entities", "told"),
    [
        ("{", "is not JSON"),
        ("{}", "is not a list"),
        ('[{"uid": "x"}]', "must be named"),
        ('[{"uid": {"type": "Role", "id": "a"}, "parents": [{"type": "Role", "id": "a"}]}]', "lies in itself"),
        ('[{"uid": {"type": "Role", "id": "a"}}, {"uid": {"type": "Role", "id": "a"}}]', "there twice"),
        ('[{"uid": {"type": "Role", "id": "a"}, "attrs": {"x": {"__extn": {}}}}]', "texts, numbers"),
    ],
)
def test_broken_entities(tmp_path, entities, told):
    with pytest.raises(BadConfig, match=told):
        binding_of(
            tmp_path, "permit(principal, action, resource);", ", entities: entities.json", entities_json=entities
        )


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(BadConfig, match=r"stockade\.yaml:10: the file of schema .* cannot be read"):
        binding_of(tmp_path, "permit(principal, action, resource);", ", schema: none.cedarschema")
