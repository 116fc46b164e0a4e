"""Requests for a comparison of engines: honest API traffic, and CRS's payloads in other places and disguises.

All of it comes from one seed, so that a difference that is found once is found again.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Iterator
from html import escape
from urllib.parse import quote, quote_plus, unquote_to_bytes

from stockade.waf.ftw import Case, Input, Refused, Unanswered, read_request_bytes, request_bytes
from stockade.wire import Headers, Request, Response
from tests.waf.conformance.crs import RULES

_WORDS = (
    *(
        "order",
        "note",
        "price",
        "select",
        "the",
        "best",
        "option",
        "from",
        "menu",
        "O'Brien",
        "naïve",
        "東京",
        "🙂",
        "C:\\temp",
    ),
    *(
        "SELECT * FROM users",
        "<b>bold</b>",
        "user@example.com",
        "1.99",
        "-5",
        "null",
        "2024-05-01T10:00:00Z",
        "100%",
        "a+b",
    ),
    *(
        "https://example.com/a?b=c&d=e",
        "../up",
        "rm -rf",
        "`code`",
        "# Title",
        "{{name}}",
        "x" * 300,
        "",
        " ",
        "%41",
        "&amp;",
    ),
)
_KEYS = (
    "id",
    "name",
    "q",
    "filter[status]",
    "user.email",
    "items",
    "file",
    "cmd",
    "__proto__",
    "page",
    "X",
    "ключ",
    "a b",
)
_PATHS = (
    "/",
    "/orders",
    "/orders/17",
    "/v2/users/me",
    "/a%20b/c",
    "/files/report.pdf",
    "/index.php",
    "/.env",
    "/a//b/../c",
)
_AGENTS = ("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0", "curl/8.5.0", "sqlmap/1.8", "okhttp/4.12.0")
_METHODS = ("GET", "GET", "POST", "POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_BOUNDARY = "----x1y2z3"

Mutation = Callable[[random.Random, bytes], bytes]


def requests(cases: list[Case], seed: int, count: int) -> Iterator[Request]:
    """`count` requests that HTTP lets through, each with its number as id."""
    source = random.Random(seed)
    payloads = list(_payloads(cases))
    inputs = [stage.input for case in cases for stage in case.stages if stage.input.raw is None]
    kinds: list[Callable[[random.Random], Input]] = [
        lambda chance: _honest(chance),
        lambda chance: _attack(chance, payloads),
        lambda chance: _attack(chance, payloads),
        lambda chance: _changed(chance, chance.choice(inputs)),
    ]
    made = 0
    corners = _corners()
    while made < count:
        sent = next(corners, None) or source.choice(kinds)(source)
        try:
            request = read_request_bytes(request_bytes(sent), str(made))
        except (Refused, Unanswered):
            continue
        made += 1
        yield request


def _corners() -> Iterator[Input]:
    """What chance brings about too seldom, and in which the engines differ: see differences.yaml."""
    common = ((b"Host", b"localhost"), (b"User-Agent", b"curl/8.5.0"))
    yield Input(uri=b"/?q=foo')+UNION+ALL+sele%00ct+NULL+--", headers=common)
    yield Input(uri=b"/?q=%3Cx%20onend%3D%3Cx%20onend%3D", headers=common)
    lines = [(b"a", b"select\r\ncase"), (b"b", b'"\r\nContent-Type: text/html\r\n\r\n<b>')]
    kind = (b"Content-Type", f"multipart/form-data; boundary={_BOUNDARY}".encode())
    yield Input(b"POST", headers=(*common, kind), data=_multipart(random.Random(0), lines))


def _payloads(cases: list[Case]) -> Iterator[bytes]:
    """The values in the tests' queries, forms, bodies and unusual headers."""
    for case in cases:
        for stage in case.stages:
            sent = stage.input
            query = sent.uri.partition(b"?")[2]
            yield from (value for text in (query, sent.data) for value in _values(text) if value)
            if sent.data and b"=" not in sent.data:
                yield sent.data
            common = (b"host", b"user-agent", b"accept", b"content-type", b"content-length", b"connection")
            yield from (value for name, value in sent.headers if name.lower() not in common and value)


def _values(form: bytes) -> Iterator[bytes]:
    for pair in form.split(b"&"):
        _, equals, value = pair.partition(b"=")
        if equals:
            yield unquote_to_bytes(value.replace(b"+", b" "))


