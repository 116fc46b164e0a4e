"""Whether the content of an uploaded file is what its sender says, and nothing that bites."""

from __future__ import annotations

from stockade.payloads.active import why_active
from stockade.payloads.archives import BadArchive, inspect
from stockade.payloads.faults import BadPayload, Note
from stockade.payloads.json_body import read_json
from stockade.payloads.kinds import EXECUTABLE, JSON, SVG, UNKNOWN, XML, holds_script, kind_of, may_be, suits_extension
from stockade.payloads.limits import Limits
from stockade.payloads.pictures import pixels_of
from stockade.payloads.xml_body import read_xml

_OPAQUE = frozenset(
    (
        "application/x-bzip2",
        "application/x-xz",
        "application/zstd",
        "application/x-7z-compressed",
        "application/vnd.rar",
        "application/vnd.ms-cab-compressed",
    )
)
_END_OF_ZIP = b"PK\5\6"


def check_file(content: bytes, declared: str, filename: str, limits: Limits, note: Note) -> str:
    """The media type that the content shows; what is wrong goes to `note`."""
    if len(content) > limits.file:
        note("file-size", f"the file is larger than {limits.file} bytes")
        return ""
    kind = kind_of(content)
    try:
        kind, macros = inspect(content, kind, limits)
    except BadArchive as error:
        note(error.rule, str(error))
        return kind
    if macros and not limits.active_files:
        note("active-content", "the document has macros")
    if kind:
        _check_type(kind, declared, filename, limits, note)
        _check_content(content, kind, declared, limits, note)
    return kind


def _check_type(kind: str, declared: str, filename: str, limits: Limits, note: Note) -> None:
    if kind == EXECUTABLE:
        note("executable", "the file is a program")
    elif kind == UNKNOWN and not limits.unknown_files:
        note("unknown-type", "the content of the file tells no type that is known here")
    elif not (may_be(kind, declared) or declared == UNKNOWN):
        note("type-mismatch", f"the file is declared as {declared[:64]}, but its content is {kind}")
    elif limits.file_types and not _is_listed(kind, declared, limits.file_types):
        note("file-type", f"a file of type {kind} is not accepted here")
    elif kind in _OPAQUE and not limits.file_types:
        note("opaque-archive", f"a file of type {kind} cannot be looked into")
    elif kind != UNKNOWN and not suits_extension(kind, filename):
        note("extension-mismatch", f"the file name ends unlike that of a file of type {kind}")


def _is_listed(kind: str, declared: str, listed: frozenset[str]) -> bool:
    """What is listed may be wider than the kind (`image/*`) or narrower (text/csv, which looks like any text)."""
    names = {kind, kind.partition("/")[0] + "/*"}
    if declared != UNKNOWN:
        names.add(declared)
    return not names.isdisjoint(listed) or "*/*" in listed


def _check_content(content: bytes, kind: str, declared: str, limits: Limits, note: Note) -> None:
    if not limits.active_files and (why := why_active(content, kind, limits)):
        note("active-content", why)
    if pixels_of(content, kind) > limits.pixels:
        note("picture-size", f"the picture has more than {limits.pixels} pixels")
    if kind.startswith("image/") and kind != SVG and holds_script(content):
        note("polyglot", "the image holds a script")
    if kind.startswith(("image/", "application/pdf", "video/", "audio/")) and _ends_in_zip(content):
        note("polyglot", f"the file is of type {kind} and a zip archive at once")
    try:
        if kind == JSON and declared.endswith("json"):
            read_json(content, limits)
        elif kind == XML and declared.endswith("xml"):
            read_xml(content, limits)
    except BadPayload as error:
        note(error.faults[0].rule, f"within the file, {error.faults[0].message}")


def _ends_in_zip(content: bytes) -> bool:
    """Whether a zip reader, which begins at the end, would find a directory."""
    at = content.rfind(_END_OF_ZIP, max(0, len(content) - 65_557))
    if at < 0:
        return False
    size = int.from_bytes(content[at + 12 : at + 16], "little")
    return content[max(0, at - size) :].startswith((b"PK\1\2", _END_OF_ZIP))
