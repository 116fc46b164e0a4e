"""Which schemas admit nothing but what is harmless, and what the WAF does not look at then."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stockade.controls.schema import Schema
from stockade.controls.waf import Waf
from stockade.engine import Binding
from stockade.openapi.contract import Contract
from stockade.openapi.harmless import Prover
from stockade.openapi.responses import Promises
from stockade.payloads import Limits
from stockade.vocabulary import Stop
from stockade.waf import RuleSet
from tests.exchanges import Door, make_request, make_route

NUMBER: dict[str, Any] = {"type": "integer"}
TEXT: dict[str, Any] = {"type": "string"}


def closed(**members: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": members}


CASES: list[tuple[Any, bool]] = [
    (closed(a=NUMBER), True),
    (closed(), True),
    (closed(a={"type": "string", "format": "uuid"}, b={"enum": ["x", "y"]}), True),
    (closed(a={"type": "array", "items": closed(b=NUMBER)}), True),
    ({"allOf": [closed(a=NUMBER)]}, True),
    ({**closed(a=NUMBER), "type": ["object", "null"]}, True),
    ({"type": "array", "items": NUMBER}, True),
    (NUMBER, True),
    (closed(a=TEXT), False),
    (closed(a={}), False),
    (closed(a={"type": "array"}), False),
    (closed(**{"a b": NUMBER}), False),
    ({"type": "object", "properties": {"a": NUMBER}}, False),
    ({"additionalProperties": False, "properties": {"a": NUMBER}}, False),
    ({**closed(a=NUMBER), "patternProperties": {".": NUMBER}}, False),
    ({"anyOf": [closed(a=NUMBER), TEXT]}, False),
    ({"type": "array", "prefixItems": [TEXT], "items": NUMBER}, False),
    ({}, False),
    (True, False),
    (closed(a=closed(b=closed(c=TEXT))), False),
]


@pytest.mark.parametrize("index", range(len(CASES)))
def test_covers(index: int) -> None:
    schema, wanted = CASES[index]
    assert Prover({}).covers(schema) == wanted


def test_a_strict_contract_closes_what_lists_its_members() -> None:
    listing = {"type": "object", "properties": {"a": NUMBER}}
    assert Prover({}).covers(listing, strict=True)
    assert not Prover({}).covers({"type": "object"}, strict=True)
    assert not Prover({}).covers({**listing, "additionalProperties": TEXT}, strict=True)


def test_a_schema_of_itself_ends() -> None:
    document = {"components": {"schemas": {"A": closed(a={"$ref": "#/components/schemas/A"})}}}
    assert not Prover(document).covers({"$ref": "#/components/schemas/A"})


RULES = RuleSet.load(
    text="""
SecRuleEngine On
SecRequestBodyAccess On
SecRule REQUEST_HEADERS:Content-Type "@beginsWith application/json" \\
    "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule ARGS|ARGS_NAMES|REQUEST_BODY "@rx 7" "id:2,phase:2,deny,status:403"
"""
)


def outcome(schema: Any, body: Any, *, believes: bool = True, monitor: bool = False) -> int | None:
    content = {"application/json": {"schema": schema}, "text/plain": {"schema": TEXT}}
    document = {"paths": {"/a": {"post": {"requestBody": {"content": content}, "responses": {}}}}}
    contract = Schema(Contract.compile(document), limits=Limits())
    waf = Waf(RULES, title="a rule", body_limit=1 << 17, believes=believes)
    door = Door(make_route(Binding(contract, monitor=monitor), Binding(waf)))
    kind = "application/json" if not isinstance(body, bytes) else "text/plain"
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    verdict = door.send(make_request("POST", "/a", [("content-type", kind)], has_body=True), data)
    return verdict.response.status if isinstance(verdict, Stop) else None


def test_what_is_covered_is_not_looked_at() -> None:
    assert outcome(closed(a=NUMBER), {"a": 7}) is None
    assert outcome(closed(a=NUMBER), {"a": 7}, believes=False) == 403  # rules of one's own may look for anything
    assert outcome(closed(a=NUMBER), {"a": "7"}) == 400
    assert outcome(closed(a=NUMBER), {"a": "7"}, monitor=True) == 403  # what does not fit has proved nothing
    assert outcome(closed(a=NUMBER), {"7": 1}, monitor=True) == 403
    assert outcome(closed(a=NUMBER, b=TEXT), {"a": 1, "b": "7"}) == 403
    assert outcome(closed(a=NUMBER), b"7") == 403  # another of its types


def test_answers_of_other_types_than_json_are_said_to_be_unread() -> None:
    entry = {"content": {"application/xml": {"schema": closed(a=NUMBER)}, "application/json": {"schema": NUMBER}}}
    document = {"paths": {"/a": {"get": {"responses": {"200": {"description": "", **entry}}}}}}
    (trouble,) = Promises.compile(document, strict=True).partial
    assert trouble.pointer == "/paths/~1a/get/responses/200/content/application~1xml/schema"
    assert "the type alone" in trouble.text
