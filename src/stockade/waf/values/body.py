"""The body of the request: REQUEST_BODY, REQUEST_BODY_LENGTH, FULL_REQUEST, FULL_REQUEST_LENGTH, REQBODY_PROCESSOR,
REQBODY_ERROR, REQBODY_ERROR_MSG, REQBODY_PROCESSOR_ERROR, REQBODY_PROCESSOR_ERROR_MSG, INBOUND_DATA_ERROR.

REQUEST_BODY is the body as it was read: inflated, and cut at the limit. Rules see it whatever the processor, for XML
only where it is malformed, or where `ctl:forceRequestBodyVariable=On` asks for it: names of elements are no input, and
look like class names. FULL_REQUEST is a line `name: value` per header field, an empty line and the body.

REQBODY_PROCESSOR is the processor by content type until the body is read, then the one that read it.

REQBODY_ERROR is 1 when the body could not be read to its end, or is larger than the limit on fields; its message says
why, in words of ours. INBOUND_DATA_ERROR is 1 when the body, or its fields, are larger than a limit.
"""

from __future__ import annotations

from stockade.waf.values.base import NOTHING, ONE, ZERO, Collection, Maker, Message, plain

TOO_LARGE = "Request body excluding files is bigger than the maximum expected."


def _body(message: Message) -> Collection:
    return plain(message.body)


def _length(message: Message) -> Collection:
    return plain(b"%d" % len(message.body)) if message.body else NOTHING


def _processor(message: Message) -> Collection:
    return plain((message.processor or "").encode("latin-1"))


def _full(message: Message) -> Collection:
    lines = [name + b": " + value + b"\n" for name, value in message["REQUEST_HEADERS"]]
    return plain(b"".join((*lines, b"\n\n", message.body)))


def _full_length(message: Message) -> Collection:
    return plain(b"%d" % len(message["FULL_REQUEST"][0][1]))


def _error(message: Message) -> Collection:
    if not (message.failed or message.oversized) and _says_nothing(message):
        return NOTHING
    return ONE if message.failed or message.oversized else ZERO


def _error_text(message: Message) -> Collection:
    text = message.failed or (TOO_LARGE if message.oversized else "")
    return plain(text.encode("latin-1", "replace"))


def _says_nothing(message: Message) -> bool:
    """ModSecurity never says that a form is free of errors."""
    return not message.was_read or message.processor == "URLENCODED"


def _processor_error(message: Message) -> Collection:
    if not message.failed and (message.oversized or _says_nothing(message)):
        return NOTHING
    return ONE if message.failed else ZERO


def _processor_error_text(message: Message) -> Collection:
    return plain(message.failed.encode("latin-1", "replace"))


def _inbound(message: Message) -> Collection:
    if message.cut or message.oversized:
        return ONE
    return ZERO if message.was_read else NOTHING


MAKERS: dict[str, Maker] = {
    "REQUEST_BODY": _body,
    "REQUEST_BODY_LENGTH": _length,
    "FULL_REQUEST": _full,
    "FULL_REQUEST_LENGTH": _full_length,
    "REQBODY_PROCESSOR": _processor,
    "REQBODY_ERROR": _error,
    "REQBODY_ERROR_MSG": _error_text,
    "REQBODY_PROCESSOR_ERROR": _processor_error,
    "REQBODY_PROCESSOR_ERROR_MSG": _processor_error_text,
    "INBOUND_DATA_ERROR": _inbound,
}
