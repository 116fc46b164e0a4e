"""SOAP 1.1 and 1.2 requests: the envelope, which operation is asked for, and the XML Schema of what it is asked with.

Servers choose the operation by the SOAPAction, by the element in the body, or by WS-Addressing. All that is given must
mean one and the same operation, or one could be checked and another one run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from stockade.payloads.faults import BadPayload, Fault, refuse
from stockade.payloads.limits import DEFAULT, Limits
from stockade.payloads.part_head import BadHead, read_parameters
from stockade.payloads.wsdl import Operation, read_wsdl
from stockade.payloads.xml_body import local_name, path_of, read_xml
from stockade.payloads.xsd import BadSchema, Load, Schema
from stockade.problems import Problem
from stockade.wire import Headers

_MEDIA = {  # by the namespace of the envelope
    "http://schemas.xmlsoap.org/soap/envelope/": "text/xml",
    "http://www.w3.org/2003/05/soap-envelope": "application/soap+xml",
}
_ADDRESSING = (
    "{http://www.w3.org/2005/08/addressing}Action",
    "{http://schemas.xmlsoap.org/ws/2004/08/addressing}Action",
)


class Call(Struct, frozen=True):
    """A request that is allowed: the operation's name, and the element (lxml) that holds its arguments."""

    operation: str
    element: Any


class Soap:
    """What a service takes, compiled from its WSDL, or from XML Schemas and a list of operations."""

    def __init__(self, schema: Schema, operations: Iterable[Operation], headers: Iterable[str], limits: Limits) -> None:
        self._schema = schema
        self._headers = frozenset(headers)
        self._limits = limits
        self._by_element: dict[str, list[Operation]] = {}
        for operation in operations:
            self._by_element.setdefault(operation.element, []).append(operation)

    @property
    def operations(self) -> tuple[str, ...]:
        """The names of all operations allowed."""
        return tuple(sorted({operation.name for found in self._by_element.values() for operation in found}))

    @classmethod
    def compile(
        cls,
        *,
        load: Load,
        wsdl: str = "",
        xsd: Sequence[str] = (),
        operations: Sequence[str | Operation] = (),
        headers: Iterable[str] = (),
        limits: Limits = DEFAULT,
    ) -> Soap:
        """Read a WSDL 1.1 or XML Schemas by name through `load`.

        `operations` are those allowed: names, of the WSDL's or of global elements; none stands for all of the WSDL.
        `headers` are the namespaces whose header blocks are let through, besides those the schema has elements for.
        Raises BadSchema with all problems.
        """
        if bool(wsdl) == bool(xsd):
            raise BadSchema((Problem(wsdl, 0, "give either a WSDL or XML Schemas"),))
        if wsdl:
            documents, known = read_wsdl(wsdl, load)
            schema = Schema.of(documents, load)
        else:
            schema = Schema.compile(xsd, load)
            known = [Operation(local_name(element), element) for element in sorted(schema.elements)]
        chosen = _choose(operations, known, wsdl or xsd[0]) if operations or xsd else known
        missing = [
            Problem(
                wsdl or xsd[0],
                0,
                f"the operation {operation.name} has the element {operation.element}, which is in no schema",
            )
            for operation in chosen
            if operation.element not in schema.elements
        ]
        if missing:
            raise BadSchema(missing)
        return cls(schema, chosen, headers, limits)

    def check(self, headers: Headers, body: bytes) -> Call:
        """The call that a request makes. Raises BadPayload: not SOAP, no such operation, arguments that do not fit."""
        media, actions = _read_head(headers)
        envelope = read_xml(body, self._limits)
        space, blocks, element = _open(envelope)
        if _MEDIA[space] != media:
            refuse("media-type", f"this version of SOAP comes as {_MEDIA[space]}", "/Envelope")
        if media == "text/xml" and headers.get("soapaction") is None:
            refuse("soap-action", "SOAP 1.1 needs the header SOAPAction (section 6.1.1)")
        actions += [(block.text or "").strip() for block in blocks if block.tag in _ADDRESSING]
        operation = self._operation(element, [action for action in actions if action])
        faults = self._schema.faults(element)
        for block in blocks:
            faults += self._check_block(block)
        if faults:
            raise BadPayload(faults)
        return Call(operation.name, element)

    def _operation(self, element: Any, actions: list[str]) -> Operation:
        found = self._by_element.get(element.tag)
        if not found:
            refuse("operation", f"there is no operation {local_name(element.tag)[:64]} here", path_of(element))
        meant = [operation for operation in found if all(map(operation.answers_to, actions))]
        if not meant:
            refuse("action-mismatch", "the action asked for is not that of the element in the body", path_of(element))
        if len(meant) > 1:
            refuse("soap-action", "several operations have this element; name the action", path_of(element))
        return meant[0]

    def _check_block(self, block: Any) -> list[Fault]:
        if block.tag in self._schema.elements:
            return self._schema.faults(block)
        if not block.tag.startswith("{") or block.tag[1:].partition("}")[0] not in self._headers:
            refuse("soap-header", "the header block is not one that is let through here", path_of(block))
        return []


