"""Forms, `application/x-www-form-urlencoded`, read in the one way on which all readers agree.

A parameter that stands twice is refused (RFC 6749, section 3.2; but for `resource`), and so is whatever another reader
might decode to something else: bad escapes, bytes that are no UTF-8, control characters.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from stockade.grants.refusals import Refusal

MAX_FORM: Final = 16 * 1024  # bytes
MAX_FIELDS: Final = 32
MAX_VALUE: Final = 8 * 1024  # characters, so that a client assertion fits
BETWEEN: Final = "\n"
_SEVERAL: Final = "resource"
_bad_escape = re.compile(rb"%(?![0-9A-Fa-f]{2})").search
_CONTROL = re.compile(r"[\x00-\x1f\x7f]").search


def read_form(data: bytes) -> dict[str, str]:
    """The parameters. One without a value counts as not sent (section 3.1). Raises Refusal (invalid_request).

    `resource` alone may stand there several times (RFC 8707, section 2); its values are joined by BETWEEN, which no
    value has.
    """
    if len(data) > MAX_FORM:
        raise Refusal("invalid_request", f"the request has more than {MAX_FORM} bytes", 413)
    pairs = data.split(b"&") if data else []
    if len(pairs) > MAX_FIELDS:
        raise Refusal("invalid_request", f"there are more than {MAX_FIELDS} parameters")
    fields: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition(b"=")
        key = _decoded(name)
        text = _decoded(value)
        if key in fields and key != _SEVERAL:
            raise Refusal("invalid_request", "a parameter stands there twice")
        fields[key] = f"{fields[key]}{BETWEEN}{text}" if key in fields else text
    return {name: value for name, value in fields.items() if value}


def _decoded(part: bytes) -> str:
    if _bad_escape(part):
        raise Refusal("invalid_request", "a parameter has a broken percent escape")
    try:
        text = unquote_to_bytes(part.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise Refusal("invalid_request", "a parameter is not UTF-8") from None
    if _CONTROL(text):
        raise Refusal("invalid_request", "a parameter has control characters")
    if len(text) > MAX_VALUE:
        raise Refusal("invalid_request", f"a parameter has more than {MAX_VALUE} characters")
    return text
