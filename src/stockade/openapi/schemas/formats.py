"""Formats and encodings of values: which the validator checks itself, and which become other keywords.

The validator's own are those of JSON Schema 2020-12 (validation, section 7.3). Those of OpenAPI's format registry are
turned into bounds and patterns, which cost less than a call back into Python.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

CHECKED = frozenset(
    {
        "date",
        "date-time",
        "time",
        "duration",
        "email",
        "idn-email",
        "hostname",
        "idn-hostname",
        "ipv4",
        "ipv6",
        "uri",
        "uri-reference",
        "iri",
        "iri-reference",
        "uri-template",
        "json-pointer",
        "relative-json-pointer",
        "uuid",
    }
)
FREE = frozenset({"password", "binary", "double", "decimal", "html", "commonmark"})  # that bind nothing here
_FLOAT = 3.4028234663852886e38  # the largest finite single-precision number (IEEE 754)
_BOUNDS: dict[str, tuple[float, float]] = {
    **{f"int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
    "float": (-_FLOAT, _FLOAT),
    "double-int": (-(2**53 - 1), 2**53 - 1),
}
_TEXTS = {
    "byte": r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
    "base64url": r"^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}(?:==)?|[A-Za-z0-9_-]{3}=?)?$",
    "base32": r"^(?:[A-Z2-7]{8})*(?:[A-Z2-7]{2}={6}|[A-Z2-7]{4}={4}|[A-Z2-7]{5}={3}|[A-Z2-7]{7}=)?$",
    "base16": r"^(?:[0-9A-Fa-f]{2})*$",
}
_ENCODINGS = {"base64": "byte", "base64url": "base64url", "base32": "base32", "base16": "base16"}
UNENCODED = frozenset({"7bit", "8bit", "binary"})
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def _begins(*signatures: bytes) -> str:
    """A pattern for the base64 (RFC 4648, section 4) of bytes that begin with one of the signatures."""
    shapes = []
    for signature in signatures:
        whole, rest = divmod(len(signature) * 8, 6)
        text = b64encode(signature + b"\0").decode()
        first = _ALPHABET.index(text[whole])
        last = _ALPHABET[first : first + (1 << (6 - rest))] if rest else ""
        shapes.append(text[:whole].replace("+", r"\+") + (f"[{last}]" if last else ""))
    return f"^(?:{'|'.join(shapes)})"


_SIGNED = {
    "image/png": _begins(b"\x89PNG\r\n\x1a\n"),
    "image/jpeg": _begins(b"\xff\xd8\xff"),
    "image/gif": _begins(b"GIF87a", b"GIF89a"),
    "image/webp": _begins(b"RIFF"),
    "application/pdf": _begins(b"%PDF-"),
    "application/zip": _begins(b"PK\x03\x04", b"PK\x05\x06"),
    "application/gzip": _begins(b"\x1f\x8b\x08"),
}


def signature_of(schema: dict[str, Any]) -> str | None:
    """The pattern of what a text in base64 must begin with to be what `contentMediaType` says; None: nobody knows."""
    encoding, media = schema.get("contentEncoding"), schema.get("contentMediaType")
    in_base64 = schema.get("format") == "byte" or (isinstance(encoding, str) and encoding.lower() == "base64")
    return _SIGNED.get(media.lower()) if in_base64 and isinstance(media, str) else None


def bounded(schema: dict[str, Any]) -> None:
    """Add to the schema (a copy of ours) the bounds and patterns that its `format` and `contentEncoding` stand for."""
    name, encoding = schema.get("format"), schema.get("contentEncoding")
    bounds = _BOUNDS.get(name) if isinstance(name, str) else None
    if bounds is not None and _is_numeric(schema):
        schema["minimum"] = max(bounds[0], _number(schema.get("minimum"), bounds[0]))
        schema["maximum"] = min(bounds[1], _number(schema.get("maximum"), bounds[1]))
    encodings = {name, _ENCODINGS.get(encoding.lower()) if isinstance(encoding, str) else None} & _TEXTS.keys()
    patterns = [_TEXTS[known] for known in sorted(map(str, encodings))]
    for pattern in filter(None, (*patterns, signature_of(schema))):
        if "pattern" in schema:
            schema["allOf"] = [*schema.get("allOf", ()), {"pattern": pattern}]
        else:
            schema["pattern"] = pattern


def unchecked(schema: dict[str, Any]) -> str | None:
    """What `format` or `contentEncoding` asks for and nobody here can check, in words."""
    name, encoding = schema.get("format"), schema.get("contentEncoding")
    if (
        isinstance(name, str)
        and name not in CHECKED
        and name not in FREE
        and name not in _BOUNDS
        and name not in _TEXTS
    ):
        return f"the format {name!r}"
    if isinstance(encoding, str) and encoding.lower() not in _ENCODINGS and encoding.lower() not in UNENCODED:
        return f"the contentEncoding {encoding!r}"
    return "contentSchema" if "contentSchema" in schema else None


def _is_numeric(schema: dict[str, Any]) -> bool:
    types = schema.get("type")
    named = {types} if isinstance(types, str) else set(types) if isinstance(types, list) else {"number"}
    return not named.isdisjoint({"integer", "number"})


def _number(value: Any, default: float) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else default
