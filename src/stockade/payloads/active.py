"""Files that do something when they are looked at: HTML, SVG with script, PDF with JavaScript, macros."""

from __future__ import annotations

import re
from typing import Any

from msgspec.structs import replace

from stockade.payloads.faults import BadPayload
from stockade.payloads.kinds import HTML, OLE, PDF, SVG, XML
from stockade.payloads.limits import Limits
from stockade.payloads.xml_body import local_name, read_xml

_LARGE = 100_000  # elements and the like of a drawing
_XHTML = b"http://www.w3.org/1999/xhtml"
_ACTIVE_TAGS = frozenset(
    ("script", "foreignObject", "iframe", "embed", "object", "handler", "listener", "audio", "video")
)
_ANIMATIONS = frozenset(("set", "animate", "animateTransform", "animateMotion", "animateColor"))
_is_harmless_link = re.compile(r"\s*(?:#|data:image/(?:png|jpeg|gif|webp)[;,])").match
_reaches_out = re.compile(r"@import|javascript:|expression\s*+\(|\burl\s*+\(\s*+['\"]?+\s*+(?!#)", re.IGNORECASE).search
_runs = re.compile(rb"<script[\s/>]|\son[a-z]++\s*+=|javascript:", re.IGNORECASE).search
_PDF_NAMES = ("JavaScript", "JS", "Launch", "RichMedia", "XFA", "EmbeddedFile")


def _pdf_name(name: str) -> str:
    """A pattern of the name, each character of which may be written in hex (ISO 32000-1, section 7.3.5)."""
    return "".join(f"(?:{letter}|#{ord(letter) >> 4}[{ord(letter) & 15:x}{ord(letter) & 15:X}])" for letter in name)


_pdf_action = re.compile(f"/(?=[JLRXE#])(?:{'|'.join(map(_pdf_name, _PDF_NAMES))})(?![A-Za-z0-9])".encode()).search
_OLE_MACROS = "_VBA_PROJECT".encode("utf-16-le")


def why_active(content: bytes, kind: str, limits: Limits) -> str:
    """What about the file is active, "" for nothing. A PDF is looked at as far as it is not compressed."""
    if kind == HTML:
        return "the file is HTML with a script" if _runs(content) else "the file is HTML"
    if kind == SVG:
        return _why_svg(content, limits)
    if kind == XML and (_XHTML in content or b"<?xml-stylesheet" in content):
        return "the file is XML that a browser shows as a page"
    if kind == PDF and _pdf_action(content):
        return "the PDF has JavaScript, starts something or holds files"
    if kind == OLE and _OLE_MACROS in content:
        return "the document has macros"
    return ""


def _why_svg(content: bytes, limits: Limits) -> str:
    large = replace(limits, elements=_LARGE, string=len(content) + 1, depth=128, attributes=256)
    try:
        root = read_xml(content, large)
    except BadPayload as error:
        return f"the SVG cannot be proved to be harmless: {error.faults[0].message}"
    for node in root.iter():
        if why := _why_node(node):
            return why
    return ""


def _why_node(node: Any) -> str:
    if type(node.tag) is not str:
        return ""
    tag = local_name(node.tag)
    if tag in _ACTIVE_TAGS:
        return "the SVG has a script or another document within"
    if tag == "style" and _reaches_out(node.xpath("string()")):
        return "the SVG has styles that load something"
    for name, value in node.items():
        name = local_name(name).lower()
        if name.startswith("on"):
            return "the SVG has a script"
        if name in ("href", "src") and not _is_harmless_link(value):
            return "the SVG has a link to something outside"
        if (
            name == "attributename"
            and tag in _ANIMATIONS
            and local_name(value.rpartition(":")[2]).lower().startswith(("href", "on"))
        ):
            return "the SVG changes its links or scripts"
        if _reaches_out(value):
            return "the SVG has a script, or loads something"
    return ""
