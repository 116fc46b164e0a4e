"""multipart/form-data: the cases, what is read, limits, bombs."""

from __future__ import annotations

from collections import Counter
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.payloads import BadPayload, Limits, Part, read_multipart
from tests.payloads.case_files import cases
from tests.payloads.multipart_bodies import CONTENT_TYPE, body_of, field, file

ALL = cases("multipart")


def test_so_many_cases_ran():
    assert Counter(case.letter for case in ALL) == {"y": 28, "n": 37, "i": 54}


def rules(body: bytes, limits: Limits | None = None, content_type: str = CONTENT_TYPE) -> list[str]:
    try:
        read_multipart(body, content_type, limits or Limits())
    except BadPayload as error:
        return [fault.rule for fault in error.faults]
    return []


def by_the_standard_library(body: bytes) -> list[tuple[str, object]]:
    message = BytesParser(EmailMessage, policy=HTTP).parsebytes(
        b"Content-Type: " + CONTENT_TYPE.encode() + b"\r\n\r\n" + body
    )
    return [
        (str(part.get_param("name", header="content-disposition")), part.get_payload(decode=True))
        for part in message.iter_parts()
    ]


@pytest.mark.parametrize("case", ALL, ids=[case.name for case in ALL])
def test_case(case):
    if case.rule:
        assert rules(case.body)[0] == case.rule
        return
    parts = read_multipart(case.body, CONTENT_TYPE)
    if case.body.isascii() and b"\n3\r" not in case.body:  # the peer knows no UTF-8 in headers, and mends line ends
        assert [(part.name, part.content) for part in parts] == by_the_standard_library(case.body)


def test_what_is_read():
    body = body_of(field("a", b"1"), field("é", "ü".encode()), file("a.csv", "Text/CSV", b"1,2\r\n"), field("a", b""))
    assert read_multipart(body, 'Multipart/Form-Data; Boundary="b"; charset=utf-8') == [
        Part("a", None, "text/plain", b"1"),
        Part("é", None, "text/plain", "ü".encode()),
        Part("f", "a.csv", "text/csv", b"1,2\r\n", "text/plain"),
        Part("a", None, "text/plain", b""),
    ]
    assert read_multipart(body, CONTENT_TYPE)[1].text == "ü"


def test_multipart_faults_say_where_all_at_once():
    body = body_of(
        field("good", b"1"),
        field("bad", b"\xff"),
        ("Content-Disposition: form-data", b""),
        file("a.png", "image/png", b"hello"),
        file("../a.png", "image/png", b"hello"),
    )
    with pytest.raises(BadPayload) as raised:
        read_multipart(body, CONTENT_TYPE)
    assert [(fault.pointer, fault.rule) for fault in raised.value.faults] == [
        ("/bad", "utf-8"),
        ("/2", "disposition"),
        ("/f", "type-mismatch"),
        ("/f", "filename"),
    ]


@pytest.mark.parametrize(
    ("content_type", "rule"),
    [
        ("", "media-type"),
        ("multipart/mixed; boundary=b", "media-type"),
        ("multipart/form-data-x; boundary=b", "media-type"),
        ("multipart/form-data", "boundary"),
        ("multipart/form-data; boundary=", "boundary"),
        ('multipart/form-data; boundary=""', "boundary"),
        ("multipart/form-data; boundary=b; boundary=c", "boundary"),
        ("multipart/form-data; boundary=b; BOUNDARY=b", "boundary"),
        ("multipart/form-data; boundary*=b", "boundary"),
        ("multipart/form-data; boundary*0=b", "boundary"),
        ("multipart/form-data; boundary=b, multipart/form-data; boundary=c", "boundary"),
        ("multipart/form-data; boundary=b c", "boundary"),
        ('multipart/form-data; boundary="b', "boundary"),
        ('multipart/form-data; boundary="b "', "boundary"),
        ('multipart/form-data; boundary="b\\c"', "boundary"),
        ("multipart/form-data; boundary=" + "b" * 71, "boundary"),
        ("multipart/form-data boundary=b", "media-type"),
        ("multipart/form-data; boundary=b; charset=utf-7", "charset"),
        ("multipart/form-data; boundary=b; x=y", "boundary"),
        ("multipart/form-data; boundary=é", "boundary"),
        ("multipart/form-data; boundary=b\0", "boundary"),
    ],
)
def test_a_content_type_that_can_be_read_in_two_ways_is_refused(content_type, rule):
    assert rules(body_of(field("a", b"1")), content_type=content_type) == [rule]


