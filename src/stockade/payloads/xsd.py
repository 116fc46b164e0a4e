"""XML Schema 1.0, compiled once at load; every document that it is split over comes through a loader, and none else.

libxml2 takes one document per namespace of those that are imported, and guesses where the rest lie. So the documents
are gathered first, each namespace gets a document that includes all of its own, and imports lead to these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from posixpath import dirname, join, normpath
from typing import Any, NoReturn, TypeAlias

from lxml import etree
from msgspec.structs import replace

from stockade.payloads.faults import MOST_FAULTS, BadPayload, Fault, refuse
from stockade.payloads.limits import Limits
from stockade.payloads.xml_body import local_name, path_of, read_xml
from stockade.payloads.xsd_effort import EXPONENTIAL, Effort, power_of
from stockade.payloads.xsd_faults import told
from stockade.problems import Problem, Problems

XS = "{http://www.w3.org/2001/XMLSchema}"
_XML = "http://www.w3.org/XML/1998/namespace"
_REFERENCES = (f"{XS}import", f"{XS}include", f"{XS}redefine")
_MOST_DOCUMENTS = 1_000
# Of what an operator writes, more is taken than of what comes over the network.
TRUSTED = Limits(
    depth=200, elements=1_000_000, attributes=1_000, namespaces=100_000, string=1_000_000, instructions=True
)
# The attributes of the xml: namespace (XML 1.0, XML Base, xml:id); the W3C's own document has a document type.
_XML_ATTRIBUTES = b"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"
 targetNamespace="http://www.w3.org/XML/1998/namespace"><xs:attribute name="lang" type="xs:string"/>
<xs:attribute name="base" type="xs:anyURI"/><xs:attribute name="id" type="xs:ID"/>
<xs:attribute name="space"><xs:simpleType><xs:restriction base="xs:NCName"><xs:enumeration value="default"/>
<xs:enumeration value="preserve"/></xs:restriction></xs:simpleType></xs:attribute>
<xs:attributeGroup name="specialAttrs"><xs:attribute ref="xml:lang"/><xs:attribute ref="xml:base"/>
<xs:attribute ref="xml:space"/><xs:attribute ref="xml:id"/></xs:attributeGroup></xs:schema>"""

Load: TypeAlias = Callable[[str], bytes]
"""Gives the bytes of a file or address, or raises OSError, LookupError or ValueError with words for the operator."""


class BadSchema(Problems):
    """A schema or WSDL that is not taken."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(replace(problem, file=problem.file.partition("#")[0]) for problem in problems)


def broken(file: str, line: int | None, text: str) -> NoReturn:
    """Raise BadSchema with one problem."""
    raise BadSchema((Problem(file, line or 0, text),))


def read_document(name: str, load: Load, asked: tuple[str, int] | None = None) -> Any:
    """The root element of a schema or WSDL. `asked` is the file and line that refer to it. Raises BadSchema."""
    file, line = asked or (name, 0)
    try:
        body = load(name)
    except (OSError, LookupError, ValueError) as error:
        broken(file, line, f"{name} cannot be read: {error}")
    try:
        return read_xml(body, TRUSTED)
    except BadPayload as error:
        raise BadSchema([Problem(name, 0, fault.message) for fault in error.faults]) from None


def resolve(location: str, within: str) -> str:
    """The name by which the loader knows what `within` calls `location`."""
    if "://" in location or location.startswith("/"):
        return location
    if "://" in within:
        scheme, _, path = within.partition("://")
        return f"{scheme}://{normpath(join(dirname(path), location))}"
    return normpath(join(dirname(within), location))


class _Gathered:
    """The documents of a schema by name, and which of them each namespace has."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.documents: dict[str, Any] = {}
        self.spaces: dict[str, list[str]] = {}
        self.elements: set[str] = set()
        self.problems: list[Problem] = []
        self.imports: list[tuple[str, Any]] = []

    def add(self, name: str, root: Any, within: str | None = None) -> None:
        """A document; `within` is the namespace of the one that includes it, None where it is imported or given."""
        if root.tag != f"{XS}schema":
            broken(name, root.sourceline, f"this is no XML Schema, its root is {local_name(root.tag)}")
        if len(self.documents) >= _MOST_DOCUMENTS:
            broken(name, 0, f"the schema has more than {_MOST_DOCUMENTS} documents")
        self.documents[name] = root
        space = root.get("targetNamespace", within or "")
        if within is None:
            self._own(name, space)
        for node in root.iterchildren(f"{XS}element"):
            self.elements.add(f"{{{space}}}{node.get('name')}" if space else node.get("name", ""))
        for node in root.iterchildren(*_REFERENCES):
            self._follow(name, node, space)

    def _own(self, name: str, space: str) -> None:
        names = self.spaces.setdefault(space, [])
        if name not in names:
            names.append(name)

    def _follow(self, name: str, node: Any, within: str) -> None:
        """Gather what a document refers to; an import's place is written in when all namespaces are known."""
        importing = node.tag == _REFERENCES[0]
        space, location = node.get("namespace", ""), node.get("schemaLocation")
        if importing:
            self.imports.append((name, node))
        if importing and space == _XML:
            location = "xml.xsd"
            if location not in self.documents:
                self.add(location, etree.fromstring(_XML_ATTRIBUTES))
            return
        if not location:
            if not importing:
                self.problems.append(Problem(name, node.sourceline, f"{local_name(node.tag)} has no schemaLocation"))
            return
        found = resolve(location, name)
        if found not in self.documents:
            try:
                self.add(found, read_document(found, self.load, (name, node.sourceline)), None if importing else within)
            except BadSchema as error:
                self.problems += error.problems
                return
        root = self.documents[found]
        if importing:
            self._own(found, space)
            if root.get("targetNamespace", "") != space:
                self.problems.append(Problem(name, node.sourceline, f"{location} has another namespace than {space!r}"))
        else:
            node.set("schemaLocation", found)

    def texts(self) -> dict[str, bytes]:
        """What libxml2 is given, by the made-up names it asks for."""
        numbers = {name: f"document-{index}.xsd" for index, name in enumerate(self.documents)}
        spaces = {space: f"namespace-{index}.xsd" for index, space in enumerate(self.spaces)}
        for name, node in self.imports:
            space = node.get("namespace", "")
            if space in spaces:
                node.set("schemaLocation", spaces[space])
            else:
                self.problems.append(
                    Problem(name, node.sourceline, f"the namespace {space!r} is imported from nowhere")
                )
        if self.problems:
            raise BadSchema(self.problems)
        texts: dict[str, bytes] = {}
        for name, root in self.documents.items():
            for node in root.iterchildren(*_REFERENCES[1:]):
                node.set("schemaLocation", numbers[node.get("schemaLocation")])
            texts[numbers[name]] = etree.tostring(root, with_tail=False)
        for space, names in self.spaces.items():
            texts[spaces[space]] = _joined(
                space, [(f"{XS}include", {"schemaLocation": numbers[name]}) for name in names]
            )
        every = [
            (f"{XS}import", {"namespace": space, "schemaLocation": spaces[space]}) for space in self.spaces if space
        ]
        every += [(f"{XS}include", {"schemaLocation": spaces[""]})] if "" in spaces else []
        texts["all.xsd"] = _joined("", every)
        return texts


