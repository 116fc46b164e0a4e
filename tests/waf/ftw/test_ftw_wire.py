"""From a stage to bytes, and from bytes to a request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.waf.ftw import Input, Refused, Unanswered, read_request_bytes, request_bytes

HOST = ((b"Host", b"localhost"),)
FORM = b"application/x-www-form-urlencoded"


def sent(**fields: object) -> bytes:
    return request_bytes(Input(headers=HOST, **fields))  # type: ignore[arg-type]


def body(**fields: object) -> bytes:
    return sent(method=b"POST", **fields).partition(b"\r\n\r\n")[2]


def test_a_plain_get() -> None:
    assert sent(uri=b"/a b") == b"GET /a b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def test_a_body_gets_its_type_and_length() -> None:
    assert sent(method=b"POST", data=b"a=b c&d") == (
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + FORM + b"\r\nConnection: close\r\n"
        b"Content-Length: 7\r\n\r\na=b+c&d"
    )


def test_no_body_where_one_might_be() -> None:
    assert b"Content-Length: 0\r\n" in sent(method=b"POST")
    assert b"Content-Length" not in sent(method=b"POST", empty_length=False)
    assert b"Content-Length" not in sent(method=b"GET")


def test_nothing_is_added_without_magic() -> None:
    raw = sent(method=b"POST", data=b"a=<", autocomplete=False)
    assert raw == b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\na=<"


@pytest.mark.parametrize(
    ("data", "encoded"),
    [
        (b"a=<b>&c", b"a=%3Cb%3E&c"),
        (b"a=%3C<", b"a=%3C<"),  # encoded already, it seems
        (b"a=b+<", b"a=b+<"),
        (b"a=b=c", b"a=b%3Dc"),
        (b"a=1&", b"a=1"),
        (b"&&", b"&"),
        ("a=é".encode(), b"a=%C3%A9"),
    ],
)
def test_forms_are_encoded_once(data: bytes, encoded: bytes) -> None:
    assert body(data=data) == encoded


def test_other_types_are_left_alone() -> None:
    raw = request_bytes(Input(method=b"POST", headers=((b"content-type", b"text/plain"),), data=b"a=<"))
    assert raw.endswith(b"\r\n\r\na=<")
    assert b"Content-Type" not in raw


def test_multipart_ends_its_lines_as_it_must() -> None:
    kind = ((b"Content-Type", b"multipart/form-data; boundary=x"),)
    raw = request_bytes(Input(method=b"POST", headers=kind, data=b"--x\na\r\nb\n--x--"))
    assert raw.endswith(b"Content-Length: 16\r\n\r\n--x\r\na\r\nb\r\n--x--")


def test_raw_requests_are_sent_as_they_are() -> None:
    assert request_bytes(Input(raw=b"\x00\xff")) == b"\x00\xff"
    assert request_bytes(Input(raw=b"GET / X\nA: b\n\n"), ((b"M", b"1"),)) == b"GET / X\nM: 1\nA: b\n\n"
    assert request_bytes(Input(raw=b"GET / X\r\n\r\n"), ((b"M", b"1"),)) == b"GET / X\r\nM: 1\r\n\r\n"
    assert request_bytes(Input(raw=b"GET /"), ((b"M", b"1"),)) == b"GET /"


def test_extra_fields_come_first() -> None:
    raw = request_bytes(Input(headers=HOST, autocomplete=False), ((b"M", b"1"),))
    assert raw == b"GET / HTTP/1.1\r\nM: 1\r\nHost: localhost\r\n\r\n"


def test_a_request_is_read() -> None:
    request = read_request_bytes(
        b"\r\nPOST /a b?c=%27\xff HTTP/1.0\r\nHost: h\r\nX:  1 \t\r\n folded\r\nContent-Length: 3\r\n\r\nabcdef"
    )
    assert (request.method, request.target, request.version) == ("POST", "/a b?c=%27ÿ", "HTTP/1.0")
    assert (request.path, request.query, request.authority) == ("/a b", "c=%27ÿ", "h")
    assert list(request.headers) == [("host", "h"), ("x", "1 folded"), ("content-length", "3")]
    assert request.body == b"abc"
    assert request.has_body


def test_chunks_are_joined_and_a_length_beside_them_is_dropped() -> None:
    head = b"POST / HTTP/1.1\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n"
    request = read_request_bytes(head + b"3;x\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n")
    assert request.body == b"abc0123456789"
    assert "content-length" not in request.headers


def test_bare_line_feeds_will_do() -> None:
    assert read_request_bytes(b"GET / HTTP/1.1\nHost: h\n\n").authority == "h"


REFUSED = [
    b"GET / HTTP/0.9\r\n\r\n",
    b"GET / JUNK/1.0\r\n\r\n",
    b"GET /\r\n\r\n",
    b" GET / HTTP/1.1\r\n\r\n",
    b"\tGET / HTTP/1.1\r\n\r\n",
    b"GET /\0 HTTP/1.1\r\n\r\n",
    b"CONNECT example.com HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
    b"GET / HTTP/1.1\r\nA : b\r\n\r\n",
    b"GET / HTTP/1.1\r\n folded\r\n\r\n",
    b"GET / HTTP/1.1\r\nA: b\rc\r\n\r\n",
    b"GET / HTTP/1.1\r\nA: b\0\r\n\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: 1;\r\n\r\na",
    b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\naa",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
]
UNANSWERED = [
    b"",
    b"GET / HTTP/1.1",
    b"GET / HTTP/1.1\r\nA: b\r\n",
    b"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcd",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcd",
    b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
]


@pytest.mark.parametrize("raw", REFUSED)
def test_what_no_server_takes(raw: bytes) -> None:
    with pytest.raises(Refused):
        read_request_bytes(raw)


@pytest.mark.parametrize("raw", UNANSWERED)
def test_what_never_ends(raw: bytes) -> None:
    with pytest.raises(Unanswered):
        read_request_bytes(raw)


_TOKEN = st.from_regex(rb"[A-Za-z-]{1,12}", fullmatch=True)
_VALUE = st.binary().map(lambda value: value.translate(None, b"\r\n\0").strip(b" \t"))


@given(
    method=_TOKEN.filter(lambda method: method != b"CONNECT"),
    uri=st.binary(min_size=1).map(lambda uri: b"/" + uri.translate(None, b"\r\n\0")),
    headers=st.lists(st.tuples(_TOKEN.map(lambda name: b"X-" + name), _VALUE)),
    data=st.binary(),
)
def test_what_is_sent_is_what_is_read(
    method: bytes, uri: bytes, headers: list[tuple[bytes, bytes]], data: bytes
) -> None:
    kind = (b"Content-Type", b"application/octet-stream")
    request = read_request_bytes(request_bytes(Input(method=method, uri=uri, headers=(*headers, kind), data=data)))
    assert (request.method.encode("latin-1"), request.target.encode("latin-1")) == (method, uri)
    assert request.body == data
    read = [(name, value.encode("latin-1")) for name, value in request.headers][: len(headers)]
    assert read == [(name.decode("latin-1").lower(), value) for name, value in headers]


@given(st.binary())
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for start in (b"", b"POST / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"):
        try:
            read_request_bytes(start + raw)
        except (Refused, Unanswered):
            continue
