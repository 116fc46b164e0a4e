"""A small service: its WSDL and schemas, and requests to it."""

from __future__ import annotations

from stockade.payloads import BadPayload, Soap
from stockade.wire import Headers

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://www.w3.org/2005/08/addressing"

WSDL = b"""<?xml version="1.0"?>
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/" xmlns:http="http://schemas.xmlsoap.org/wsdl/http/"
  xmlns:tns="urn:orders" xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:orders">
<types>
 <xs:schema targetNamespace="urn:orders" elementFormDefault="qualified" xmlns:t="urn:types">
  <xs:import namespace="urn:types"/>
  <xs:element name="Place"><xs:complexType><xs:sequence>
   <xs:element name="sku" type="t:Sku"/>
   <xs:element name="quantity" type="xs:positiveInteger" maxOccurs="3"/>
   <xs:element name="note" type="xs:string" minOccurs="0"/>
  </xs:sequence><xs:attribute name="priority" type="t:Priority"/></xs:complexType></xs:element>
  <xs:element name="Cancel"><xs:complexType><xs:sequence>
   <xs:element name="id" type="xs:int"/></xs:sequence></xs:complexType></xs:element>
  <xs:element name="Session" type="xs:string"/>
 </xs:schema>
 <xs:schema targetNamespace="urn:types"><xs:include schemaLocation="types/sku.xsd"/></xs:schema>
</types>
<message name="PlaceIn"><part name="body" element="tns:Place"/></message>
<message name="CancelIn"><part name="body" element="tns:Cancel"/></message>
<message name="CountIn"><part name="sku" type="q:Sku" xmlns:q="urn:types"/><part name="days" type="xs:int"/></message>
<portType name="Orders">
 <operation name="Place"><input message="tns:PlaceIn"/></operation>
 <operation name="Cancel"><input message="tns:CancelIn"/></operation>
 <operation name="Count"><input message="tns:CountIn"/></operation>
</portType>
<binding name="Soap" type="tns:Orders"><soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>
 <operation name="Place"><soap:operation soapAction="urn:orders:Place"/>
  <input><soap:body use="literal"/></input></operation>
 <operation name="Cancel"><soap:operation soapAction="urn:orders:Cancel"/>
  <input><soap:body use="literal"/></input></operation>
 <operation name="Count"><soap:operation soapAction="" style="rpc"/>
  <input><soap:body use="literal" namespace="urn:rpc"/></input></operation>
</binding>
<binding name="Soap12" type="tns:Orders"><soap12:binding transport="http://schemas.xmlsoap.org/soap/http"/>
 <operation name="Place"><soap12:operation soapAction="urn:orders:Place"/>
  <input><soap12:body use="literal"/></input></operation>
</binding>
<binding name="Get" type="tns:Orders"><http:binding verb="GET"/></binding>
</definitions>"""

SKU = b"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
 <xs:include schemaLocation="../more/priority.xsd"/>
 <xs:simpleType name="Sku"><xs:restriction base="xs:string">
  <xs:pattern value="[A-Z]{2}-[0-9]+"/></xs:restriction></xs:simpleType>
</xs:schema>"""

PRIORITY = b"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
 <xs:simpleType name="Priority"><xs:restriction base="xs:string">
  <xs:enumeration value="low"/><xs:enumeration value="high"/></xs:restriction></xs:simpleType>
</xs:schema>"""

FILES = {"api/orders.wsdl": WSDL, "api/types/sku.xsd": SKU, "api/more/priority.xsd": PRIORITY}
PLACE = '<Place xmlns="urn:orders"><sku>AB-1</sku><quantity>1</quantity></Place>'
CANCEL = '<Cancel xmlns="urn:orders"><id>1</id></Cancel>'
COUNT = '<r:Count xmlns:r="urn:rpc"><sku>AB-1</sku><days>3</days></r:Count>'


def service(**options: object) -> Soap:
    return Soap.compile(load=FILES.__getitem__, wsdl="api/orders.wsdl", **options)  # type: ignore[arg-type]


def envelope(body: str, header: str = "", space: str = SOAP_11) -> bytes:
    return f'<s:Envelope xmlns:s="{space}">{header}<s:Body>{body}</s:Body></s:Envelope>'.encode()


def headers(action: str | None, content_type: str = "text/xml; charset=utf-8") -> Headers:
    pairs = [("content-type", content_type)] + ([("soapaction", action)] if action is not None else [])
    return Headers.of(pairs)


def ask(soap: Soap, head: Headers, body: bytes) -> str | list[tuple[str, str]]:
    """The operation's name, or rules and pointers of the faults."""
    try:
        return soap.check(head, body).operation
    except BadPayload as error:
        return [(fault.rule, fault.pointer) for fault in error.faults]
