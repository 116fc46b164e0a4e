"""SOAP: which operation is asked for, that all say the same, and what fits the schema."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.payloads import BadPayload, BadSchema, Limits, Operation, Soap
from tests.payloads.soap_service import (
    ADDRESSING,
    CANCEL,
    COUNT,
    FILES,
    PLACE,
    SOAP_11,
    SOAP_12,
    WSDL,
    ask,
    envelope,
    headers,
    service,
)

SERVICE = service()
ACTION = '"urn:orders:Place"'


def test_operations_of_the_wsdl():
    assert SERVICE.operations == ("Cancel", "Count", "Place")
    assert service(operations=["Cancel"]).operations == ("Cancel",)


@pytest.mark.parametrize(
    ("head", "body", "operation"),
    [
        (headers(ACTION), envelope(PLACE), "Place"),
        (headers("urn:orders:Place"), envelope(PLACE), "Place"),
        (headers('""'), envelope(PLACE), "Place"),
        (headers(""), envelope(PLACE), "Place"),
        (headers('"urn:orders:Cancel"'), envelope(CANCEL), "Cancel"),
        (headers('""'), envelope(COUNT), "Count"),
        (headers('"urn:any#Count"'), envelope(COUNT), "Count"),
        (headers(None, "application/soap+xml"), envelope(PLACE, space=SOAP_12), "Place"),
        (headers(None, 'application/soap+xml; action="urn:orders:Place"'), envelope(PLACE, space=SOAP_12), "Place"),
        (headers(ACTION), envelope(PLACE, "<s:Header/>"), "Place"),
        (headers(ACTION), envelope(PLACE, '<s:Header><Session xmlns="urn:orders">a</Session></s:Header>'), "Place"),
        (headers(ACTION), envelope(f"<!-- a -->\n{PLACE}\n"), "Place"),
    ],
)
def test_a_call_is_read(head, body, operation):
    assert ask(SERVICE, head, body) == operation


BODY = "/Envelope/Body"


@pytest.mark.parametrize(
    ("head", "body", "faults"),
    [
        # what is asked for, said twice and otherwise
        (headers('"urn:orders:Cancel"'), envelope(PLACE), [("action-mismatch", f"{BODY}/Place")]),
        (headers('"urn:orders:place"'), envelope(PLACE), [("action-mismatch", f"{BODY}/Place")]),
        (headers('"urn:any#Place"'), envelope(COUNT), [("action-mismatch", f"{BODY}/Count")]),
        (
            headers(None, 'application/soap+xml; action="urn:orders:Cancel"'),
            envelope(PLACE, space=SOAP_12),
            [("action-mismatch", f"{BODY}/Place")],
        ),
        (
            headers('"urn:orders:Cancel"', "application/soap+xml"),
            envelope(PLACE, space=SOAP_12),
            [("action-mismatch", f"{BODY}/Place")],
        ),
        (headers(f"{ACTION}, {ACTION}"), envelope(PLACE), [("soap-action", "")]),
        (headers('"urn:orders:Place'), envelope(PLACE), [("soap-action", "")]),
        (headers(None), envelope(PLACE), [("soap-action", "")]),
        # no such operation
        (headers('""'), envelope("<Place/>"), [("operation", f"{BODY}/Place")]),
        (headers('""'), envelope('<Drop xmlns="urn:orders"/>'), [("operation", f"{BODY}/Drop")]),
        (headers('""'), envelope('<Session xmlns="urn:orders">a</Session>'), [("operation", f"{BODY}/Session")]),
        # no SOAP, or another one
        (headers(ACTION, "application/json"), envelope(PLACE), [("media-type", "")]),
        (headers(ACTION, ""), envelope(PLACE), [("media-type", "")]),
        (headers(ACTION, "text/xml, text/xml"), envelope(PLACE), [("media-type", "")]),
        (headers(ACTION, "text/xml; charset=utf-16"), envelope(PLACE), [("charset", "")]),
        (headers(ACTION, "text/xml; charset=utf-8; charset=utf-7"), envelope(PLACE), [("media-type", "")]),
        (headers(ACTION, "multipart/related; type=text/xml; boundary=b"), envelope(PLACE), [("media-type", "")]),
        (headers(ACTION), envelope(PLACE, space=SOAP_12), [("media-type", "/Envelope")]),
        (headers(None, "application/soap+xml"), envelope(PLACE), [("media-type", "/Envelope")]),
        (headers(ACTION), b"", [("empty", "")]),
        (headers(ACTION), PLACE.encode(), [("soap-envelope", "/Place")]),
        (headers(ACTION), envelope(PLACE, space="urn:soap"), [("soap-envelope", "/Envelope")]),
        (headers(ACTION), f'<Envelope xmlns="{SOAP_11}"/>'.encode(), [("soap-envelope", "/Envelope")]),
        (headers(ACTION), envelope(""), [("soap-envelope", BODY)]),
        (headers(ACTION), envelope(PLACE + CANCEL), [("soap-envelope", BODY)]),
        (headers(ACTION), envelope(PLACE + "text"), [("soap-envelope", BODY)]),
        (headers(ACTION), envelope(PLACE, f"<s:Body>{CANCEL}</s:Body>"), [("soap-envelope", "/Envelope")]),
        (
            headers(ACTION),
            envelope(PLACE).replace(b"</s:Envelope>", b"<x/></s:Envelope>"),
            [("soap-envelope", "/Envelope")],
        ),
        (
            headers(ACTION),
            envelope(PLACE).replace(b"<s:Body>", b'<s:Body s:encodingStyle="a">'),
            [("soap-envelope", f"{BODY}/Place")],
        ),
        (
            headers(ACTION),
            b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>" + envelope(PLACE),
            [("document-type", "")],
        ),
        (
            headers(ACTION),
            envelope(PLACE, '<s:Header><x xmlns="urn:x"/></s:Header>'),
            [("soap-header", "/Envelope/Header/x")],
        ),
        # arguments that do not fit
        (headers(ACTION), envelope(PLACE.replace("AB-1", "AB-x")), [("schema", f"{BODY}/Place/sku")]),
        (headers(ACTION), envelope(PLACE.replace(">1<", ">0<")), [("schema", f"{BODY}/Place/quantity")]),
        (
            headers(ACTION),
            envelope(PLACE.replace("</Place>", "<quantity>x</quantity></Place>")),
            [("schema", f"{BODY}/Place/quantity[2]")],
        ),
        (
            headers(ACTION),
            envelope(PLACE.replace("</Place>", "<admin>1</admin></Place>")),
            [("schema", f"{BODY}/Place/admin")],
        ),
        (
            headers(ACTION),
            envelope('<Place xmlns="urn:orders" priority="now" x="y"/>'),
            [("schema", f"{BODY}/Place")] * 3,
        ),
        (headers('""'), envelope(COUNT.replace(">3<", ">three<")), [("schema", f"{BODY}/Count/days")]),
        (headers('""'), envelope(COUNT.replace("<days>3</days>", "")), [("schema", f"{BODY}/Count")]),
    ],
)
def test_a_call_is_refused(head, body, faults):
    found = ask(SERVICE, head, body)
    if len(faults) == 3:  # one element may be wrong in several ways
        assert set(found[: len(found)]) <= {
            ("schema", f"{BODY}/Place"),
            ("schema", f"{BODY}/Place/@priority"),
            ("schema", f"{BODY}/Place/@x"),
        }
    else:
        assert found == faults


def test_an_operation_that_is_not_listed_is_refused():
    soap = service(operations=["Cancel"])
    assert ask(soap, headers('"urn:orders:Cancel"'), envelope(CANCEL)) == "Cancel"
    assert ask(soap, headers(ACTION), envelope(PLACE)) == [("operation", "/Envelope/Body/Place")]


def test_addressing_must_agree():
    soap = service(headers=[ADDRESSING])
    header = '<s:Header><Action xmlns="{}">{}</Action></s:Header>'
    assert ask(soap, headers('""'), envelope(PLACE, header.format(ADDRESSING, "urn:orders:Place"))) == "Place"
    assert ask(soap, headers(ACTION), envelope(PLACE, header.format(ADDRESSING, "urn:orders:Cancel"))) == [
        ("action-mismatch", "/Envelope/Body/Place")
    ]


def test_schema_locations_of_the_sender_are_not_followed():
    asked: list[str] = []

    def load(name: str) -> bytes:
        asked.append(name)
        return FILES[name]

    soap = Soap.compile(load=load, wsdl="api/orders.wsdl")
    before = list(asked)
    hint = '<Place xmlns="urn:orders" xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:schemaLocation="urn:orders http://example.invalid/a.xsd"'
    assert ask(soap, headers(ACTION), envelope(PLACE.replace('<Place xmlns="urn:orders"', hint)))[0][0] == "external"
    assert asked == before


def test_a_fault_repeats_no_value_of_the_body():
    for body in (
        PLACE.replace("AB-1", "s3cret"),
        PLACE.replace(">1<", ">s3cret<"),
        PLACE.replace("<sku>", '<sku priority="s3cret">'),
    ):
        with pytest.raises(BadPayload) as raised:
            SERVICE.check(headers(ACTION), envelope(body))
        assert "s3cret" not in str(raised.value)


def test_limits_hold_for_soap():
    soap = service(limits=Limits(depth=3))
    assert ask(soap, headers(ACTION), envelope(PLACE)) == [("depth", "")]


def test_operations_of_a_schema():
    schema = b"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:a">
      <xs:element name="Get" type="xs:int"/><xs:element name="Put" type="xs:int"/></xs:schema>"""
    load = {"a.xsd": schema}.__getitem__
    soap = Soap.compile(load=load, xsd=["a.xsd"], operations=["Get", Operation("Set", "{urn:a}Put", "urn:set")])
    assert soap.operations == ("Get", "Set")
    get, put = '<Get xmlns="urn:a">1</Get>', '<Put xmlns="urn:a">1</Put>'
    assert ask(soap, headers('"urn:a/Get"'), envelope(get)) == "Get"
    assert ask(soap, headers('"urn:a/Put"'), envelope(get)) == [("action-mismatch", "/Envelope/Body/Get")]
    assert ask(soap, headers('"urn:set"'), envelope(put)) == "Set"
    assert ask(soap, headers('"Put"'), envelope(put)) == [("action-mismatch", "/Envelope/Body/Put")]


