"""What every family of variables reads: the message, its limits, and the collections made so far.

A *collection* is a list of pairs `(key, value)`, both bytes, in the order of the message. A variable that is not a
collection is a list of one pair with the key b"", and holds b"" while nothing is known, as in ModSecurity v3: that is
what `&REQBODY_ERROR` counts and `@eq 0` compares. Lists are shared, so nobody changes one that was handed out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from stockade.wire import Headers, Request, Response

if TYPE_CHECKING:
    from stockade.waf.values.multipart_reader import Reading
    from stockade.waf.values.xml_body import Document

Collection: TypeAlias = list[tuple[bytes, bytes]]

EMPTY: Collection = []
NOTHING: Collection = [(b"", b"")]
ZERO: Collection = [(b"", b"0")]
ONE: Collection = [(b"", b"1")]


class Limits(Struct, frozen=True, gc=False):
    """How much of a message is read. Sizes in bytes; 0 means without limit, unless said otherwise."""

    arguments: int = 1000  # SecArgumentsLimit: of all kinds together
    separator: bytes = b"&"  # SecArgumentSeparator, one byte
    body: int = 131072  # SecRequestBodyLimit: what comes after it is not read, and INBOUND_DATA_ERROR is 1
    fields: int = 131072  # SecRequestBodyNoFilesLimit: the body, or what a multipart body holds besides files
    depth: int = 512  # SecRequestBodyJsonDepthLimit
    xml_arguments: bool = False  # SecParseXmlIntoArgs
    inflate: bool = True  # whether gzip and deflate bodies are inflated before they are read
    inflated: int = 1048576  # the body after that
    files: int = 0  # SecUploadFileLimit
    response_body: int = 524288  # SecResponseBodyLimit


class Message(dict[str, Collection]):
    """A request and, later, its response. Families read the attributes; `Values` adds the phases."""

    __slots__ = (
        "body",
        "cut",
        "failed",
        "limits",
        "multipart",
        "oversized",
        "post",
        "problems",
        "processor",
        "request",
        "response",
        "response_body",
        "response_cut",
        "was_read",
        "xml_body",
    )

    def __init__(self, request: Request, limits: Limits) -> None:
        self.request = request
        self.limits = limits
        self.processor: str | None = default_processor(request.headers)  # then the one that read the body
        self.was_read = False  # the body, which may be empty
        self.body = b""  # as it was read: inflated, cut at the limit
        self.cut = False  # the body, at its limit
        self.oversized = False  # its fields, which were not read then
        self.post: Collection = EMPTY  # arguments of the body
        self.failed = ""  # why the processor gave up
        self.multipart: Reading | None = None  # how the body was read, where it was multipart
        self.xml_body: Document | None = None  # or XML
        self.problems: list[str] = []  # what two parsers could read differently, in words fit for a log
        self.response: Response | None = None
        self.response_body = b""
        self.response_cut = False


Maker: TypeAlias = Callable[[Message], Collection]


def plain(value: bytes) -> Collection:
    """The collection of a variable that is none."""
    return [(b"", value)]


def raw(text: str) -> bytes:
    """The bytes of a header, path or method: `wire` holds each byte as one character (ISO 8859-1)."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")  # a caller that decoded too much


def default_processor(headers: Headers) -> str | None:
    """The processor that the engine takes by itself, by content type; a rule may choose another."""
    if "content-type" not in headers:
        return None
    processor = None
    for line in headers.all("content-type"):
        kind = line[:64].lower()
        if kind.startswith("multipart/form-data"):
            processor = "MULTIPART"
        elif kind.startswith("application/x-www-form-urlencoded"):
            processor = "URLENCODED"
    return processor
