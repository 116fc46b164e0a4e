"""XML bodies (XML 1.0, Namespaces in XML 1.0), strictly, and without all that makes XML reach beyond itself.

UTF-8 alone, no document type and so no entities, no XInclude, no hints where schemas lie, nothing loaded from anywhere.
lxml reads in pieces, and the limits are looked at after each, so that the tree never outgrows them by much.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from stockade.payloads.faults import BadPayload, Fault, refuse
from stockade.payloads.limits import DEFAULT, Limits

_PIECE = 16_384  # bytes
XINCLUDE = "{http://www.w3.org/2001/XInclude}"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_declaration = re.compile(
    rb"""(?:\xef\xbb\xbf)?<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"([^"]*+)"|'([^']*+)')"""
    rb"""(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"([^"]*+)"|'([^']*+)'))?"""
    rb"""(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>"""
).match
_before_root = re.compile(rb"(?:[ \t\r\n]++|<!--(?:(?!--).)*+-->|<\?(?:(?!\?>).)*+\?>)*+", re.DOTALL).match


def read_xml(body: bytes, limits: Limits = DEFAULT) -> Any:
    """The root element (lxml) of an XML body.

    Raises BadPayload; pointers are paths of local names: "/order/item[2]/@id".
    """
    _check_prolog(body)
    parser = etree.XMLPullParser(
        events=("start", "end", "start-ns", "comment", "pi"),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        dtd_validation=False,
        huge_tree=False,
        remove_blank_text=False,
    )
    watch = Watch(limits)
    try:
        for start in range(0, len(body), _PIECE):
            parser.feed(body[start : start + _PIECE])
            watch.look(parser.read_events())
        root = parser.close()
        watch.look(parser.read_events())
    except etree.XMLSyntaxError as error:
        line, column = error.position
        refuse("syntax", f"the body is not well-formed XML: line {line}, column {column}")
    if watch.faults:
        raise BadPayload(watch.faults)
    return root


def _check_prolog(body: bytes) -> None:
    """What stands before the root element: the encoding, and that no document type is there."""
    if not body:
        refuse("empty", "the body is empty; XML has a root element")
    try:
        body.decode()
    except UnicodeDecodeError as error:
        refuse("utf-8", f"byte {error.start} is not UTF-8")
    if b"\0" in body[:4096]:
        refuse("encoding", "the body must be UTF-8")
    start = 3 if body.startswith(b"\xef\xbb\xbf") else 0
    if body.startswith((b"<?xml ", b"<?xml\t", b"<?xml\r", b"<?xml\n"), start):
        found = _declaration(body)
        if not found:
            refuse("syntax", "the XML declaration is malformed")
        start = found.end()
        if (found[1] or found[2]) != b"1.0":
            refuse("version", "the body must be XML 1.0")
        if (found[3] or found[4] or b"utf-8").lower() not in (b"utf-8", b"us-ascii"):
            refuse("encoding", "the body must be UTF-8, and say so if it says anything")
    found = _before_root(body, start)
    if found and body[found.end() : found.end() + 9].upper() == b"<!DOCTYPE":
        refuse("document-type", "the body has a document type (DOCTYPE); send it without")


class Watch:
    """Counts what the parser tells of, and stops it at the first limit of size; the other faults are collected."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.depth = self.elements = self.namespaces = 0
        self.faults: list[Fault] = []

    def look(self, events: Any) -> None:
        for event, node in events:
            if event == "start":
                self._start(node)
            elif event == "end":
                self.depth -= 1
            elif event == "start-ns":
                self.namespaces += 1

    def _start(self, node: Any) -> None:
        self.depth += 1
        self.elements += 1
        if self.depth > self.limits.depth:
            refuse("depth", f"elements are nested more than {self.limits.depth} deep", path_of(node))
        if self.elements > self.limits.elements:
            refuse("elements", f"the body has more than {self.limits.elements} elements")


def path_of(node: Any) -> str:
    """The path of an element by local names, places among brothers of that name where there are several."""
    steps = []
    while node is not None:
        steps.append(etree.QName(node).localname)
        node = node.getparent()
    return "/" + "/".join(reversed(steps))
