"""`folder`: a folder with the files that policies in tests refer to, which is the current one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from joserfc.jwk import ECKey, OKPKey

FEED = """\
; the feed of a reputation service
198.51.100.0/24 # a comment
2001:db8::/32

192.0.2.7
"""
OPENAPI = """\
openapi: 3.1.0
info: {title: Shop, version: "1"}
paths:
  /orders: {get: {responses: {200: {$ref: "parts.yaml#/fine"}}}}
"""
PARTS = "fine: {description: fine}\n"
BROKEN = OPENAPI.replace("get:", "gets: {}, post:").replace("#/fine", "#/good").replace("/orders", "/orders/{id}")
BAD_FEED = "203.0.113.0/24\n" + "".join(f"line {number}\n" for number in range(2, 11))
GRAPHQL = "type Query { users: [User!]! }\ntype User @key { id: ID! secret: String }\ntype Mutation { login: String }\n"
WSDL = """\
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:tns="urn:orders" xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:orders">
<types><xs:schema targetNamespace="urn:orders">
 <xs:element name="Cancel" type="xs:int"/><xs:element name="Place" type="xs:string"/>
</xs:schema></types>
<message name="CancelIn"><part name="body" element="tns:Cancel"/></message>
<message name="PlaceIn"><part name="body" element="tns:Place"/></message>
<portType name="Orders">
 <operation name="Cancel"><input message="tns:CancelIn"/></operation>
 <operation name="Place"><input message="tns:PlaceIn"/></operation>
</portType>
<binding name="Soap" type="tns:Orders"><soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>
 <operation name="Cancel"><soap:operation soapAction=""/><input><soap:body use="literal"/></input></operation>
 <operation name="Place"><soap:operation soapAction=""/><input><soap:body use="literal"/></input></operation>
</binding>
</definitions>
"""
XSD = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
 <xs:element name="order" type="xs:string"/>
</xs:schema>
"""
OUTSIDE = XSD.replace(" <xs:element", ' <xs:include schemaLocation="../secret.xsd"/>\n <xs:element')
ENVIRONMENT = {
    "PORT": "8443",
    "WORKERS": "2",
    "JWT_SECRET": "0123456789abcdef0123456789abcdef",
    "HOST": "shop.example",
    "TOKEN": "hunter2 {swordfish}",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    key = ECKey.generate_key("P-256", {"kid": "a"})
    encryption = ECKey.generate_key("P-256", {"kid": "b", "use": "enc"}).as_dict(private=False)
    other_curve = OKPKey.generate_key("X25519", {"kid": "c"}).as_dict(private=False)
    public = key.as_dict(private=False)
    texts = {
        "issuer.json": json.dumps({"keys": [public]}),
        "mixed.json": json.dumps({"keys": [public, encryption, other_curve]}),
        "single-key.json": json.dumps(public),
        "private.json": json.dumps({"keys": [key.as_dict(private=True)]}),
        "feed.txt": FEED,
        "bad-feed.txt": BAD_FEED,
        "openapi.yaml": OPENAPI,
        "parts.yaml": PARTS,
        "broken.yaml": BROKEN,
        "short.txt": "tooshort\n",
        "shop.graphql": GRAPHQL,
        "bad.graphql": "type Query {\n  users: [Usr!]!\n  orders: Order\n}\n",
        "documents.json": json.dumps({"users": "query Users { users { id } }"}),
        "queries/users.graphql": "{\n  users { id }\n}\n",
        "queries/bad.graphql": "{\n  __schema {",
        "bad-documents.json": json.dumps({"a": "{ nothing }", "0" * 64: "{ users { id } }"}),
        "orders.wsdl": WSDL,
        "order.xsd": XSD,
        "outside.xsd": OUTSIDE,
        "secret.txt": "0123456789abcdef0123456789abcdef\n",
    }
    (tmp_path / "queries").mkdir()
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path
