"""validateSchema, validateDTD: the value, an XML document, breaks its schema (XML Schema 1.0) or its DTD, or is no XML.

    SecRule XML "@validateSchema orders.xsd" "id:1,phase:2,deny"

The file is read at load, relative to the rule's own; it may include others from its folder, none from the net. Entities
of a document are not expanded, its own DTD is not loaded. A request without an XML document matches, as in ModSecurity.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from stockade.waf.operators.base import SOMEWHERE, BadArgument, Files, Hit, Test

_REMOTE = "//@schemaLocation[contains(., '://')]"


def make_schema(argument: bytes, files: Files) -> Test:
    return _test(argument, files, _schema)


def make_dtd(argument: bytes, files: Files) -> Test:
    return _test(argument, files, _dtd)


def _test(argument: bytes, files: Files, load: Callable[[Any, Path], Any]) -> Test:
    try:
        from lxml import etree  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        raise BadArgument("validating XML needs the package lxml") from None
    path = files.path(argument.decode(errors="surrogateescape").strip())
    try:
        rules = load(etree, path)
    except (OSError, etree.LxmlError) as error:
        raise BadArgument(f"{path}: {error}") from None
    validate: Callable[[Any], bool] = rules.validate

    def test(value: bytes) -> Hit | None:
        try:
            valid = validate(etree.fromstring(value, _parser(etree)))
        except (etree.LxmlError, ValueError):
            return SOMEWHERE
        return None if valid else SOMEWHERE

    return test


def _schema(etree: Any, path: Path) -> Any:
    tree = etree.parse(str(path), _parser(etree))
    if tree.xpath(_REMOTE):
        raise BadArgument(f"{path}: it refers to schemas on the net: download them and refer to the files")
    return etree.XMLSchema(tree)


def _dtd(etree: Any, path: Path) -> Any:
    with path.open("rb") as file:
        return etree.DTD(file)


def _parser(etree: Any) -> Any:
    return etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
