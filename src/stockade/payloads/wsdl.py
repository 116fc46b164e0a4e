"""WSDL 1.1: the operations of a service that speaks SOAP over HTTP, literal, and the schemas of their arguments."""

from __future__ import annotations

from typing import Any

from lxml import etree
from msgspec import Struct

from stockade.payloads.xml_body import local_name
from stockade.payloads.xsd import XS, BadSchema, Load, broken, read_document, resolve
from stockade.problems import Problem

_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_SOAP = ("{http://schemas.xmlsoap.org/wsdl/soap/}", "{http://schemas.xmlsoap.org/wsdl/soap12/}")
_MOST_DOCUMENTS = 100


class Operation(Struct, frozen=True):
    """An operation: its name, the element that stands in the body for it ("{namespace}local"), its actions.

    `action` is None where it is not known; it must then end with the name, behind `/`, `#` or `:`, or be that.
    """

    name: str
    element: str
    action: str | None = None

    def answers_to(self, action: str) -> bool:
        """Whether an action that a request names may mean this operation."""
        if self.action:
            return action == self.action
        last = action.rstrip("/").replace("#", "/").replace(":", "/").rpartition("/")[2]
        return last in (self.name, local_name(self.element))


class _Service:
    """What the documents of a WSDL hold, by qualified name."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.documents: dict[str, Any] = {}
        self.schemas: list[tuple[str, Any]] = []
        self.messages: dict[str, Any] = {}
        self.ports: dict[str, Any] = {}
        self.bindings: list[tuple[str, Any]] = []
        self.problems: list[Problem] = []

    def add(self, name: str, root: Any) -> None:
        if root.tag == f"{XS}schema":
            self.schemas.append((name, root))
            return
        if root.tag != f"{_WSDL}definitions":
            broken(name, root.sourceline, "this is no WSDL 1.1 (its root must be definitions; WSDL 2.0 is not read)")
        if len(self.documents) >= _MOST_DOCUMENTS:
            broken(name, 0, f"the WSDL has more than {_MOST_DOCUMENTS} documents")
        self.documents[name] = root
        space = root.get("targetNamespace", "")
        for node in root.iterchildren(f"{_WSDL}types"):
            for index, schema in enumerate(node.iterchildren(f"{XS}schema")):
                self.schemas.append((f"{name}#schema{index + 1}" if index else name, schema))
        for node in root.iterchildren(f"{_WSDL}message"):
            self.messages[f"{{{space}}}{node.get('name')}"] = node
        for node in root.iterchildren(f"{_WSDL}portType"):
            self.ports[f"{{{space}}}{node.get('name')}"] = node
        self.bindings += [(name, node) for node in root.iterchildren(f"{_WSDL}binding")]
        for node in root.iterchildren(f"{_WSDL}import"):
            found = resolve(node.get("location", ""), name)
            if found not in self.documents:
                self.add(found, read_document(found, self.load, (name, node.sourceline)))

    def problem(self, file: str, node: Any, text: str) -> None:
        self.problems.append(Problem(file, node.sourceline or 0, text))


def read_wsdl(name: str, load: Load) -> tuple[list[tuple[str, Any]], list[Operation]]:
    """The schema documents by name, and the operations of all SOAP bindings. Raises BadSchema with all problems."""
    service = _Service(load)
    service.add(name, read_document(name, load))
    operations: dict[Operation, None] = {}
    wrappers = _Wrappers()
    for file, binding in service.bindings:
        soap = next((node for space in _SOAP for node in binding.iterchildren(f"{space}binding")), None)
        if soap is None:
            continue  # of HTTP GET and the like
        port = service.ports.get(qualified(binding.get("type", ""), binding))
        if port is None:
            service.problem(file, binding, f"the binding is of the portType {binding.get('type')}, which is not there")
            continue
        for node in binding.iterchildren(f"{_WSDL}operation"):
            operation = _operation(service, file, node, port, soap.get("style", "document"), wrappers)
            if operation:
                operations[operation] = None
    if not operations and not service.problems:
        service.problems.append(Problem(name, 0, "the WSDL has no operation that is bound to SOAP"))
    if service.problems:
        raise BadSchema(service.problems)
    return [*service.schemas, *wrappers.documents()], list(operations)


def _operation(service: _Service, file: str, node: Any, port: Any, style: str, wrappers: _Wrappers) -> Operation | None:
    name = node.get("name", "")
    soap = next((child for space in _SOAP for child in node.iterchildren(f"{space}operation")), None)
    action = soap.get("soapAction") if soap is not None else None
    style = soap.get("style", style) if soap is not None else style
    body = next((child for space in _SOAP for child in node.iterfind(f"{_WSDL}input/{space}body")), None)
    message = _message(service, name, port)
    if message is None or body is None:
        service.problem(file, node, f"the operation {name} has no input message, or its binding no soap:body")
        return None
    if body.get("use", "literal") != "literal":
        service.problem(file, node, f"the operation {name} is encoded; only literal ones can be validated")
        return None
    parts = _parts(message, body)
    if style == "rpc":
        space = body.get("namespace", "")
        wrappers.add(space, name, parts)
        return Operation(name, f"{{{space}}}{name}" if space else name, action)
    if len(parts) != 1 or not parts[0].get("element"):
        service.problem(file, node, f"the operation {name} must have one part with an element (WS-I, R2201)")
        return None
    return Operation(name, qualified(parts[0].get("element"), parts[0]), action)


def _message(service: _Service, name: str, port: Any) -> Any:
    for operation in port.iterchildren(f"{_WSDL}operation"):
        given = operation.find(f"{_WSDL}input")
        if operation.get("name") == name and given is not None:
            return service.messages.get(qualified(given.get("message", ""), given))
    return None


def _parts(message: Any, body: Any) -> list[Any]:
    """The parts that stand in the body; others may be bound to headers."""
    listed = body.get("parts")
    parts = list(message.iterchildren(f"{_WSDL}part"))
    return parts if listed is None else [part for part in parts if part.get("name") in listed.split()]


class _Wrappers:
    """Schemas made up for rpc style: the element in the body is named like the operation (SOAP 1.1, section 7)."""

    def __init__(self) -> None:
        self._roots: dict[str, Any] = {}
        self._imported: set[tuple[str, str]] = set()

    def add(self, space: str, name: str, parts: list[Any]) -> None:
        root = self._roots.get(space)
        if root is None:
            attributes = {"targetNamespace": space} if space else {}
            root = self._roots[space] = etree.Element(f"{XS}schema", attributes, nsmap={"xs": XS[1:-1]})
        if any(node.get("name") == name for node in root.iterchildren(f"{XS}element")):
            return
        element = etree.SubElement(root, f"{XS}element", name=name)
        sequence = etree.SubElement(etree.SubElement(element, f"{XS}complexType"), f"{XS}sequence")
        for part in parts:
            self._part(root, space, sequence, part)

    def _part(self, root: Any, space: str, sequence: Any, part: Any) -> None:
        kind = qualified(part.get("type") or part.get("element") or "", part)
        theirs, _, local = kind[1:].partition("}") if kind.startswith("{") else ("", "", kind)
        if theirs not in ("", space, XS[1:-1]) and (space, theirs) not in self._imported:
            self._imported.add((space, theirs))
            root.insert(0, etree.Element(f"{XS}import", namespace=theirs))
        node = etree.SubElement(sequence, f"{XS}element", nsmap={"p": theirs} if theirs else None)
        named = f"p:{local}" if theirs else local
        if part.get("type"):
            node.set("name", part.get("name", ""))
            node.set("type", named)
        else:
            node.set("ref", named)

    def documents(self) -> list[tuple[str, Any]]:
        return [(f"rpc:{space}", root) for space, root in self._roots.items()]


def qualified(name: str, node: Any) -> str:
    """`{namespace}local` of `prefix:local`, as the namespaces stand at the node."""
    prefix, colon, local = name.rpartition(":")
    space = node.nsmap.get(prefix if colon else None)
    return f"{{{space}}}{local}" if space else local