def responses(seed: int) -> Iterator[Response]:
    """Answers without end: pages, JSON, and what errors look like that should not be shown."""
    chance = random.Random(seed)
    lines = [line for file in sorted(RULES.glob("*errors.data")) for line in file.read_bytes().splitlines() if line]
    kinds = (b"text/html; charset=utf-8", b"application/json", b"text/plain", b"image/png", b"")
    while True:
        body = _word(chance).encode()
        if chance.random() < 0.4:
            body = b"<html><body>" + body + chance.choice(lines) + _word(chance).encode() + b"</body></html>"
        for _ in range(chance.choice((0, 0, 0, 1))):
            body = chance.choice(_MUTATIONS)(chance, body)
        headers = [("Content-Type", chance.choice(kinds).decode()), ("Content-Length", str(len(body)))]
        yield Response(chance.choice((200, 200, 200, 404, 500)), Headers.of(headers), body)


# Honest requests.


def _word(chance: random.Random) -> str:
    return " ".join(chance.choice(_WORDS) for _ in range(chance.choice((1, 1, 1, 2, 5))))


def _value(chance: random.Random, depth: int = 0) -> object:
    kinds = (_word(chance), chance.randrange(-9, 10**9), chance.random() * 100, True, None)
    if depth < 3 and chance.random() < 0.3:
        if chance.random() < 0.5:
            return [_value(chance, depth + 1) for _ in range(chance.randrange(4))]
        return {chance.choice(_KEYS): _value(chance, depth + 1) for _ in range(chance.randrange(4))}
    return chance.choice(kinds)


def _honest(chance: random.Random) -> Input:
    texts = {chance.choice(_KEYS): _word(chance) for _ in range(chance.randrange(5))}
    return _placed(chance, [(name.encode(), value.encode()) for name, value in texts.items()], _value(chance))


# Attacks.


def _attack(chance: random.Random, payloads: list[bytes]) -> Input:
    payload = chance.choice(payloads)
    for _ in range(chance.choice((0, 1, 1, 2))):
        payload = chance.choice(_MUTATIONS)(chance, payload)
    pairs = [(chance.choice(_KEYS).encode(), _word(chance).encode()) for _ in range(chance.randrange(3))]
    pairs.insert(chance.randrange(len(pairs) + 1), _somewhere(chance, payload))
    return _placed(chance, pairs, {"value": payload.decode("utf-8", "replace"), "n": 1}, payload)


def _somewhere(chance: random.Random, payload: bytes) -> tuple[bytes, bytes]:
    return (payload, b"1") if chance.random() < 0.15 else (chance.choice(_KEYS).encode(), payload)


def _changed(chance: random.Random, sent: Input) -> Input:
    """A test of CRS, changed in one place."""
    change = chance.choice(_MUTATIONS)
    place = chance.randrange(3)
    uri, data, headers = sent.uri, sent.data, sent.headers
    if place == 0 and b"?" in uri:
        path, _, query = uri.partition(b"?")
        uri = path + b"?" + _line_safe(change(chance, query)).replace(b" ", b"+")
    elif place == 1 and data:
        data = change(chance, data)
    elif headers:
        index = chance.randrange(len(headers))
        name, value = headers[index]
        if name.lower() not in (b"content-length", b"transfer-encoding"):
            headers = (*headers[:index], (name, _line_safe(change(chance, value))), *headers[index + 1 :])
    return Input(sent.method, uri, sent.version, headers, data, None, sent.autocomplete, sent.empty_length)


def _line_safe(value: bytes) -> bytes:
    return value.translate(None, b"\r\n\0")