def _joined(space: str, parts: list[tuple[str, dict[str, str]]]) -> bytes:
    root = etree.Element(f"{XS}schema", {"targetNamespace": space} if space else {}, nsmap={"xs": XS[1:-1]})
    for tag, attributes in parts:
        etree.SubElement(root, tag, attributes)
    text: bytes = etree.tostring(root)
    return text


class _FromMemory(etree.Resolver):  # type: ignore[misc] # lxml has no types
    """Gives libxml2 the documents gathered, and nothing else."""

    def __init__(self, texts: dict[str, bytes]) -> None:
        super().__init__()
        self.texts = texts

    def resolve(self, system_url: str, public_id: str, context: Any) -> Any:  # noqa: ARG002 # lxml calls it so
        return self.resolve_string(self.texts.get(system_url, b""), context, base_url=system_url)


class Schema:
    """A compiled schema. Not for several threads at once: libxml2 keeps the errors of a validation in it."""

    def __init__(self, compiled: Any, elements: frozenset[str], effort: Effort) -> None:
        self._compiled = compiled
        self._effort = effort
        self.elements = elements
        """The global elements, "{namespace}local", of the documents as they were gathered."""

    @classmethod
    def compile(cls, names: Sequence[str], load: Load) -> Schema:
        """The schema whose documents have these names, and what they import and include. Raises BadSchema."""
        return cls.of([(name, read_document(name, load)) for name in names], load)

    @classmethod
    def of(cls, documents: Sequence[tuple[str, Any]], load: Load) -> Schema:
        """As `compile`, of root elements."""
        gathered = _Gathered(load)
        for name, root in documents:
            if name not in gathered.documents:
                gathered.add(name, root)
        texts = gathered.texts()
        parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
        parser.resolvers.add(_FromMemory(texts))
        try:
            compiled = etree.XMLSchema(etree.fromstring(texts["all.xsd"], parser))
        except etree.XMLSchemaParseError as error:
            raise BadSchema(_problems(error, gathered.documents)) from None
        _refuse_exponential(gathered.documents)
        return cls(compiled, frozenset(gathered.elements), Effort(gathered.documents.values()))

    def faults(self, root: Any) -> list[Fault]:
        """What is wrong with an element and all within it."""
        if not self._effort.is_bearable(root):
            return [Fault(path_of(root), "schema", "values that must match a pattern are too long")]
        try:
            if self._compiled.validate(root):
                return []
        except etree.XMLSchemaValidateError:  # libxml2 bounds the work of a pattern
            return [Fault(path_of(root), "schema", "the element cannot be validated within reasonable time")]
        return [told(error, root) for error in list(self._compiled.error_log)[:MOST_FAULTS]]

    def check(self, root: Any) -> None:
        """Raise BadPayload unless the element is a global one of the schema, and valid."""
        if root.tag not in self.elements:
            refuse("schema", f"the root element {local_name(root.tag)[:64]} is not one of the schema", path_of(root))
        if faults := self.faults(root):
            raise BadPayload(faults)


def _refuse_exponential(documents: dict[str, Any]) -> None:
    problems = [
        Problem(
            name,
            node.sourceline,
            "the pattern may take exponential time; write it so that a text fits in one way alone",
        )
        for name, root in documents.items()
        for node in root.iter(f"{XS}pattern")
        if power_of(node.get("value", "")) == EXPONENTIAL
    ]
    if problems:
        raise BadSchema(problems)


def _problems(error: Any, documents: dict[str, Any]) -> list[Problem]:
    """What libxml2 says of the documents that it was given, under the names and lines the operator knows."""
    known = {f"document-{index}.xsd": name for index, name in enumerate(documents)}
    problems: list[Problem] = []
    for entry in error.error_log.filter_from_errors():
        name = known.get(entry.filename, "")
        before = documents[name].sourceline or 1 if name else 0  # lines of what stands before the schema
        problems.append(Problem(name, entry.line + before - 1 if name else 0, entry.message))
    return problems or [Problem(next(iter(documents), ""), 0, str(error))]
