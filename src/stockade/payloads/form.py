"""Form bodies: application/x-www-form-urlencoded (WHATWG URL, section 5), strictly.

Readers disagree on empty pairs, pairs without `=`, `;` as a separator, stray percent signs and raw bytes: refused.
"""

from __future__ import annotations

import re
from binascii import a2b_qp

from stockade.payloads.faults import MOST_FAULTS, BadPayload, Fault, pointer_to, refuse
from stockade.payloads.limits import DEFAULT, Limits

_stray_percent = re.compile(r"%(?![0-9A-Fa-f]{2})").search
_odd_byte = re.compile(rb"[^!-:<-~]").search  # printable ASCII but `;`, which some read as `&`


def read_form(body: bytes, limits: Limits = DEFAULT) -> list[tuple[str, str]]:
    """Names and values as they stand, repeated names included; an empty body has none.

    Raises BadPayload; pointers are "/" and the name.
    """
    if not body:
        return []
    if body.count(b"&") >= limits.fields:
        refuse("fields", f"the form has more than {limits.fields} fields")
    if found := _odd_byte(body):
        refuse("form-byte", f"the byte at {found.start()} must be written as a percent sign and two hex digits")
    pairs: list[tuple[str, str]] = []
    faults: list[Fault] = []
    for index, pair in enumerate(body.decode("ascii").split("&")):
        _read_pair(pair, index, limits, pairs, faults)
        if len(faults) >= MOST_FAULTS:
            break
    if faults:
        raise BadPayload(faults)
    return pairs


def _read_pair(pair: str, index: int, limits: Limits, pairs: list[tuple[str, str]], faults: list[Fault]) -> None:
    raw_name, equals, raw_value = pair.partition("=")
    if not equals or not raw_name:
        # `curl -d '{"n": 1}'` says that it is a form.
        hint = "; JSON is sent with Content-Type: application/json" if raw_name[:1] in ("{", "[") else ""
        faults.append(Fault("", "form-pair", f"field {index + 1} is not a name, an equals sign and a value{hint}"))
        return
    try:
        name, value = _decoded(raw_name), _decoded(raw_value)
    except _Undecodable as error:
        faults.append(Fault(pointer_to([raw_name]), error.args[0], f"field {index + 1} {error.args[1]}"))
        return
    where = pointer_to([name])
    if len(name) > limits.name:
        faults.append(Fault(where, "name-length", f"a name is longer than {limits.name} characters"))
    if "\0" in name:
        faults.append(Fault(where, "nul-in-name", "the name holds the character U+0000"))
    if len(value) > limits.string:
        faults.append(Fault(where, "string-length", f"the value is longer than {limits.string} characters"))
    if name == "_charset_" and value.lower() != "utf-8":
        faults.append(Fault(where, "charset", "the form must be in UTF-8"))
    pairs.append((name, value))


class _Undecodable(Exception):
    """The rule and what is wrong."""


def _decoded(text: str) -> str:
    if "%" not in text:
        return text.replace("+", " ")
    if _stray_percent(text):
        raise _Undecodable("percent", "has a percent sign that is not followed by two hex digits")
    # Quoted-printable (RFC 2045, section 6.7) but for its sign, and decoded in C: a megabyte of escapes is quick, too.
    printable = text.replace("=", "%3D").replace("+", "%20").replace("%", "=")
    try:
        return a2b_qp(printable).decode()
    except UnicodeDecodeError:
        raise _Undecodable("utf-8", "is not UTF-8 once its percent signs are decoded") from None