def _between(chance: random.Random, data: bytes, piece: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + piece + data[at:]


def _random_bytes(chance: random.Random, data: bytes) -> bytes:
    return _between(chance, data, chance.randbytes(chance.randrange(1, 4)))


def _swapped_case(chance: random.Random, data: bytes) -> bytes:
    return bytes(byte ^ 0x20 if 65 <= byte & 0xDF <= 90 and chance.random() < 0.5 else byte for byte in data)


def _unicode_escapes(chance: random.Random, data: bytes) -> bytes:
    form = chance.choice(("%%u%04x", "\\u%04x", "&#x%x;", "&#%d;", "\\x%02x", "%%uff%02x"))
    text = data.decode("utf-8", "replace")
    return "".join(form % ord(one) if chance.random() < 0.3 and ord(one) < 256 else one for one in text).encode()


_MUTATIONS: tuple[Mutation, ...] = (
    lambda chance, data: quote(data).encode(),
    lambda chance, data: quote(quote(data)).encode(),
    lambda chance, data: b"".join(b"%%%02x" % byte for byte in data),
    lambda chance, data: escape(data.decode("utf-8", "replace")).encode(),
    lambda chance, data: base64.b64encode(data),
    lambda chance, data: _between(chance, data, b"/**/"),
    lambda chance, data: _between(chance, data, b"\0"),
    lambda chance, data: _between(chance, data, chance.choice((b" ", b"\t", b"\r\n", b"\x0b", b"\xa0", b"+"))),
    lambda chance, data: _between(
        chance, data, chance.choice((b"'", b'"', b"\\", b"`", b";", b"#", b"--", b"\xef\xbc\x9c"))
    ),
    lambda chance, data: data[: chance.randrange(len(data) + 1)],
    lambda chance, data: data + data,
    lambda chance, data: data[::-1],
    lambda chance, data: data.replace(b" ", chance.choice((b"/**/", b"%20", b"\t", b"+", b"${IFS}"))),
    _random_bytes,
    _swapped_case,
    _unicode_escapes,
)


# Where values stand.


def _placed(
    chance: random.Random, pairs: list[tuple[bytes, bytes]], value: object, payload: bytes | None = None
) -> Input:
    method = chance.choice(_METHODS)
    path = chance.choice(_PATHS)
    headers = [("Host", chance.choice(("localhost", "api.example.com", "127.0.0.1"))), ("Accept", "*/*")]
    headers.append(("User-Agent", chance.choice(_AGENTS)))
    fields = [(name.encode(), text.encode()) for name, text in headers]
    query = data = b""
    place = chance.randrange(7)
    if place == 0 or method in ("GET", "HEAD", "OPTIONS", "DELETE"):
        query = _query(chance, pairs)
    elif place == 1:
        fields.append((b"Content-Type", b"application/json; charset=utf-8"))
        data = json.dumps(value, ensure_ascii=chance.random() < 0.5).encode("utf-8", "replace")
    elif place == 2:
        fields.append((b"Content-Type", f"multipart/form-data; boundary={_BOUNDARY}".encode()))
        data = _multipart(chance, pairs)
    elif place == 3:
        fields.append((b"Content-Type", b"text/xml"))
        data = b"<a><b c='1'>" + escape(str(value)).encode() + b"</b></a>"
    elif place == 4:
        fields.append(
            (b"Content-Type", chance.choice((b"text/plain", b"application/octet-stream", b"application/grpc")))
        )
        data = b"\n".join(value for _, value in pairs)
    else:
        fields.append((b"Content-Type", b"application/x-www-form-urlencoded"))
        data = _query(chance, pairs)
    if payload is not None and chance.random() < 0.2:
        name = chance.choice(
            (b"Cookie", b"Referer", b"User-Agent", b"X-Forwarded-For", b"X-Custom", b"Accept-Language")
        )
        fields.append((name, _line_safe(b"a=" + payload if name == b"Cookie" else payload)))
    uri = path.encode() + (b"?" + query if query else b"")
    return Input(method.encode(), uri, headers=tuple(fields), data=data, autocomplete=True)


def _query(chance: random.Random, pairs: list[tuple[bytes, bytes]]) -> bytes:
    encode = chance.choice((quote_plus, quote, _barely))
    return b"&".join(_text(encode(name)) + b"=" + _text(encode(value)) for name, value in pairs)


def _text(encoded: str | bytes) -> bytes:
    return encoded.encode() if isinstance(encoded, str) else encoded


def _barely(data: bytes) -> bytes:
    """Only what would end the value, the line or the request."""
    for one, code in ((b"\r", b"%0d"), (b"\n", b"%0a"), (b"\0", b"%00"), (b" ", b"+"), (b"&", b"%26"), (b"#", b"%23")):
        data = data.replace(one, code)
    return data


def _multipart(chance: random.Random, pairs: list[tuple[bytes, bytes]]) -> bytes:
    line = b"--" + _BOUNDARY.encode()
    body = b""
    for name, value in pairs:
        quoted = _line_safe(name).replace(b'"', b"%22")
        if chance.random() < 0.3:
            body += line + b'\r\nContent-Disposition: form-data; name="f"; filename="' + quoted + b'"\r\n'
            body += b"Content-Type: text/plain\r\n\r\n" + value + b"\r\n"
        else:
            body += line + b'\r\nContent-Disposition: form-data; name="' + quoted + b'"\r\n\r\n' + value + b"\r\n"
    return body + line + b"--\r\n"
