"""The contract of a SOAP endpoint: what passes and under which name, and faults that clients of SOAP can read."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from stockade.controls.schema import Documents, Schema, SoapEndpoint
from stockade.openapi.contract import Contract
from stockade.openapi.overlay import compiled_name, overlaid
from stockade.payloads import Limits, Soap, soap_fault
from stockade.payloads import Schema as XmlSchema
from stockade.payloads.faults import Fault
from stockade.vocabulary import PASS, Pass, Stop
from tests.exchanges import judge, make_exchange, make_request
from tests.payloads.soap_service import CANCEL, PLACE, SKU, SOAP_11, SOAP_12, envelope, service

SOAP = [("content-type", "text/xml; charset=utf-8"), ("soapaction", '"urn:orders:Place"')]
NEWER = [("content-type", 'application/soap+xml; action="urn:orders:Place"')]
BAD = PLACE.replace("AB-1", "AB-x")
PROBLEM = "{urn:ietf:rfc:7807}"


def control(soap: Soap | None = None, **settings: Any) -> Schema:
    return Schema(None, limits=Limits(), soap=SoapEndpoint(soap or service(), "/soap", **settings))


def sent(
    made: Schema, body: bytes, headers: Any = SOAP, method: str = "POST", path: str = "/soap", **fields: Any
) -> Any:
    exchange = make_exchange(make_request(method, path, headers, has_body=bool(body), **fields), request_body=body)
    verdict = judge(made.on_request, exchange)
    return judge(made.on_request_body, exchange) if isinstance(verdict, Pass) else verdict


def outcome(verdict: Any) -> tuple[int, list[str]]:
    assert isinstance(verdict, Stop)
    return verdict.response.status, [finding.rule for finding in verdict.findings]


def test_a_call_passes_by_the_name_of_its_operation():
    assert sent(control(), envelope(PLACE)) == Pass(operation="soap Place")
    assert sent(control(), envelope(PLACE, space=SOAP_12), NEWER) == Pass(operation="soap Place")


@pytest.mark.parametrize(
    ("headers", "space", "status", "code"),
    [(SOAP, SOAP_11, 500, "faultcode"), (NEWER, SOAP_12, 400, f"{{{SOAP_12}}}Code/{{{SOAP_12}}}Value")],
    ids=["1.1", "1.2"],
)
def test_a_refusal_is_a_fault_of_that_version(headers, space, status, code):
    verdict = sent(control(), envelope(BAD, space=space), headers)
    assert outcome(verdict) == (status, ["schema"])
    assert verdict.findings[0].where == "body/Envelope/Body/Place/sku"
    response = verdict.response
    assert (response.headers.get("content-type") or "").partition(";")[0] == headers[0][1].partition(";")[0]
    fault = etree.fromstring(response.body).find(f"{{{space}}}Body/{{{space}}}Fault")
    assert fault.findtext(code) == ("s:Client" if space == SOAP_11 else "s:Sender")
    (error,) = fault.iter(f"{PROBLEM}i")
    assert error.findtext(f"{PROBLEM}pointer") == "/Envelope/Body/Place/sku"
    assert next(fault.iter(f"{PROBLEM}request_id")).text == "r-1"
    assert b"AB-x" not in response.body


def test_or_problem_details():
    verdict = sent(control(status=422), envelope(BAD))
    assert outcome(verdict) == (422, ["schema"])
    assert verdict.response.headers.get("content-type") == "application/problem+json"


REFUSED: dict[str, tuple[bytes, dict[str, Any], int, str]] = {
    "another method": (b"", {"method": "GET"}, 405, "wrong-method"),
    "the WSDL": (b"", {"method": "GET", "query": "wsdl"}, 405, "wrong-method"),
    "a path under it": (envelope(PLACE), {"path": "/soap/Cancel"}, 404, "unknown-path"),
    "another case": (envelope(PLACE), {"path": "/SOAP"}, 404, "unknown-path"),
    "compressed": (envelope(PLACE), {"headers": [*SOAP, ("content-encoding", "gzip")]}, 415, "content-encoding"),
    "JSON": (b"{}", {"headers": [("content-type", "application/json")]}, 415, "media-type"),
    "another charset": (b"{}", {"headers": [("content-type", "text/xml; charset=utf-16")]}, 415, "charset"),
    "no body": (b"", {}, 500, "empty"),
    "an operation that is not there": (envelope('<Drop xmlns="urn:orders"/>'), {}, 500, "operation"),
    "another one than the action": (envelope(CANCEL), {}, 500, "action-mismatch"),
    "a document type": (b"<!DOCTYPE a []>" + envelope(PLACE), {}, 500, "document-type"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    body, fields, status, rule = REFUSED[name]
    assert outcome(sent(control(), body, **fields)) == (status, [rule])


@pytest.mark.parametrize(
    ("char", "rule"),
    [("\x01", "syntax"), ("\x85", "syntax"), ("\ufffe", "syntax"), ("\u200d", "operation"), ("\u2069", "syntax")],
    ids=ascii,
)
def test_control_characters_in_names_make_no_broken_fault(char, rule):
    """XML allows few of them in a name; those come back as a sign that can be read."""
    verdict = sent(control(), envelope(f'<Dr{char}op xmlns="urn:orders"/>'))
    assert outcome(verdict) == (500, [rule])
    said = "".join(etree.fromstring(verdict.response.body).itertext())
    assert said.isprintable()
    assert ("/Envelope/Body/Dr\ufffdop" in said) == (rule == "operation")


def test_no_text_breaks_a_fault():
    hostile = "a\x00\x1b\x85\ud800\ufffe</pointer>]]>&"
    for content_type in ("text/xml", "application/soap+xml"):
        said = soap_fault.answer(content_type, "no", hostile, [Fault(hostile, hostile, hostile)])
        (error,) = etree.fromstring(said.body).iter(f"{PROBLEM}i")
        assert {each.text for each in error} == {"a" + "\ufffd" * 5 + "</pointer>]]>&"}


def test_operations_may_be_fewer():
    made = control(service(operations=["Cancel"]))
    assert outcome(sent(made, envelope(PLACE), [SOAP[0], ("soapaction", '""')])) == (500, ["operation"])
    assert made.describe() == "SOAP at /soap: 1 operation(s); limits of structure for bodies"


@pytest.mark.parametrize(("query", "passes"), [("wsdl", True), ("WSDL", True), ("xsd=1", True), ("op=Cancel", False)])
def test_the_wsdl_may_be_fetched(query, passes):
    verdict = sent(control(wsdl=True), b"", [], "GET", query=query)
    assert isinstance(verdict, Pass) == passes
    if not passes:
        assert verdict.response.headers.get("allow") == "GET, HEAD, POST"


def test_other_paths_are_the_contracts():
    contract = Contract.compile({"paths": {"/orders": {"get": {}}}})
    made = Schema(contract, limits=Limits(), soap=SoapEndpoint(service(), "/soap"))
    assert sent(made, b"", [], "GET", "/orders") is PASS
    assert outcome(sent(made, b"", [], "GET", "/soaps")) == (404, ["unknown-path"])
    assert sent(made, envelope(PLACE)) == Pass(operation="soap Place")


ORDER = b"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:include schemaLocation="types/sku.xsd"/>
<xs:element name="order"><xs:complexType><xs:sequence><xs:element name="sku" type="Sku"/></xs:sequence>
</xs:complexType></xs:element></xs:schema>"""
FILES = {
    "order.xsd": ORDER,
    "types/sku.xsd": SKU,
    "more/priority.xsd": b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"/>',
}