def test_operations_told_apart_by_their_action_alone():
    schema = b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a" type="xs:int"/></xs:schema>'
    operations = [Operation("Read", "a", "urn:read"), Operation("Write", "a", "urn:write")]
    soap = Soap.compile(load={"a.xsd": schema}.__getitem__, xsd=["a.xsd"], operations=operations)
    assert ask(soap, headers('"urn:write"'), envelope("<a>1</a>")) == "Write"
    assert ask(soap, headers('""'), envelope("<a>1</a>")) == [("soap-action", "/Envelope/Body/a")]


@pytest.mark.parametrize(
    ("files", "problems"),
    [
        ({"api/orders.wsdl": b"<a/>"}, [("api/orders.wsdl", 1, "this is no WSDL 1.1")]),
        ({"api/orders.wsdl": b"<definitions"}, [("api/orders.wsdl", 0, "not well-formed")]),
        ({"api/orders.wsdl": b"<!DOCTYPE a><a/>"}, [("api/orders.wsdl", 0, "document type")]),
        (
            {"api/orders.wsdl": WSDL.replace(b"xs:positiveInteger", b"xs:positive")},
            [("api/orders.wsdl", 10, "positive")],
        ),
        (
            {"api/orders.wsdl": WSDL.replace(b'use="literal"', b'use="encoded"', 1)},
            [("api/orders.wsdl", 28, "Place is encoded")],
        ),
        (
            {"api/orders.wsdl": WSDL.replace(b'element="tns:Cancel"', b'element="tns:Drop"')},
            [("api/orders.wsdl", 0, "Drop")],
        ),
        (
            {"api/orders.wsdl": WSDL.replace(b'element="tns:Cancel"', b'type="xs:int"')},
            [("api/orders.wsdl", 30, "one part with an element")],
        ),
        (
            {"api/orders.wsdl": WSDL.replace(b'type="tns:Orders"', b'type="tns:None"')},
            [("api/orders.wsdl", 27, "tns:None"), ("api/orders.wsdl", 35, "tns:None")],
        ),
        (
            {"api/orders.wsdl": WSDL.replace(b'namespace="urn:types"/>', b'namespace="urn:none"/>')},
            [("api/orders.wsdl", 7, "imported from nowhere")],
        ),
        ({"api/more/priority.xsd": b"<a/>"}, [("api/more/priority.xsd", 1, "no XML Schema")]),
        (
            {"api/types/sku.xsd": FILES["api/types/sku.xsd"].replace(b"xs:string", b"xs:text")},
            [("api/types/sku.xsd", 3, "text")],
        ),
        (
            {"api/types/sku.xsd": FILES["api/types/sku.xsd"].replace(b"../more/", b"../../../etc/")},
            [("api/types/sku.xsd", 2, "cannot be read")],
        ),
    ],
)
def test_a_broken_description_says_where(files, problems):
    both = {**FILES, **files}
    with pytest.raises(BadSchema) as raised:
        Soap.compile(load=both.__getitem__, wsdl="api/orders.wsdl")
    found = [(problem.file, problem.line) for problem in raised.value.problems]
    assert found == [(file, line) for file, line, _ in problems]
    assert all(text in problem.text for (_, _, text), problem in zip(problems, raised.value.problems, strict=True))


