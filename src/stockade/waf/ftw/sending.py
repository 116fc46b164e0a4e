"""From a stage's input to the bytes on the wire, as go-ftw puts them there. Tests must be able to break HTTP."""

from __future__ import annotations

from urllib.parse import quote_plus

from stockade.waf.ftw.model import Fields, Input

_WITH_BODY = frozenset({b"POST", b"PUT", b"PATCH", b"DELETE"})
_FORM = b"application/x-www-form-urlencoded"


def request_bytes(sent: Input, extra: Fields = ()) -> bytes:
    """The request. Fields in `extra` are sent too, right after the request line."""
    if sent.raw is not None:
        return _with_fields(sent.raw, extra)
    headers, data = sent.headers, sent.data
    if data and sent.autocomplete:
        if _value(headers, b"content-type") is None:
            headers = (*headers, (b"Content-Type", _FORM))
        if (_value(headers, b"content-type") or b"").lower() == _FORM:
            data = _form(data)
    if b"multipart/form-data;" in (_value(headers, b"content-type") or b"").lower():
        # YAML's line ends are not those of multipart (RFC 2046, section 5.1.1).
        data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if sent.autocomplete:
        headers = _completed(headers, len(data), must=sent.empty_length and sent.method in _WITH_BODY)
    line = b" ".join((sent.method, sent.uri, sent.version))
    fields = b"".join(name + b": " + value + b"\r\n" for name, value in (*extra, *headers))
    return line + b"\r\n" + fields + b"\r\n" + data


def _value(headers: Fields, name: bytes) -> bytes | None:
    """Of the first field with that name (lower case)."""
    return next((value for key, value in headers if key.lower() == name), None)


def _completed(headers: Fields, size: int, *, must: bool) -> Fields:
    if _value(headers, b"connection") is None:
        headers = (*headers, (b"Connection", b"close"))
    if _value(headers, b"content-length") is None and (size or must):
        headers = (*headers, (b"Content-Length", b"%d" % size))
    return headers


def _form(data: bytes) -> bytes:
    """Names and values percent-encoded, unless something in them looks as if they were already."""
    if b"%" in data or b"+" in data:
        return data
    pairs = data.split(b"&")
    if not pairs[-1]:
        pairs.pop()
    return b"&".join(b"=".join(quote_plus(part).encode() for part in pair.split(b"=", 1)) for pair in pairs)


def _with_fields(raw: bytes, extra: Fields) -> bytes:
    line, end, rest = raw.partition(b"\n")
    if not extra or not end:
        return raw
    newline = b"\r\n" if line.endswith(b"\r") else b"\n"
    return line + end + b"".join(name + b": " + value + newline for name, value in extra) + rest
