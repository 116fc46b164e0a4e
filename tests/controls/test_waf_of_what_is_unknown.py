"""Arguments that the description does not name are looked at with the rules of the highest level."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stockade.controls.schema import Schema
from stockade.controls.waf import Exclusion, Waf
from stockade.engine import Binding
from stockade.openapi.contract import Contract
from stockade.payloads import Limits
from stockade.seclang import parse_targets
from stockade.vocabulary import Stop
from stockade.waf import Exclusions, RuleSet, Selector
from tests.exchanges import Door, make_request, make_route

DOCUMENT: dict[str, Any] = {
    "paths": {
        "/notes": {
            "get": {
                "parameters": [
                    {"name": "page", "in": "query", "schema": {"type": "integer"}},
                    {"name": "q", "in": "query", "schema": {"type": "string"}},
                ]
            },
            "post": {
                "requestBody": {
                    "content": {
                        kind: {"schema": {"type": "object", "properties": {"text": {"type": "string"}}}}
                        for kind in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
                    }
                }
            },
        }
    }
}
ENGINE = """
SecRuleEngine On
SecRequestBodyAccess On
SecRule REQUEST_HEADERS:Content-Type "@beginsWith application/json" \\
    "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:Content-Type "@contains urlencoded" \\
    "id:2,phase:1,pass,nolog,ctl:requestBodyProcessor=URLENCODED"
SecRule ARGS|ARGS_NAMES "@rx <script" "id:3,phase:2,deny,status:403"
"""
HIGHEST = (
    ENGINE
    + """SecRule ARGS|ARGS_NAMES "@rx [^a-z0-9._]" "id:4,phase:2,deny,status:403"
"""
)
JSON, FORM = "application/json", "application/x-www-form-urlencoded"
NORMAL, CLOSER = RuleSet.load(text=ENGINE), RuleSet.load(text=HIGHEST)


def sent(
    body: bytes = b"",
    kind: str = JSON,
    query: str = "",
    *,
    strict: bool = False,
    monitor: bool = False,
    exclusions: Any = (),
    document: Any = DOCUMENT,
) -> tuple[int | None, list[tuple[str, str]]]:
    """The status of the refusal, and what was found."""
    schema = Schema(Contract.compile(document, strict=strict), limits=Limits(), strict=strict)
    waf = Waf(NORMAL, title="a rule", body_limit=1 << 17, exclusions=exclusions, closer=CLOSER)
    door = Door(make_route(Binding(schema, monitor=monitor), Binding(waf)))
    headers = [("content-type", kind)] if body else []
    request = make_request("POST" if body else "GET", "/notes", headers, query=query, has_body=bool(body))
    stopped = door.send(request, body)
    findings = door.session.close(0, 0).findings
    said = [(finding.rule, finding.where) for finding in findings if finding.control == "waf"]
    return stopped.response.status if isinstance(stopped, Stop) else None, said


PARTS = "multipart/form-data; boundary=b"


def parts(**fields: str) -> bytes:
    said = (f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in fields.items())
    return "".join((*said, "--b--\r\n")).encode()


def posted(value: Any, **fields: Any) -> tuple[int | None, list[tuple[str, str]]]:
    return sent(json.dumps(value).encode(), **fields)


def test_what_is_described_meets_the_normal_rules() -> None:
    assert posted({"text": "it's 5 o'clock"}) == (None, [])
    assert sent(b"text=it%27s", FORM) == (None, [])
    assert sent(query="q=it%27s&page=1") == (None, [])
    assert posted({"text": "<script"})[0] == 403


def test_what_nobody_describes_meets_the_highest() -> None:
    assert posted({"text": "it's", "role": "admin"}) == (None, [])
    assert posted({"text": "it's", "role": "it's"}) == (403, [("4", "ARGS:json.role")])
    assert posted({"a": [{"b": "it's"}]})[1] == [("4", "ARGS:json.a.array_0.b")]
    assert sent(b"text=it%27s&role=it%27s", FORM)[0] == 403
    assert sent(parts(text="it's"), PARTS) == (None, [])
    assert sent(parts(text="it's", role="admin"), PARTS) == (None, [])
    assert sent(parts(text="it's", role="it's"), PARTS) == (403, [("4", "ARGS:role")])
    assert sent(query="debug=it%27s") == (403, [("4", "ARGS:debug")])
    assert sent(query="it%27s=1")[0] == 403


def test_both_findings_of_the_rules_are_told_once() -> None:
    status, said = posted({"role": "<script"})
    assert (status, [rule for rule, _ in said]) == (403, ["3"])  # the normal rules saw it already


@pytest.mark.parametrize("query", ["debug=%zz", "%zz=1", "a=1&a=%", "=&&x", "%00=%ff"])
def test_a_broken_query_breaks_nothing(query: str) -> None:
    assert sent(query=query, monitor=True)[0] in (None, 403)
    assert sent(query=query)[0] in (None, 400, 403)


def test_a_strict_contract_refuses_it_before() -> None:
    status, said = posted({"role": "it's"}, strict=True)
    assert (status, said) == (400, [])


def test_exclusions_hold_here_too() -> None:
    exclusion = Exclusion((Selector(4, 4),), Exclusions(parse_targets("ARGS:debug")))
    assert sent(query="debug=a-b", exclusions=[exclusion])[0] is None
    assert sent(query="other=a-b", exclusions=[exclusion])[0] == 403


def test_a_contract_that_only_watches_proves_nothing_of_what_it_would_refuse() -> None:
    assert sent(query="page=%3Cscript", monitor=True)[0] == 403
    assert sent(query="page=1", monitor=True)[0] is None
