"""XML: the cases, limits, bombs, and no way out of the body."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from stockade.payloads import BadPayload, Limits, read_xml
from tests.payloads.case_files import cases

ALL = cases("xml")


def test_so_many_cases_ran():
    assert Counter(case.letter for case in ALL) == {"y": 31, "n": 61, "i": 51}


def faults(body: bytes, limits: Limits | None = None) -> list[tuple[str, str]]:
    try:
        read_xml(body, limits or Limits())
    except BadPayload as error:
        return [(fault.rule, fault.pointer) for fault in error.faults]
    return []


@pytest.mark.parametrize("case", ALL, ids=[case.name for case in ALL])
def test_case(case):
    if case.rule:
        assert faults(case.body)[0][0] == case.rule
    else:
        root = read_xml(case.body)
        assert etree.tostring(root) == etree.tostring(etree.fromstring(case.body))


LARGE = 1_000_000
BOMBS = {
    "depth": (b"<a>" * LARGE, "depth"),
    "depth-closed": (b"<a>" * LARGE + b"</a>" * LARGE, "depth"),
    "elements": (b"<a>" + b"<b/>" * LARGE + b"</a>", "elements"),
    "attributes": (b"<a " + b" ".join(b'a%d=""' % index for index in range(100_000)) + b"/>", "attributes"),
    "namespaces": (b"<a " + b" ".join(b'xmlns:a%d="u"' % index for index in range(100_000)) + b"/>", "namespaces"),
    "namespaces-apart": (b"<a>" + b'<b xmlns="u"/>' * 5_000 + b"</a>", "namespaces"),
    "text": (b"<a>" + b"x" * LARGE + b"</a>", "string-length"),
    "text-in-pieces": (b"<a>" + b"x<b/>" * 9_000 + b"x" * 60_000 + b"</a>", "string-length"),
    "references": (b"<a>" + b"&#120;" * LARGE + b"</a>", "string-length"),
    "cdata": (b"<a>" + b"<![CDATA[x]]>" * LARGE + b"</a>", "string-length"),
    "attribute": (b'<a b="' + b"x" * LARGE + b'"/>', "string-length"),
    "name": (b"<" + b"a" * 1_000 + b"/>", "name-length"),
    "long-name": (b"<" + b"a" * LARGE + b"/>", "syntax"),
    "attribute-name": (b"<a " + b"b" * 1_000 + b'=""/>', "name-length"),
    "namespace": (b'<a xmlns="' + b"u" * 1_000 + b'"/>', "name-length"),
    "comments": (b"<a>" + b"x<!---->" * 100_000 + b"</a>", "split-text"),
    "comment-open": (b"<!--" + b"-" * LARGE, "syntax"),
    "comments-before": (b"<!---->" * 100_000 + b"<!DOCTYPE a><a/>", "document-type"),
    "instructions": (b"<a>" + b"<?b?>" * 100_000 + b"</a>", "instruction"),
    "spaces": (b" " * LARGE, "syntax"),
    "less-than": (b"<" * LARGE, "syntax"),
    "ampersands": (b"<a>" + b"&" * LARGE, "syntax"),
    "doctype-subset": (b"<!DOCTYPE a [" + b"<!ENTITY b 'c'>" * LARGE, "document-type"),
    "quadratic": (
        b"<!DOCTYPE a [<!ENTITY b '" + b"x" * 50_000 + b"'>]><a>" + b"&b;" * 50_000 + b"</a>",
        "document-type",
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_xml_bomb(name):
    body, rule = BOMBS[name]
    found = faults(body)
    assert rule in [rule for rule, _ in found]
    assert len(found) <= 20


@pytest.mark.parametrize(
    ("limits", "fits", "too_much"),
    [
        (Limits(depth=2), b"<a><b/></a>", b"<a><b><c/></b></a>"),
        (Limits(elements=2), b"<a><b/></a>", b"<a><b/><b/></a>"),
        (Limits(attributes=1), b'<a b=""/>', b'<a b="" c=""/>'),
        (Limits(namespaces=1), b'<a xmlns="u"/>', b'<a xmlns="u" xmlns:b="u"/>'),
        (Limits(name=2), b'<aa bb=""/>', b"<aaa/>"),
        (Limits(name=2), b'<aa bb=""/>', b'<a bbb=""/>'),
        (Limits(string=2), "<a>éé</a>".encode(), "<a>ééé</a>".encode()),
        (Limits(string=2), b'<a b="&lt;&lt;"/>', b'<a b="ccc"/>'),
        (Limits(comments=False), b"<a/>", b"<a><!-- --></a>"),
    ],
)
def test_an_xml_limit_is_exact(limits, fits, too_much):
    assert faults(fits, limits) == []
    assert faults(too_much, limits) != []


@pytest.mark.parametrize("quote", ["'", '"'])
def test_an_encoding_is_utf8_however_it_is_quoted(quote):
    def stating(encoding: str) -> bytes:
        return f"<?xml version='1.0' encoding={quote}{encoding}{quote}?><a/>".encode()

    for encoding in ("ISO-8859-1", "UTF-16", "UTF-7", "cp037"):
        assert [rule for rule, _ in faults(stating(encoding))] == ["encoding"]
    assert faults(stating("utf-8")) == faults(stating("UTF-8")) == []


def test_instructions_are_an_option():
    assert faults(b"<?a b?><c><?d?></c>", Limits(instructions=True)) == []


def test_xml_faults_say_where():
    inner = b'<i/><i><n>a<!-- -->b</n></i><i x:schemaLocation="a b"/>'
    body = b'<r xmlns:x="http://www.w3.org/2001/XMLSchema-instance">' + inner + b"</r>"
    assert faults(body) == [("split-text", "/r/i[2]/n"), ("external", "/r/i[3]/@schemaLocation")]


def test_nothing_is_loaded(tmp_path):
    """Whatever a body asks for, no file is opened: the words of one are not to be found in what is read."""
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    for body in (
        f'<!DOCTYPE a [<!ENTITY b SYSTEM "{secret.as_uri()}">]><a>&b;</a>',
        f'<a xmlns:x="http://www.w3.org/2001/XInclude"><x:include href="{secret}" parse="text"/></a>',
        f'<?xml-stylesheet href="{secret.as_uri()}"?><a/>',
    ):
        with pytest.raises(BadPayload) as raised:
            read_xml(body.encode())
        assert "s3cret" not in str(raised.value)


@given(st.binary(max_size=60))
def test_garbage_gives_our_error(body):
    faults(body)


@settings(max_examples=300)
@given(st.sampled_from(ALL), st.data())
def test_damaged_xml_gives_our_error(case, data):
    body = bytearray(case.body)
    at = data.draw(st.integers(0, len(body)))
    body[at : at + data.draw(st.integers(0, 3))] = data.draw(
        st.sampled_from([b"", b"<", b">", b"&", b'"', b"\0", b"\xff", b"<!DOCTYPE a []>", b"]]>"])
    )
    found = faults(bytes(body), Limits(instructions=True))
    if not found:
        assert read_xml(bytes(body), Limits(instructions=True)).getroottree().docinfo.internalDTD is None


@given(st.integers(1, 60_000))
def test_limits_hold_wherever_the_pieces_are_cut(size):
    """The reader feeds the parser piece by piece."""
    assert faults(b"<a><b>" + b"x" * size + b"</b><c>" + b"y" * size + b"</c></a>") == []
