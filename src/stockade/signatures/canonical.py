"""Requests signed by HMAC over a canonical request, in the style of AWS (Signature Version 4).

    canonical request ──SHA-256──▶ text to sign (algorithm, time, scope, digest) ──HMAC──▶ signature
    secret ──HMAC──▶ date ──▶ region ──▶ service ──▶ terminator: a key for one day, region and service

Signatures stand in the Authorization header; those in the query (presigned URLs) are not read.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from msgspec import Struct

from stockade.signatures.base import path_of
from stockade.signatures.message import BadSignature
from stockade.wire import Headers, Request

UNSIGNED: Final = "UNSIGNED-PAYLOAD"
_LONGEST: Final = 4096  # characters of the header field
_MOST_HEADERS: Final = 64
_MOST_PARAMETERS: Final = 500
_hex = re.compile(r"[0-9a-f]{64}").fullmatch
_time = re.compile(r"[0-9]{8}T[0-9]{6}Z").fullmatch
_name = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+").fullmatch
_words = re.compile(r"[\x21-\x7e]+").fullmatch
_blanks = re.compile(r" +").sub


class CanonicalRules(Struct, frozen=True):
    """What a signature must satisfy.

    region, service: of its scope, exactly. headers: what must be signed besides the host, the time and every header of
    the vendor's. leeway: seconds between its time and ours. unsigned: whether the body may be left out.
    encoding: how often the path is percent-encoded in what is signed; "once" as for S3, else "twice".
    vendor: of the names, "AWS4" for AWS4-HMAC-SHA256 and aws4_request. prefix: of its headers.
    """

    region: str
    service: str
    headers: tuple[str, ...] = ()
    leeway: float = 300.0
    unsigned: bool = False
    encoding: str = "twice"
    vendor: str = "AWS4"
    prefix: str = "x-amz-"

    @property
    def algorithm(self) -> str:
        return f"{self.vendor}-HMAC-SHA256"

    @property
    def terminator(self) -> str:
        return f"{self.vendor.lower()}_request"


class CanonicalSignature(Struct, frozen=True):
    """One, unproven. sent: epoch seconds. time: the same as it was written. digest: of the body as it is said; empty
    where nobody says it."""

    key_id: str
    date: str
    time: str
    sent: float
    signed: tuple[str, ...]
    value: str
    digest: str


def read_canonical(request: Request, rules: CanonicalRules, at: float) -> CanonicalSignature:
    """All but the cryptography: well written, of our scope, fresh, over what must be signed. Raises BadSignature."""
    headers = request.headers
    fields = _fields(_only(headers, "authorization") or "", rules.algorithm)
    parts = fields["Credential"].split("/")
    if len(parts) != 5 or not all(map(_words, parts)):
        raise BadSignature("malformed", "Credential")
    key_id, date, region, service, end = parts
    if (region, service, end) != (rules.region, rules.service, rules.terminator):
        raise BadSignature("wrong-scope", "/".join(parts[1:])[:64])
    time = _only(headers, f"{rules.prefix}date") or ""
    sent = _seconds(time)
    if date != time[:8]:
        raise BadSignature("wrong-scope", "the date differs")
    if not abs(at - sent) <= rules.leeway:
        raise BadSignature("expired")
    signed = tuple(fields["SignedHeaders"].split(";"))
    _check_signed(signed, headers, rules)
    digest = _only(headers, f"{rules.prefix}content-sha256") or ""
    if digest and not _hex(digest) and not (digest == UNSIGNED and rules.unsigned):
        raise BadSignature("not-covered", "the body")
    if not _hex(fields["Signature"]):
        raise BadSignature("malformed", "Signature")
    return CanonicalSignature(key_id, date, time, sent, signed, fields["Signature"], digest)


def is_by(signature: CanonicalSignature, secret: bytes, request: Request, rules: CanonicalRules, digest: str) -> bool:
    """Whether the secret signed this request with a body of this digest (SHA-256, hex). Raises BadSignature."""
    canonical = canonical_request(request, signature.signed, digest, rules)
    scope = f"{signature.date}/{rules.region}/{rules.service}/{rules.terminator}"
    lines = (rules.algorithm, signature.time, scope, hashlib.sha256(canonical).hexdigest())
    key = rules.vendor.encode() + secret
    for step in (signature.date, rules.region, rules.service, rules.terminator):
        key = hmac.digest(key, step.encode(), "sha256")
    found = hmac.digest(key, "\n".join(lines).encode(), "sha256").hex()
    return hmac.compare_digest(found, signature.value)


def canonical_request(request: Request, signed: tuple[str, ...], digest: str, rules: CanonicalRules) -> bytes:
    """Raises BadSignature for what two readers could read differently."""
    names = [f"{name}:{_value(request, name)}" for name in signed]
    lines = [request.method, _path(request, rules), _query(request.query), *names, "", ";".join(signed), digest]
    return "\n".join(lines).encode("latin-1")


def _fields(field: str, algorithm: str) -> dict[str, str]:
    name, _, rest = field.partition(" ")
    pairs = [part.strip(" ").partition("=") for part in rest.split(",")]
    fields = {key: value for key, _, value in pairs}
    if len(field) > _LONGEST or name != algorithm or len(pairs) != 3:
        raise BadSignature("malformed")
    if fields.keys() != {"Credential", "SignedHeaders", "Signature"}:
        raise BadSignature("malformed")
    return fields


def _seconds(time: str) -> float:
    try:
        if _time(time):
            return datetime.strptime(time, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        pass
    raise BadSignature("missing-created" if not time else "malformed")


def _only(headers: Headers, name: str) -> str | None:
    """The field, which must not come twice: one reader takes the first, another the last."""
    lines = headers.all(name)
    if len(lines) > 1:
        raise BadSignature("malformed", name)
    return lines[0].strip(" \t") if lines else None


def _check_signed(signed: tuple[str, ...], headers: Headers, rules: CanonicalRules) -> None:
    if len(signed) > _MOST_HEADERS or list(signed) != sorted(set(signed)) or not all(map(_name, signed)):
        raise BadSignature("malformed", "SignedHeaders")
    wanted = {"host", f"{rules.prefix}date", *(name for name in rules.headers if name in headers)}
    wanted |= {name for name in headers.names() if name.startswith(rules.prefix)}
    missing = sorted(wanted - set(signed))
    if missing:
        raise BadSignature("not-covered", " ".join(missing)[:64])


def _value(request: Request, name: str) -> str:
    lines = request.headers.all(name)
    if not lines and name == "host":
        lines = [request.authority]
    if not lines:
        raise BadSignature("component-missing", name)
    return ",".join(_blanks(" ", line.strip(" \t")) for line in lines)


def _path(request: Request, rules: CanonicalRules) -> str:
    """Signers take dots and double slashes out of it, so that one that has any would be signed as another."""
    path = path_of(request)
    segments = path.split("/")[1:]
    if {".", ".."} & set(segments) or (rules.encoding != "once" and "" in segments[:-1]):
        raise BadSignature("path-ambiguous")
    return _encoded(path, "/") if rules.encoding == "once" else quote(path.encode("latin-1", "replace"), safe="-_.~/")


def _query(query: str) -> str:
    if "+" in query:  # a space to some readers, a plus to others; signed it looks the same
        raise BadSignature("query-ambiguous")
    parts = [part.partition("=") for part in query.split("&") if part]
    if len(parts) > _MOST_PARAMETERS:
        raise BadSignature("malformed", "@query")
    pairs = sorted((_encoded(name), _encoded(value)) for name, _, value in parts)
    return "&".join(f"{name}={value}" for name, value in pairs)


def _encoded(text: str, safe: str = "") -> str:
    """Percent-encoded once, whatever of it was already."""
    return quote(unquote_to_bytes(text.encode("latin-1", "replace")), safe=f"-_.~{safe}")