@pytest.mark.parametrize(
    ("limits", "fits", "too_much"),
    [
        (Limits(parts=1), [field("a", b"")], [field("a", b""), field("b", b"")]),
        (Limits(files=0), [file("", "text/plain", b"")], [file("a", "text/plain", b"a")]),
        (Limits(name=2), [field("éé", b"")], [field("ééé", b"")]),
        (Limits(string=2), [field("a", "éé".encode())], [field("a", "ééé".encode())]),
        (Limits(string=2), [field("a", b"12")], [field("a", b"1" * 100)]),
        (Limits(file=2), [file("a", "text/plain", b"12")], [file("a", "text/plain", b"123")]),
        (Limits(filename=2), [file("aa", "text/plain", b"1")], [file("aaa", "text/plain", b"1")]),
        (Limits(double_extensions=True), [file("a.php.txt", "text/plain", b"1")], [file("a/b", "text/plain", b"1")]),
        (Limits(unknown_files=True), [file("a", "application/octet-stream", b"\1")], [file("a", "image/png", b"\1")]),
    ],
)
def test_a_multipart_limit_is_exact(limits, fits, too_much):
    assert rules(body_of(*fits), limits) == []
    assert rules(body_of(*too_much), limits) != []


LARGE = 1_000_000
BOMBS = {
    "parts": (body_of(*[field("a", b"")] * 100_000), "parts"),
    "boundaries": (b"--b\r\n" * LARGE, "parts"),
    "boundary-line-feeds": (body_of(field("a", b"\n--b" * LARGE)), "parts"),
    "headers": (b"--b\r\n" + b"a: b\r\n" * LARGE, "part-headers"),
    "header": (b"--b\r\na:" + b"b" * LARGE, "part-headers"),
    "parameters": (b"--b\r\nContent-Disposition: form-data" + b"; a=b" * 3_000 + b"\r\n\r\n\r\n--b--", "parameter"),
    "blanks": (b"--b\r\nContent-Disposition: form-data;" + b" " * 16_000 + b"\r\n\r\n\r\n--b--", "disposition"),
    "folds": (b"--b\r\na: b" + b"\r\n " * 5_000 + b"\r\n\r\n\r\n--b--", "folded-header"),
    "hyphens": (body_of(field("a", b"-" * LARGE)), "string-length"),
    "line-ends": (body_of(field("a", b"\r\n" * LARGE)), "string-length"),
    "faults": (body_of(*[field("a", b"\xff")] * 100), "utf-8"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_multipart_bomb(name):
    body, rule = BOMBS[name]
    found = rules(body)
    assert found[0] == rule
    assert len(found) <= 20


contents = st.one_of(st.binary(max_size=20), st.sampled_from([b"\r\n", b"--b", b"\r\n--", b"-", b"\r\n\r\n"]))


@given(st.lists(st.tuples(st.text("ab;=é[]", min_size=1, max_size=5), contents), min_size=1, max_size=4))
def test_what_was_written_is_read(fields):
    """Or refused, where a content is no text or looks like a boundary."""
    body = body_of(*[field(name, content) for name, content in fields])
    if rules(body) == []:
        assert [(part.name, part.content) for part in read_multipart(body, CONTENT_TYPE)] == fields
    else:
        assert any(b"--b" in content or rules(body_of(field("a", content))) for _, content in fields)


@settings(max_examples=300)
@given(st.sampled_from(ALL), st.data())
def test_damaged_multipart_gives_our_error(case, data):
    body = bytearray(case.body)
    at = data.draw(st.integers(0, len(body)))
    body[at : at + data.draw(st.integers(0, 3))] = data.draw(
        st.sampled_from([b"", b"\r", b"\n", b'"', b";", b"\0", b"\xff", b"--b", b":"])
    )
    rules(bytes(body))


@given(st.binary(max_size=60), st.text(max_size=20))
def test_garbage_multipart_gives_our_error(body, content_type):
    rules(b"--b\r\n" + body)
    rules(body, content_type=content_type)
