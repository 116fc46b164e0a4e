"""SOAP faults: how a request is refused so that clients of SOAP understand it.

SOAP 1.1, sections 4.4 and 6.2 (always status 500); SOAP 1.2, part 1, section 5.4, and part 2, table 20 (400 for what
the sender did wrong). The detail is a problem in XML (RFC 9457, appendix B).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lxml import etree
from msgspec import Struct

from stockade.payloads.faults import Fault

SOAP_11, SOAP_12 = "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"
_PROBLEM = "urn:ietf:rfc:7807"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


class Answer(Struct, frozen=True):
    """A fault as it is sent."""

    status: int
    content_type: str
    body: bytes


def answer(content_type: str, reason: str, request_id: str, faults: Iterable[Fault]) -> Answer:
    """The fault that says the sender is to blame. content_type: of the request, which tells the version of SOAP."""
    is_12 = content_type.partition(";")[0].strip(" \t").lower() == "application/soap+xml"
    space = SOAP_12 if is_12 else SOAP_11
    envelope = etree.Element(f"{{{space}}}Envelope", nsmap={"s": space})
    fault = _within(_within(envelope, f"{{{space}}}Body"), f"{{{space}}}Fault")
    if is_12:
        _within(_within(fault, f"{{{space}}}Code"), f"{{{space}}}Value", "s:Sender")
        _within(_within(fault, f"{{{space}}}Reason"), f"{{{space}}}Text", reason).set(_LANGUAGE, "en")
        detail = _within(fault, f"{{{space}}}Detail")
    else:
        _within(fault, "faultcode", "s:Client")
        _within(fault, "faultstring", reason)
        detail = _within(fault, "detail")
    _tell(detail, reason, request_id, faults)
    body = etree.tostring(envelope, xml_declaration=True, encoding="utf-8")
    return (
        Answer(400, "application/soap+xml; charset=utf-8", body)
        if is_12
        else Answer(500, "text/xml; charset=utf-8", body)
    )


def _tell(detail: Any, reason: str, request_id: str, faults: Iterable[Fault]) -> None:
    problem = etree.SubElement(detail, f"{{{_PROBLEM}}}problem", nsmap={None: _PROBLEM})
    _within(problem, f"{{{_PROBLEM}}}title", "Bad Request")
    _within(problem, f"{{{_PROBLEM}}}detail", reason)
    _within(problem, f"{{{_PROBLEM}}}status", "400")
    _within(problem, f"{{{_PROBLEM}}}request_id", request_id)
    errors = _within(problem, f"{{{_PROBLEM}}}errors")
    for fault in faults:
        error = _within(errors, f"{{{_PROBLEM}}}i")
        for name, text in (("pointer", fault.pointer), ("rule", fault.rule), ("detail", fault.message)):
            _within(error, f"{{{_PROBLEM}}}{name}", text)


def _within(parent: Any, tag: str, text: str | None = None) -> Any:
    node = etree.SubElement(parent, tag)
    if text is not None:
        node.text = "".join(char if char.isprintable() else "\ufffd" for char in text)
    return node