def test_an_unknown_operation_in_the_list_says_which_there_are():
    with pytest.raises(BadSchema, match="no operation Plaice; there are: Cancel, Count, Place"):
        service(operations=["Plaice"])


def test_a_schema_needs_a_list_of_operations():
    with pytest.raises(BadSchema, match="must be listed"):
        Soap.compile(load=FILES.__getitem__, xsd=["api/types/sku.xsd"])
    with pytest.raises(BadSchema, match="either"):
        Soap.compile(load=FILES.__getitem__)


@settings(max_examples=200)
@given(st.data())
def test_a_damaged_envelope_gives_our_error(data):
    body = bytearray(envelope(PLACE, "<s:Header/>"))
    at = data.draw(st.integers(0, len(body)))
    body[at : at + data.draw(st.integers(0, 9))] = data.draw(
        st.sampled_from([b"", b"<a/>", b"x", b"</s:Body>", b"&lt;", b'"', b" a='b'"])
    )
    ask(SERVICE, headers(ACTION), bytes(body))


@settings(max_examples=200)
@given(st.data())
def test_a_damaged_wsdl_gives_our_error(data):
    text = bytearray(WSDL)
    at = data.draw(st.integers(0, len(text)))
    text[at : at + data.draw(st.integers(0, 20))] = data.draw(
        st.sampled_from([b"", b"x", b"<a/>", b'"', b"tns:", b"urn:orders"])
    )
    files = {**FILES, "api/orders.wsdl": bytes(text)}
    try:
        Soap.compile(load=files.__getitem__, wsdl="api/orders.wsdl")
    except BadSchema as error:
        assert error.problems  # noqa: PT017