def _choose(wanted: Sequence[str | Operation], known: Sequence[Operation], file: str) -> list[Operation]:
    chosen: list[Operation] = []
    problems: list[Problem] = []
    if not wanted:
        problems.append(Problem(file, 0, "with XML Schemas, the operations that are allowed must be listed"))
    for one in wanted:
        if isinstance(one, Operation):
            chosen.append(one)
            continue
        found = [operation for operation in known if operation.name == one]
        if not found:
            names = ", ".join(sorted({operation.name for operation in known})) or "none"
            problems.append(Problem(file, 0, f"there is no operation {one}; there are: {names}"))
        chosen += found
    if problems:
        raise BadSchema(problems)
    return chosen


def _read_head(headers: Headers) -> tuple[str, list[str]]:
    """The media type, and the actions that the headers name."""
    media, _, parameters = (headers.get("content-type") or "").partition(";")
    media = media.strip(" \t").lower()
    if media not in _MEDIA.values():
        refuse("media-type", "SOAP comes as text/xml (1.1) or application/soap+xml (1.2)")
    try:
        found = read_parameters(parameters, ("charset", "action"))
    except BadHead as error:
        refuse("media-type", f"the content type {error}")
    if found.get("charset", "utf-8").lower() != "utf-8":
        refuse("charset", "the body must be in UTF-8")
    action = (headers.get("soapaction") or "").strip(" \t")
    if len(action) > 1 and action[0] == action[-1] == '"':
        action = action[1:-1]
    if '"' in action or "," in action:
        refuse("soap-action", "SOAPAction must be one URI in quotation marks")
    return media, [action, found.get("action", "")]


def _open(envelope: Any) -> tuple[str, list[Any], Any]:
    """Namespace of the envelope, header blocks, and the one element of the body."""
    space = envelope.tag[1:].partition("}")[0]
    if local_name(envelope.tag) != "Envelope" or space not in _MEDIA:
        refuse("soap-envelope", "the root element must be the Envelope of SOAP 1.1 or 1.2", path_of(envelope))
    parts = _elements(envelope)
    tags = [part.tag for part in parts]
    if tags not in ([f"{{{space}}}Body"], [f"{{{space}}}Header", f"{{{space}}}Body"]):
        refuse(
            "soap-envelope",
            "the envelope must hold one Body, before it at most one Header, and nothing else",
            "/Envelope",
        )
    inner = _elements(parts[-1])
    if len(inner) != 1:
        refuse("soap-envelope", "the Body must hold one element", "/Envelope/Body")
    if any(local_name(name) == "encodingStyle" for node in (envelope, parts[-1], inner[0]) for name in node.attrib):
        refuse("soap-envelope", "encoded bodies are not taken, only literal ones", path_of(inner[0]))
    return space, _elements(parts[0]) if len(parts) == 2 else [], inner[0]


def _elements(node: Any) -> list[Any]:
    """The elements within; text beside them is refused."""
    if (node.text or "").strip() or any((child.tail or "").strip() for child in node):
        refuse("soap-envelope", "text stands where SOAP has elements alone", path_of(node))
    return [child for child in node if type(child.tag) is str]
