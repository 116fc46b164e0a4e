"""Reading the body of a request: inflation, limits, and one of four processors.

Arguments of a query and a body together obey one limit. A processor that is given a body larger than the limit on
fields reads nothing of it (REQBODY_ERROR); multipart, whose files do not count, is measured while it is read.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from stockade.waf.values.arguments import read_form
from stockade.waf.values.base import EMPTY, Message
from stockade.waf.values.inflation import inflate
from stockade.waf.values.json_body import read_json


def read_body(message: Message, content: bytes, processor: str | None) -> None:
    """Fill in what `message` knows of its body. Reading again starts anew."""
    message.was_read, message.processor = True, processor
    message.post, message.failed, message.oversized, message.cut = EMPTY, "", False, False
    message.multipart = message.xml_body = None
    message.problems = []
    message.body = _within_limits(message, content)
    read = _PROCESSORS.get(processor or "")
    if read is None:
        return
    most = message.limits.fields
    if len(message.body) > most > 0 and processor != "MULTIPART":
        message.oversized = True
    else:
        read(message)


def _within_limits(message: Message, content: bytes) -> bytes:
    limits = message.limits
    if len(content) > limits.body > 0:
        message.cut = True
        content = content[: limits.body]
    if limits.inflate and content and "content-encoding" in message.request.headers:
        encodings = message.request.headers.get("content-encoding") or ""
        inflated = inflate(content, encodings, limits.inflated or sys.maxsize - 1)
        content, message.failed = inflated.content, inflated.failed
        message.cut = message.cut or inflated.was_cut
    return content


def _room(message: Message) -> int:
    """How many arguments there may still be."""
    most = message.limits.arguments
    return max(0, most - len(message["ARGS_GET"])) if most else sys.maxsize


def _fail(message: Message, kind: str, why: str) -> None:
    if why:
        message.failed = f"{kind} parsing error: {why}"


def _read_form(message: Message) -> None:
    message.post = read_form(message.body, message.limits.separator, _room(message))


def _read_json(message: Message) -> None:
    if not message.body:
        return
    message.post, failed, problems = read_json(message.body, message.limits.depth or sys.maxsize, _room(message))
    _fail(message, "JSON", failed)
    message.problems += problems


def _read_multipart(message: Message) -> None:
    from stockade.waf.values.multipart_reader import Reading

    lines = message.request.headers.all("content-type")
    reading = message.multipart = Reading(message.body, lines[0].encode("latin-1", "replace") if lines else b"")
    limits = message.limits
    message.post = reading.arguments[: _room(message)]
    if len(reading.files) > limits.files > 0:
        reading.flags.add("FILE_LIMIT_EXCEEDED")
    _fail(message, "Multipart", reading.failed)
    message.oversized = not reading.failed and reading.fields > limits.fields > 0


def _read_xml(message: Message) -> None:
    from stockade.waf.values.xml_body import Document

    document = message.xml_body = Document(message.body)
    if message.limits.xml_arguments:
        message.post = document.arguments(_room(message), 65536 + 8 * len(message.body))
    _fail(message, "XML", document.failed)
    message.problems += document.problems


_PROCESSORS: dict[str, Callable[[Message], None]] = {
    "URLENCODED": _read_form,
    "JSON": _read_json,
    "MULTIPART": _read_multipart,
    "XML": _read_xml,
}
