"""Multipart bodies, sound and hostile."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.waf.values import Limits, Values
from tests.waf.values.probe import ENDLESS, request, text_of, values

USUAL = "multipart/form-data; boundary=BBB"
FORM = (
    b'--BBB\r\nContent-Disposition: form-data; name="a"\r\n\r\nvalue\r\n'
    b'--BBB\r\nContent-Disposition: form-data; name="f"; filename="x.txt"\r\nContent-Type: text/plain\r\nX-Y:  z \r\n'
    b"\r\nfile\r\n\ncontent\r\n--BBB--\r\n"
)
FLAGS = (
    *("BOUNDARY_QUOTED", "BOUNDARY_WHITESPACE", "MISSING_SEMICOLON", "DATA_BEFORE", "DATA_AFTER", "HEADER_FOLDING"),
    *("INVALID_HEADER_FOLDING", "LF_LINE", "INVALID_QUOTING", "INVALID_PART", "FILE_LIMIT_EXCEEDED", "CRLF_LF_LINES"),
)


def read(body: bytes, content_type: str = USUAL, limits: Limits = ENDLESS) -> Values:
    return values(request(headers=[("content-type", content_type)], body=body), "MULTIPART", limits)


def flags(made: Values) -> set[str]:
    return {name for name in FLAGS if text_of(made, f"MULTIPART_{name}") == "1"}


def test_a_form_with_a_file():
    made = read(FORM)
    assert made["ARGS"] == made["ARGS_POST"] == [(b"a", b"value")]
    assert made["FILES"] == [(b"f", b"x.txt")]
    assert made["FILES_NAMES"] == [(b"f", b"f")]
    assert made["FILES_SIZES"] == [(b"f", b"14")]
    assert made["FILES_TMP_CONTENT"] == [(b"f", b"file\r\n\ncontent")]
    assert made["FILES_TMPNAMES"] == []
    assert text_of(made, "FILES_COMBINED_SIZE") == "14"
    assert made["MULTIPART_NAME"] == [(b"a", b"a"), (b"f", b"f")]
    assert made["MULTIPART_FILENAME"] == [(b"x.txt", b"x.txt")]
    assert made["MULTIPART_PART_HEADERS"] == [
        (b"a", b'Content-Disposition: form-data; name="a"'),
        (b"f", b'Content-Disposition: form-data; name="f"; filename="x.txt"'),
        (b"f", b"Content-Type: text/plain"),
        (b"f", b"X-Y:  z "),
    ]
    assert flags(made) == set()
    assert text_of(made, "MULTIPART_STRICT_ERROR") == text_of(made, "REQBODY_ERROR") == "0"
    assert text_of(made, "MULTIPART_UNMATCHED_BOUNDARY") == "2"
    assert text_of(made, "ARGS_COMBINED_SIZE") == ""


def test_no_body_is_no_error():
    made = read(b"")
    assert flags(made) == set()
    assert text_of(made, "MULTIPART_STRICT_ERROR") == text_of(made, "REQBODY_ERROR") == "0"


def test_no_multipart_no_values():
    made = values(request())
    assert text_of(made, "MULTIPART_STRICT_ERROR") == text_of(made, "MULTIPART_LF_LINE") == ""
    assert made["FILES"] == []


def with_line(line: bytes) -> bytes:
    """The form, its first Content-Disposition replaced."""
    return FORM.replace(b'Content-Disposition: form-data; name="a"', line)


# Sound enough to be read, but flagged: (Content-Type, body, flags, whether the flags are a strict error)
FLAGGED = [
    ('multipart/form-data; boundary="BBB"', FORM, {"BOUNDARY_QUOTED"}, True),
    ("multipart/form-data; boundary =BBB", FORM, {"BOUNDARY_WHITESPACE"}, True),
    ("multipart/form-data boundary=BBB", FORM, {"MISSING_SEMICOLON"}, True),
    ("multipart/form-data; boundary=BBB; charset=utf-8", FORM, set(), False),
    ("Multipart/Form-Data;boundary=BBB", FORM, set(), False),
    (USUAL, b"before\r\n" + FORM, {"DATA_BEFORE"}, True),
    (USUAL, FORM + b"after", {"DATA_AFTER"}, True),
    (USUAL, FORM[:-2], set(), False),
    (USUAL, FORM.replace(b"\r\n", b"\n"), {"LF_LINE"}, True),
    (USUAL, FORM.replace(b"--BBB\r\n", b"--BBB\n", 1), {"LF_LINE", "CRLF_LF_LINES"}, True),
    (USUAL, FORM.replace(b"value\r\n", b"value\n"), {"LF_LINE", "CRLF_LF_LINES"}, True),
    (USUAL, with_line(b'Content-Disposition: form-data;\r\n name="a"'), {"HEADER_FOLDING"}, True),
    (
        USUAL,
        with_line(b'Content-Disposition: form-data;\r\n\x0bname="a"'),
        {"HEADER_FOLDING", "INVALID_HEADER_FOLDING"},
        True,
    ),
    (USUAL, with_line(b"Content-Disposition: form-data; name='a'"), {"INVALID_QUOTING"}, True),
    (USUAL, with_line(b"Content-Disposition: form-data; name=a'"), {"INVALID_QUOTING"}, True),
    (USUAL, with_line(b"Content-Disposition: form-data; name=a"), set(), False),
    (USUAL, with_line(b"CONTENT-disposition:form-data ; \tname = a"), set(), False),
    (USUAL, with_line(b'X: y\r\nContent-Disposition: form-data; name="a"'), set(), False),
    (USUAL, FORM.replace(b"file\r", b"--file\r"), set(), False),
    (USUAL, FORM.replace(b"file\r", b"file--BBB\r"), set(), False),
]


@pytest.mark.parametrize(("content_type", "body", "expected", "strict"), FLAGGED)
def test_flags(content_type, body, expected, strict):
    made = read(body, content_type)
    assert flags(made) == expected
    assert text_of(made, "MULTIPART_STRICT_ERROR") == ("1" if strict else "0")
    assert text_of(made, "REQBODY_ERROR") == "0"
    assert [name.rstrip(b"'") for name, _ in made["ARGS"]] == [b"a"]
    assert len(made["FILES"]) == 1


BAD_TYPES = [
    ("", "there is no Content-Type"),
    ("text/plain", "the Content-Type is not multipart/form-data"),
    (f"{USUAL}{'x' * 1100}", "the Content-Type is too long"),
    ("multipart/form-data", "the Content-Type gives no boundary"),
    ("multipart/form-data; BOUNDARY=BBB", "the Content-Type gives no boundary"),
    ("multipart/form-data; boundary=BBB; boundary=CCC", "the Content-Type gives several boundaries"),
    ("multipart/form-data; boundary=BBB; BoundaryX=CCC", "the Content-Type gives several boundaries"),
    ("multipart/form-data; charset=x; boundary=BBB", "the boundary in the Content-Type is malformed"),
    ("multipart/form-data;; boundary=BBB", "the boundary in the Content-Type is malformed"),
    ("multipart/form-data; boundaryx=BBB", "the boundary in the Content-Type is malformed"),
    ("multipart/form-data; boundary", "the boundary in the Content-Type is malformed"),
    ('multipart/form-data; boundary="BBB', "the boundary in the Content-Type has one quote"),
    ('multipart/form-data; boundary=BBB"', "the boundary in the Content-Type has one quote"),
    ("multipart/form-data; boundary=", "is empty or holds"),
    ('multipart/form-data; boundary=""', "is empty or holds"),
    ("multipart/form-data; boundary=;x", "is empty or holds"),
    ("multipart/form-data; boundary=B{B", "is empty or holds"),
    ("multipart/form-data; boundary=BBB ", "is empty or holds"),
]


@pytest.mark.parametrize(("content_type", "why"), BAD_TYPES)
def test_a_content_type_that_gives_no_clear_boundary(content_type, why):
    made = read(FORM, content_type)
    assert why in text_of(made, "REQBODY_ERROR_MSG")
    assert text_of(made, "MULTIPART_STRICT_ERROR") == text_of(made, "REQBODY_ERROR") == "1"
    assert made["ARGS"] == made["FILES"] == []


BAD_BODIES = [
    (b"x", "there is no boundary in the body"),
    (FORM[:-5], "the last boundary is missing"),
    (FORM.replace(b"BBB--", b"BBB-"), "a boundary is followed by something"),
    (FORM.replace(b"--BBB--", b"--BBBx"), "a boundary is followed by something"),
    (FORM.replace(b"--BBB--", b"-- BBB--"), "a boundary begins with white space"),
    (FORM.replace(b"X-Y:  z ", b"X" * 5000), "a part has too many headers, or one that is too long"),
    (FORM.replace(b"X-Y:  z ", b"X: y\r\n" * 70), "a part has too many headers, or one that is too long"),
]


@pytest.mark.parametrize(("body", "why"), BAD_BODIES)
def test_a_body_that_breaks_off_keeps_what_was_read(body, why):
    made = read(body)
    assert text_of(made, "REQBODY_ERROR_MSG") == f"Multipart parsing error: {why}"
    assert text_of(made, "REQBODY_ERROR") == text_of(made, "REQBODY_PROCESSOR_ERROR") == "1"
    if len(body) > 1:
        assert made["ARGS"] == [(b"a", b"value")]


def test_a_part_without_an_end_is_kept():
    made = read(FORM[: FORM.index(b"lue\r\n")])
    assert made["ARGS"] == [(b"a", b"va")]


def test_a_quoted_boundary_may_not_be_quoted_in_the_body():
    made = read(FORM.replace(b"--BBB--", b'--"BBB"--'), 'multipart/form-data; boundary="BBB"')
    assert "a boundary stands in quotes" in text_of(made, "REQBODY_ERROR_MSG")


BAD_HEADERS = [
    b"Content-Type: text/plain",
    b"Content-Disposition: attachment; name=a",
    b"content-disposition: FORM-DATA; name=a",
    b"Content-Disposition: form-data",
    b"Content-Disposition: form-data;",
    b"Content-Disposition: form-data; ",
    b"Content-Disposition: form-data name=a",
    b"Content-Disposition: form-data; name",
    b"Content-Disposition: form-data; name=",
    b'Content-Disposition: form-data; name=""',
    b'Content-Disposition: form-data; name="a',
    b'Content-Disposition: form-data; name="a\\',
    b'Content-Disposition: form-data; name="a"b',
    b'Content-Disposition: form-data; name="a" filename="b"',
    b'Content-Disposition: form-data; name="a"; name="b"',
    b'Content-Disposition: form-data; name="a"; filename="b"; filename="c"',
    b'Content-Disposition: form-data; name="a"; Name="b"',
    b'Content-Disposition: form-data; name="a"; x=y',
    b'Content-Disposition: form-data; name="a"; filename ="b"',
    b"Content-Disposition: form-data; name=\"a\"; filename*=UTF-8''b",
    b'Content-Disposition: form-data; name="a"; filename="b"; filename*=\'\'b',
    b'Content-Disposition: form-data; name="a"; filename="b"; filename*=UTF-8',
    b'Content-Disposition: form-data; name="a"; filename="b"; filename*=UTF-8\'\'%4',
    b'Content-Disposition: form-data; name="a"; filename="b"; filename*=UTF-8\'\'b/c',
    b"Content-Disposition: form-data; name=\"a\"; filename=\"b\"; filename*=UTF-8''b; filename*=UTF-8''c",
    b'Content-Disposition: form-data; name="a"\r\nContent-Disposition: form-data; name="b"',
    b'Content-Disposition: form-data; name="a"\r\nX',
    b'Content-Disposition: form-data; name="a"\r\n: x',
    b'Content-Disposition: form-data; name="a"\r\nX Y: z',
    b'Content-Disposition: form-data; name="a"\r\n\xc3\xa9: z',
    b'Content-Disposition: form-data; name="a"\r\nX: \0',
    b' X: y\r\nContent-Disposition: form-data; name="a"',
]


@pytest.mark.parametrize("line", BAD_HEADERS)
def test_headers_that_two_servers_could_read_differently(line):
    made = read(with_line(line))
    assert text_of(made, "REQBODY_ERROR") == "1"
    assert b"x.txt" not in line
    assert text_of(made, "REQBODY_ERROR_MSG").startswith("Multipart parsing error: ")


GOOD_HEADERS = [
    (b'Content-Disposition: form-data; name="a\\"b\\\\c\\d"', b'a"b\\c\\d', None),
    (b'Content-Disposition: form-data; filename="c"; name="a"', b"a", b"c"),
    (b'Content-Disposition: form-data; name="a"; filename="b"; filename*=UTF-8\'en\'%41b', b"a", b"b"),
    (b'Content-Disposition: form-data; name="a"; filename=""', b"a", None),
    (b'Content-Disposition: form-data; name="a;b=c"', b"a;b=c", None),
    (b'Content-Disposition: form-data; name="a";', b"a", None),
    (b'Content-Disposition: form-data; name="\xff\'"', b"\xff'", None),
]


@pytest.mark.parametrize(("line", "name", "filename"), GOOD_HEADERS)
def test_headers_that_everyone_reads_alike(line, name, filename):
    made = read(with_line(line))
    assert text_of(made, "REQBODY_ERROR") == text_of(made, "MULTIPART_STRICT_ERROR") == "0"
    assert made["MULTIPART_NAME"][0] == (name, name)
    if filename is None:
        assert made["ARGS"] == [(name, b"value")]
    else:
        assert made["FILES"][0] == (name, filename)
        assert made["FILES_TMP_CONTENT"][0] == (name, b"value")


def test_a_boundary_where_data_should_begin():
    made = read(b'--BBB\r\nContent-Disposition: form-data; name="a"\r\n\r\n--BBB\r\nattack\r\n--BBB--\r\n')
    assert flags(made) == {"INVALID_PART"}
    assert made["ARGS"] == [(b"a", b"--BBB\r\nattack")]


def test_an_empty_value():
    made = read(b'--BBB\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n--BBB--\r\n')
    assert flags(made) == set()
    assert made["ARGS"] == [(b"a", b"")]


@pytest.mark.parametrize(
    ("end", "unmatched"),
    [
        (b"--BBB--\r\n", "2"),
        (b"--CCC\r\n", "1"),
        (b"x--BBB\r\n", "1"),
        (b"y" * 5000 + b"--BBB\r\n", "0"),
        (b"--C", "0"),
    ],
)
def test_the_last_line_that_looks_like_a_boundary(end, unmatched):
    made = read(b'--BBB\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' + end)
    assert text_of(made, "MULTIPART_UNMATCHED_BOUNDARY") == unmatched


def test_limits():
    many = b"".join(b'--BBB\r\nContent-Disposition: form-data; name="a%d"\r\n\r\n\r\n' % index for index in range(20))
    assert len(read(many + b"--BBB--\r\n", limits=Limits(arguments=7))["ARGS"]) == 7
    files = many.replace(b'"\r\n', b'"; filename="f"\r\n') + b"--BBB--\r\n"
    assert flags(read(files, limits=Limits(files=19))) == {"FILE_LIMIT_EXCEEDED"}
    assert flags(read(files, limits=Limits(files=20))) == set()
    large = FORM.replace(b"content", b"c" * 1000)
    assert text_of(read(large, limits=Limits(fields=500)), "REQBODY_ERROR") == "0"
    made = read(FORM.replace(b"value", b"v" * 1000), limits=Limits(fields=500))
    assert text_of(made, "REQBODY_ERROR") == text_of(made, "INBOUND_DATA_ERROR") == "1"
    assert len(made["ARGS"]) == 1


contents = st.binary(max_size=40).filter(lambda content: b"--" not in content)
names = st.text("abcé_-", min_size=1, max_size=6).map(str.encode)


@given(st.lists(st.tuples(names, st.none() | names, contents), max_size=6))
def test_what_was_put_together_is_taken_apart(parts):
    body = b""
    for name, filename, content in parts:
        suffix = b'; filename="%b"' % filename if filename is not None else b""
        body += b'--BBB\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n%b\r\n' % (name, suffix, content)
    made = read(body + b"--BBB--\r\n")
    assert made["ARGS"] == [(name, content) for name, filename, content in parts if filename is None]
    assert made["FILES_TMP_CONTENT"] == [(name, content) for name, filename, content in parts if filename is not None]
    assert text_of(made, "REQBODY_ERROR") == "0"
    assert flags(made) <= ({"LF_LINE", "CRLF_LF_LINES"} if any(b"\n" in content for *_, content in parts) else set())


pieces = st.sampled_from(
    [
        *(
            b"--BBB\r\n",
            b"--BBB--\r\n",
            b"--BBB",
            b"--",
            b"\r\n",
            b"\n",
            b"\r",
            b" ",
            b"\x0b",
            b'"',
            b"'",
            b";",
            b"=",
            b":",
        ),
        *(
            b'Content-Disposition: form-data; name="a"\r\n\r\n',
            b"Content-Disposition: form-data",
            b"; filename=b",
            b"\0",
        ),
        *(b"; name=a", b"x" * 4095, b"x" * 4097, b"\xff", b"%41", b"\\", b"*", b"X: y\r\n"),
    ]
)
types = st.sampled_from([USUAL, 'multipart/form-data; boundary="BBB"', "multipart/form-data; boundary=-", ""])


@given(st.lists(pieces, max_size=15).map(b"".join) | st.binary(max_size=30), types | st.text(max_size=20))
def test_anything_is_read_or_is_an_error(body, content_type):
    made = read(body, content_type.encode("latin-1", "replace").decode("latin-1"))
    for name in ("ARGS", "FILES_SIZES", "MULTIPART_PART_HEADERS", "MULTIPART_NAME"):
        assert all(len(pair) == 2 for pair in made[name])
    assert text_of(made, "MULTIPART_STRICT_ERROR") in ("0", "1")
