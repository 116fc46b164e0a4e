"""Texts that must have a form: hosts, paths, names of header fields, networks, operations, media types, files.

Each is checked on its own, so that every bad entry of a list is told with its own line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import BeforeValidator, WithJsonSchema

from stockade.config.errors import written
from stockade.networks import NetworkSet
from stockade.networks.sets import parse_address
from stockade.operations import parse_operation
from stockade.wire import BadTarget, parse_target

# Patterns are for JSON Schema too, and so in its dialect (ECMA 262): no flags, no possessive anything.
_NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"
_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"  # RFC 9110, section 5.6.2  # noqa: S105 - not that kind of token
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = rf"^(?:\*|(?:\*\.)?{_LABEL}(?:\.{_LABEL})*)$"
_RESTRICTED = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*"  # RFC 6838, section 4.2
_MEDIA_TYPE = rf"^{_RESTRICTED}/(?:\*|{_RESTRICTED})$"
_URL_PATH = r"^/[!-~]*$"
_METHOD = r"^[A-Za-z]+(?:-[A-Za-z]+)*$"


def _text(check: Callable[[str], Any]) -> BeforeValidator:
    """A validator for text alone; what is no text is pydantic's to refuse."""
    return BeforeValidator(lambda value: check(value) if isinstance(value, str) else value)


def _schema(pattern: str, description: str = "") -> WithJsonSchema:
    return WithJsonSchema(
        {"type": "string", "pattern": pattern} | ({"description": description} if description else {})
    )


def _name(text: str) -> str:
    if not re.fullmatch(_NAME, text):
        raise ValueError(f"{written(text)} is not a name: a-z, 0-9, - and _, 63 at most, a letter or digit first")
    return text


def _host(text: str) -> str:
    if not re.fullmatch(_HOST, text) or len(text) > 255:
        hint = "; no scheme, port or path" if any(char in text for char in ":/") else ""
        hint = hint or ("" if text.isascii() else "; other alphabets are written as xn--…")
        raise ValueError(f'{written(text)} is not a host such as "api.example.com", "*.example.com" or "*"{hint}')
    return text.lower()


def _prefix(text: str) -> str:
    if "*" in text:
        raise ValueError(f"{written(text)}: a prefix has no wildcard; /api takes all that is under /api/")
    try:
        path, query = parse_target(text)
    except BadTarget as error:
        raise ValueError(f'{written(text)} is not a prefix such as "/" or "/api/v1": {error}') from None
    if query or "?" in text:
        raise ValueError(f"{written(text)}: a prefix has no query")
    if path != text:
        raise ValueError(f"{written(text)} would never match: requests are normalised first, so write {path!r}")
    return text


def is_header_name(text: str) -> bool:
    """Whether a field may be called so (RFC 9110, section 5.1)."""
    return re.fullmatch(_TOKEN, text) is not None


def _url_path(text: str) -> str:
    if not re.fullmatch(_URL_PATH, text):
        raise ValueError(f"{written(text)} is not the path of a URL, such as /health")
    return text


def _header(text: str) -> str:
    if not is_header_name(text):
        raise ValueError(f'{written(text)} is not the name of a header, such as "X-API-Key"')
    return text


def _method(text: str) -> str:
    if not re.fullmatch(_METHOD, text):
        raise ValueError(f"{written(text)} is not an HTTP method, such as GET")
    return text.upper()


def is_media_type(text: str) -> bool:
    """Whether it is a media type without parameters, or a range such as text/*."""
    return re.fullmatch(_MEDIA_TYPE, text) is not None


def _media_type(text: str) -> str:
    if text == "*/*":
        raise ValueError("'*/*' is every type: leave the list empty")
    if not is_media_type(text):
        hint = f"; its parameters are not compared, write {text.partition(';')[0].strip()!r}" if ";" in text else ""
        raise ValueError(f'{written(text)} is not a media type such as "application/json" or "text/*"{hint}')
    return text.lower()


def _network(text: str) -> str:
    NetworkSet([text])
    return text


def _operation(text: str) -> str:
    parse_operation(text)
    return text


def _file(text: str) -> Path:
    if not text:
        raise ValueError("the path of a file is empty")
    return Path(text)


def check_url(text: str, example: str, shown: str = "") -> SplitResult:
    """The parts of an http or https URL whose host is a plain one. Raises ValueError, which shows no password.

    shown: what the policy has in its place, for the error.
    """
    shown = shown or written(text)
    if "@" in text.partition("://")[2].partition("/")[0]:
        raise ValueError("a URL must not hold a user or a password (it is not shown here)")
    try:
        parts = urlsplit(text)
        good_port = parts.port != 0
    except ValueError as error:
        raise ValueError(f"{shown} is not a URL: {error}") from None
    clean = text.isascii() and text.isprintable() and " " not in text
    if parts.scheme not in ("http", "https") or not clean or not good_port or not _is_plain_host(parts.hostname or ""):
        raise ValueError(f"{shown} is not a URL such as {example}")
    return parts


def _is_plain_host(host: str) -> bool:
    return (
        parse_address(host) is not None if ":" in host else re.fullmatch(rf"{_LABEL}(\.{_LABEL})*\.?", host) is not None
    )


Name = Annotated[str, _text(_name), _schema(_NAME)]
Host = Annotated[str, _text(_host), _schema(_HOST)]
Prefix = Annotated[str, _text(_prefix), _schema(r"^/[^?#*]*$")]
UrlPath = Annotated[str, _text(_url_path), _schema(_URL_PATH)]
HeaderName = Annotated[str, _text(_header), _schema(rf"^{_TOKEN}$")]
Method = Annotated[str, _text(_method), _schema(_METHOD)]
MediaType = Annotated[str, _text(_media_type), _schema(_MEDIA_TYPE)]
Network = Annotated[str, _text(_network), _schema(r"^\s*[0-9A-Fa-f:./]+\s*$")]
Operation = Annotated[str, _text(_operation), _schema(r"^\s*\S+\s+/")]
FilePath = Annotated[Path, _text(_file), WithJsonSchema({"type": "string"})]
