"""XML bodies (XML 1.0, Namespaces in XML 1.0), strictly, and without all that makes XML reach beyond itself.

UTF-8 alone, no document type and so no entities, no XInclude, no hints where schemas lie, nothing loaded from anywhere.
lxml reads in pieces, and the limits are looked at after each, so that the tree never outgrows them by much.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from stockade.payloads.faults import MOST_FAULTS, BadPayload, Fault, refuse
from stockade.payloads.limits import DEFAULT, Limits

_PIECE = 16_384  # bytes
_XINCLUDE = "{http://www.w3.org/2001/XInclude}"
_HINTS = tuple(
    "{http://www.w3.org/2001/XMLSchema-instance}" + name for name in ("schemaLocation", "noNamespaceSchemaLocation")
)
_declaration = re.compile(
    rb"""(?:\xef\xbb\xbf)?<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"([^"]*+)"|'([^']*+)')"""
    rb"""(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"([^"]*+)"|'([^']*+)'))?"""
    rb"""(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>"""
).match
_before_root = re.compile(rb"[ \t\r\n]++|<!--[^-]*+(?:-[^-][^-]*+)*+-->|<\?.*?\?>", re.DOTALL).match


def read_xml(body: bytes, limits: Limits = DEFAULT) -> Any:
    """The root element (lxml) of an XML body.

    Raises BadPayload; pointers are paths of local names: "/order/item[2]/@id".
    """
    _check_prolog(body)
    parser = etree.XMLPullParser(
        events=("start", "end", "start-ns", "comment", "pi"),
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
    )
    watch = _Watch(limits)
    try:
        for start in range(0, len(body), _PIECE):
            parser.feed(body[start : start + _PIECE])
            watch.look(parser.read_events())
        root = parser.close()
        watch.look(parser.read_events())
    except etree.XMLSyntaxError as error:
        watch.look(parser.read_events())  # a limit may have been broken before
        line, column = error.position  # 0 where an entity is used that XML does not define
        refuse("syntax", "the body is not well-formed XML" + (f" at line {line}, column {column}" if line else ""))
    if root.getroottree().docinfo.internalDTD is not None:  # there is no way here, but much would hang on it
        refuse("document-type", "the body has a document type (DOCTYPE); send it without")
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
    start = 3 if body.startswith(b"\xef\xbb\xbf") else 0
    if body.startswith((b"<?xml ", b"<?xml\t", b"<?xml\r", b"<?xml\n"), start):
        found = _declaration(body)
        if not found:
            refuse("syntax", "the XML declaration is malformed")
        start = found.end()
        if (found[1] or found[2]) != b"1.0":
            refuse("version", "the body must be XML 1.0")
        if (found[3] or found[4] or b"utf-8").lower() != b"utf-8":
            refuse("encoding", "the body must be UTF-8, and say so if it says anything")
    while found := _before_root(body, start):
        start = found.end()
    if body[start : start + 9].upper() == b"<!DOCTYPE":
        refuse("document-type", "the body has a document type (DOCTYPE); send it without")


class _Watch:
    """Counts what the parser tells of. A limit of size stops the reading, the other faults are collected."""

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
                self._end(node)
            elif event == "start-ns":
                self._namespace(*node)
            elif event == "pi" and not self.limits.instructions:
                self._note("instruction", "the body has a processing instruction")
            elif event == "comment" and not self.limits.comments:
                self._note("comment", "the body has a comment")

    def _note(self, rule: str, message: str, pointer: str = "") -> None:
        self.faults.append(Fault(pointer, rule, message))
        if len(self.faults) >= MOST_FAULTS:
            raise BadPayload(self.faults)

    def _namespace(self, prefix: str, uri: str) -> None:
        self.namespaces += 1
        if self.namespaces > self.limits.namespaces:
            refuse("namespaces", f"the body has more than {self.limits.namespaces} namespace declarations")
        if len(prefix) > self.limits.name or len(uri) > self.limits.name:
            self._note("name-length", f"a namespace is longer than {self.limits.name} characters")

    def _start(self, node: Any) -> None:
        limits = self.limits
        self.depth += 1
        self.elements += 1
        if self.depth > limits.depth:
            refuse("depth", f"elements are nested more than {limits.depth} deep")
        if self.elements > limits.elements:
            refuse("elements", f"the body has more than {limits.elements} elements")
        tag = node.tag
        if len(tag) > limits.name and len(local_name(tag)) > limits.name:
            self._note("name-length", f"an element's name is longer than {limits.name} characters")
        if tag.startswith(_XINCLUDE):
            self._note("external", "the body asks for an XInclude", path_of(node))
        if node.attrib:
            self._attributes(node)

    def _attributes(self, node: Any) -> None:
        limits = self.limits
        if len(node.attrib) > limits.attributes:
            refuse("attributes", f"the element has more than {limits.attributes} attributes", path_of(node))
        for name, value in node.items():
            where = f"{path_of(node)}/@{local_name(name)[:64]}" if len(value) > limits.string or name in _HINTS else ""
            if len(name) > limits.name and len(local_name(name)) > limits.name:
                self._note("name-length", f"an attribute's name is longer than {limits.name} characters", path_of(node))
            if len(value) > limits.string:
                self._note("string-length", f"the value is longer than {limits.string} characters", where)
            if name in _HINTS:
                self._note("external", "the body says where its schema lies; send it without", where)

    def _end(self, node: Any) -> None:
        """All text of the element is there now: that before its first child, and that which follows each child."""
        before: str = node.text or ""
        size = len(before)
        for child in node:
            after: str = child.tail or ""
            size += len(after)
            if type(child.tag) is not str and before.strip() and after.strip():
                self._note("split-text", "a comment or instruction stands amid the text of the element", path_of(node))
            before = after
        if size > self.limits.string:
            self._note("string-length", f"the text is longer than {self.limits.string} characters", path_of(node))


def local_name(name: str) -> str:
    """`a` of `{urn:x}a`."""
    return name.rpartition("}")[2]


def path_of(node: Any) -> str:
    """The path of an element by local names; from the second brother of a name on, with its place: "/order/item[2]"."""
    steps: list[str] = []
    while node is not None:
        place = 1 + sum(1 for _ in node.itersiblings(node.tag, preceding=True))
        step = local_name(node.tag)[:64]
        steps.append(f"{step}[{place}]" if place > 1 else step)
        node = node.getparent()
    return "/" + "/".join(reversed(steps))