@pytest.mark.parametrize(
    ("body", "content_type", "rules"),
    [
        (b"<order><sku>AB-1</sku></order>", "application/xml", None),
        (b"<order><sku>AB-1</sku></order>", "text/xml; charset=utf-8", None),
        (b"<order><sku>1</sku></order>", "application/xml", ["schema"]),
        (b"<orders/>", "application/xml", ["schema"]),
        (b"<order>", "application/xml", ["syntax"]),
        (b'{"count": 1}', "application/json", None),
        (b'{"count": "1"}', "application/json", ["type"]),
    ],
)
def test_xml_of_an_operation(body, content_type, rules):
    requests = {"POST /v1/orders": {"properties": {"count": {"type": "integer"}}}}
    base = {"servers": [{"url": "/v1"}], "paths": {}}
    documents = {compiled_name(base, "POST /orders"): XmlSchema.compile(["order.xsd"], FILES.__getitem__)}
    contract = Contract.compile(overlaid(base, requests, {"POST /v1/orders"}))
    made = Schema(contract, limits=Limits(), documents=Documents(documents, Limits()))
    verdict = sent(made, body, [("content-type", content_type)], path="/v1/orders")
    if rules is None:
        assert isinstance(verdict, Pass)
    else:
        assert outcome(verdict) == (400, rules)


def test_xml_of_described_operations_has_limits_of_structure():
    content = {"application/xml": {"schema": {"type": "object"}}}
    document = {"paths": {"/orders": {"post": {"requestBody": {"content": content}}}}}
    made = Schema(Contract.compile(document, limits=Limits(depth=3)), limits=Limits())
    xml = [("content-type", "application/xml")]
    assert sent(made, b"<a><b/></a>", xml, path="/orders") is PASS
    assert outcome(sent(made, b"<a><a><a><a/></a></a></a>", xml, path="/orders")) == (400, ["depth"])
    assert outcome(sent(made, b"<!DOCTYPE a><a/>", xml, path="/orders")) == (400, ["document-type"])


def test_a_body_that_is_referred_to_keeps_what_it_was():
    json = {"application/json": {"schema": {"required": ["count"]}}}
    document = {
        "paths": {"/orders": {"post": {"requestBody": {"$ref": "#/components/requestBodies/Order"}}}},
        "components": {"requestBodies": {"Order": {"required": True, "content": json}}},
    }
    contract = Contract.compile(overlaid(document, {"POST /orders": {"required": ["note"]}}))
    made = Schema(contract, limits=Limits())
    assert outcome(sent(made, b"{}", [("content-type", "application/json")], path="/orders")) == (400, ["required"] * 2)
