"""Forms: what is read as the WHATWG reads it, what is refused, limits."""

from __future__ import annotations

from time import process_time
from urllib.parse import parse_qsl, quote, quote_plus, unquote_to_bytes, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.payloads import BadPayload, Limits, read_form


def faults(body: bytes, limits: Limits | None = None) -> list[tuple[str, str]]:
    try:
        read_form(body, limits or Limits())
    except BadPayload as error:
        return [(fault.pointer, fault.rule) for fault in error.faults]
    return []


@pytest.mark.parametrize(
    ("body", "pairs"),
    [
        (b"", []),
        (b"a=1", [("a", "1")]),
        (b"a=", [("a", "")]),
        (b"a=1&a=2", [("a", "1"), ("a", "2")]),
        (b"a=b=c", [("a", "b=c")]),
        (b"a==", [("a", "=")]),
        (b"a+b=c+d", [("a b", "c d")]),
        (b"a=%2B", [("a", "+")]),
        (b"a=%26b%3Dc", [("a", "&b=c")]),
        (b"a=%e2%82%AC", [("a", "€")]),
        (b"a[b][]=1", [("a[b][]", "1")]),
        (b"a=%2525", [("a", "%25")]),
        (b"a=%00", [("a", "\0")]),
        (b"a=%3B", [("a", ";")]),
        (b"a=!'()*~-._", [("a", "!'()*~-._")]),
        (b'a=?/:@,"<>\\^`{|}', [("a", '?/:@,"<>\\^`{|}')]),
        (b"_charset_=UTF-8", [("_charset_", "UTF-8")]),
    ],
)
def test_form_is_read(body, pairs):
    assert read_form(body) == pairs


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"a", "form-pair"),
        (b"=1", "form-pair"),
        (b"&a=1", "form-pair"),
        (b"a=1&", "form-pair"),
        (b"a=1&&b=2", "form-pair"),
        (b"&", "form-pair"),
        (b"=", "form-pair"),
        (b"a=1;b=2", "form-byte"),
        (b"a=1 2", "form-byte"),
        (b"a=1\n", "form-byte"),
        (b"a=1\r\nb=2", "form-byte"),
        (b"a=\0", "form-byte"),
        (b"a=\xc3\xa9", "form-byte"),
        (b"\xef\xbb\xbfa=1", "form-byte"),
        (b"a=\x7f", "form-byte"),
        (b"a=%", "percent"),
        (b"a=%2", "percent"),
        (b"a=%zz", "percent"),
        (b"a=%u0041", "percent"),
        (b"a=%%41", "percent"),
        (b"a=%+41", "percent"),
        (b"%=1", "percent"),
        (b"a=%ff", "utf-8"),
        (b"a=%c0%af", "utf-8"),
        (b"a=%ed%a0%80", "utf-8"),
        (b"a=%e2%82", "utf-8"),
        (b"%ff=1", "utf-8"),
        (b"a%00b=1", "nul-in-name"),
        (b"_charset_=iso-8859-1", "charset"),
    ],
)
def test_form_is_refused(body, rule):
    assert faults(body)[0][1] == rule


def test_form_faults_say_where_all_at_once():
    assert faults(b"a=1&b=%zz&c/d=%ff&e") == [("/b", "percent"), ("/c~1d", "utf-8"), ("", "form-pair")]
    assert len(faults(b"&" * 100)) == 20


@pytest.mark.parametrize(
    ("limits", "fits", "too_much"),
    [
        (Limits(fields=1), b"a=1", b"a=1&a=2"),
        (Limits(name=2), b"%C3%A9%C3%A9=", b"aaa="),
        (Limits(string=2), b"a=%C3%A9%C3%A9", b"a=123"),
    ],
)
def test_a_form_limit_is_exact(limits, fits, too_much):
    assert faults(fits, limits) == []
    assert faults(too_much, limits) != []


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"&" * 1_000_000, "fields"),
        (b"a=1&" * 1_000_000, "fields"),
        (b"%" * 1_000_000 + b"=1", "percent"),
        (b"a=" + b"%41" * 1_000_000, "string-length"),
        (b"a" * 1_000_000 + b"=1", "name-length"),
        (b"=" * 1_000_000, "form-pair"),
    ],
    ids=["ampersands", "fields", "percents", "escapes", "name", "equals"],
)
def test_form_bomb(body, rule):
    assert rule in [rule for _, rule in faults(body)]


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
values = st.text(st.characters(exclude_categories=["Cs"]))


@given(
    st.lists(st.tuples(names.filter(lambda name: name != "_charset_"), values)), st.sampled_from([quote, quote_plus])
)
def test_what_was_written_is_read(pairs, how):
    assert read_form(urlencode(pairs, quote_via=how).encode()) == pairs


@given(st.binary(max_size=40).map(lambda body: body.replace(b";", b"%")))
def test_what_is_read_the_standard_library_reads_alike(body):
    if not faults(body):
        assert read_form(body) == parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict")


_PIECE = st.sampled_from(
    ("%", "+", "=", "_", "a", "%41", "%3D", "%e2%82%ac", "%0A", "%0d%0a", "%20", "%09", "%00", "%FF")
)


@given(st.lists(_PIECE, max_size=30))
def test_a_value_is_decoded_as_percent_encoding_says(pieces):
    text = "".join(pieces)
    try:
        pairs = read_form(f"a={text}".encode())
    except BadPayload:
        stray = any(piece == "%" for piece in pieces)
        assert stray or "%FF" in pieces
    else:
        assert pairs == [("a", unquote_to_bytes(text.replace("+", " ")).decode())]


def test_a_megabyte_of_escapes_is_decoded_at_once():
    body = b"a=" + b"%41" * 350_000
    begun = process_time()
    assert read_form(body, Limits(string=1 << 20)) == [("a", "A" * 350_000)]
    assert process_time() - begun < 0.1


def test_json_that_says_it_is_a_form_is_told_how_json_is_sent() -> None:
    with pytest.raises(BadPayload) as caught:
        read_form(b'{"item":"lamp"}', Limits())
    assert "Content-Type: application/json" in caught.value.faults[0].message
