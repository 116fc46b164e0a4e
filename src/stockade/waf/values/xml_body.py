"""XML bodies: XML, and `XML:/path` with any XPath 1.0 expression.

`XML` without a path is the text "[XML document tree]", whatever the body. With a path it is one pair per node found,
the path as its key; the value of an element is all text within, without comments and processing instructions, that of
an attribute is its text. An expression whose result is no set of nodes (`count(//a)`) finds nothing, nor does one that
fails, as for a prefix that no `xmlns` declares; one that is no XPath is refused with the rules, by `compile_xpath`.

The parser (libxml2) fetches nothing, loads no DTD and expands no entity outside of attributes; its own limits on depth,
names and the growth of entities hold. A body that declares entities is an error, since its text is not what it seems;
what they stand for is put once at the end of the root's text, where rules find it. Any document type declaration is the
problem `xml-doctype`.

With SecParseXmlIntoArgs the texts of elements without children are arguments: `<r><a>1</a></r>` is `xml.r.a`.

Differences from ModSecurity v3: entities are not expanded in place; of a body that is not well-formed, an error there
and here, rules still see what the parser could recover.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from stockade.waf.values.base import EMPTY, Collection, Maker, Message, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lxml import etree


class BadXPath(ValueError):
    """An expression that is no XPath 1.0; the message says why."""


def compile_xpath(expression: str, namespaces: Mapping[str, str] | None = None) -> Any:
    """An `lxml.etree.XPath`, remembered. Raises BadXPath. `namespaces`: URI by prefix."""
    return _compile(expression, tuple(sorted((namespaces or {}).items())))


@lru_cache(maxsize=1024)
def _compile(expression: str, namespaces: tuple[tuple[str, str], ...]) -> Any:
    from lxml import etree  # here, because it is large and few APIs speak XML

    try:
        return etree.XPath(expression, namespaces=dict(namespaces) or None, smart_strings=False)
    except (etree.XPathError, ValueError, TypeError) as error:
        raise BadXPath(f"{expression!r} is no XPath: {error}") from error


class Document:
    """A body that was read as XML. `failed` says why it is not well-formed or not wanted, empty when it is fine."""

    def __init__(self, body: bytes) -> None:
        self.failed = ""
        self.problems: list[str] = []
        self._found: dict[tuple[str, tuple[tuple[str, str], ...]], Collection] = {}
        self._root = self._parse(body)
        if self._root is not None:
            self._look_at_doctype(self._root)

    def _parse(self, body: bytes) -> etree._Element | None:
        from lxml import etree

        if not body.strip():
            self.failed = "the document is empty"
            return None
        try:
            return etree.fromstring(body, _parser(recover=False))
        except (etree.XMLSyntaxError, ValueError):
            self.failed = "it is not well-formed"
        try:
            return etree.fromstring(body, _parser(recover=True))
        except (etree.XMLSyntaxError, ValueError):
            return None

    def _look_at_doctype(self, root: etree._Element) -> None:
        doctype = root.getroottree().docinfo.internalDTD
        if doctype is None:
            return
        self.problems.append("xml-doctype")
        entities = [entity.content or "" for entity in doctype.iterentities()]
        if entities:
            self.problems.append("xml-entity")
            self.failed = self.failed or "it declares entities"
            _unreference(root, "".join(entities))

    def names(self) -> set[str]:
        """Of elements and attributes, without their namespaces."""
        found: set[str] = set()
        if self._root is not None:
            for element in self._root.iter():
                if isinstance(element.tag, str):
                    found.add(element.tag.rpartition("}")[2])
                    found.update(str(name).rpartition("}")[2] for name in element.attrib)
        return found

    def find(self, expression: str, namespaces: Mapping[str, str] | None) -> Collection:
        """The values of the nodes that an expression finds, in the order of the document."""
        key = (expression, tuple(sorted((namespaces or {}).items())))
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._evaluate(*key)
        return found

    def _evaluate(self, expression: str, namespaces: tuple[tuple[str, str], ...]) -> Collection:
        from lxml import etree

        if self._root is None:
            return EMPTY
        try:
            nodes = _compile(expression, namespaces)(self._root)
        except (etree.XPathError, etree.LxmlError, BadXPath):
            return EMPTY
        if not isinstance(nodes, list):
            return EMPTY
        name = expression.encode()
        return [(name, _content(node)) for node in nodes]

    def arguments(self, most: int, room: int) -> Collection:
        """The texts of the elements that hold no others, by their path, as SecParseXmlIntoArgs makes them.

        `most` arguments, and `room` bytes for the names of all elements: they repeat those of the elements around.
        """
        from lxml import etree

        pairs: Collection = []
        if self._root is None:
            return pairs
        names = ["xml"]
        for event, element in etree.iterwalk(self._root, events=("start", "end")):
            if not isinstance(element.tag, str):
                continue
            if event == "start":
                names.append(f"{names[-1]}.{element.tag.rpartition('}')[2]}")
                room -= len(names[-1])
            elif not any(isinstance(child.tag, str) for child in element):
                pairs.append((names.pop().encode(), _content(element)))
            else:
                names.pop()
            if len(pairs) > most or room < 0:
                self.failed = self.failed or "it holds too many values"
                return pairs[:most]
        return pairs


def _unreference(root: etree._Element, text: str) -> None:
    """Take references to entities out of a tree, lest XPath expand them, and put `text` at its end."""
    from lxml import etree

    etree.strip_elements(root, etree.Entity, with_tail=False)
    if len(root):
        root[-1].tail = (root[-1].tail or "") + text
    else:
        root.text = (root.text or "") + text


def _content(node: Any) -> bytes:
    if isinstance(node, str):
        return node.encode("utf-8", "surrogatepass")
    if isinstance(node, tuple):  # a namespace
        return str(node[1]).encode()
    if isinstance(node.tag, str):
        return str(_text_of(node)).encode("utf-8", "surrogatepass")
    return str(node.text or "").encode("utf-8", "surrogatepass")  # a comment or a processing instruction


def _text_of(element: etree._Element) -> object:
    return _compile("string()", ())(element)


@lru_cache(maxsize=2)
def _parser(*, recover: bool) -> etree.XMLParser:
    from lxml import etree

    return etree.XMLParser(
        recover=recover,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_comments=False,
        remove_pis=False,
        strip_cdata=False,
    )


def _tree(_: Message) -> Collection:
    return plain(b"[XML document tree]")


MAKERS: dict[str, Maker] = {"XML": _tree}
