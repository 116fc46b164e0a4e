"""XML bodies and XPath."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.waf import BadRules, RuleSet
from stockade.waf.values import BadXPath, Limits, compile_xpath
from tests.waf.values.probe import ENDLESS, request, text_of, values

DOCUMENT = (
    b'<?xml version="1.0"?><r a="1"><b>x<c d="2">y</c>z</b><!--no--><b><![CDATA[<&]]></b><?pi no?>'
    b'<n:e xmlns:n="urn:n">&lt;\xc3\xa9</n:e></r>'
)
FOUND = [
    ("/*", ["xyz<&<é"]),
    ("//@*", ["1", "2"]),
    ("/r/b", ["xyz", "<&"]),
    ("//b/text()", ["x", "z", "<&"]),
    ("//comment()", ["no"]),
    ("//nothing", []),
    ("count(//b)", []),
    ("string(/r)", []),
    ("//n:e", []),
    ("///", []),
]


@pytest.mark.parametrize(("path", "expected"), FOUND)
def test_xpath(path, expected):
    made = values(request(body=DOCUMENT), "XML")
    assert made.has_xml
    assert made.xml(path) == [(path.encode(), value.encode()) for value in expected]
    assert made["XML"] == [(b"", b"[XML document tree]")]
    assert text_of(made, "REQBODY_ERROR") == "0"


def test_prefixes_are_those_of_the_rule():
    made = values(request(body=DOCUMENT), "XML")
    assert made.xml("//m:e", {"m": "urn:n"}) == [(b"//m:e", "<é".encode())]
    assert made.xml("//m:e") == []


def test_other_encodings():
    body = '<?xml version="1.0" encoding="utf-16"?><r>é</r>'.encode("utf-16")
    assert values(request(body=body), "XML").xml("/*") == [(b"/*", "é".encode())]


@pytest.mark.parametrize("expression", ["///", "//a[", "a b", ""])
def test_what_is_no_xpath_is_refused(expression):
    with pytest.raises(BadXPath):
        compile_xpath(expression)


def test_no_xml_no_values():
    made = values(request(body=DOCUMENT))
    assert not made.has_xml
    assert made.xml("/*") == []


@pytest.mark.parametrize(
    ("body", "seen"),
    [(b"<r><a>attack", "attack"), (b"<r>attack</r>x", "attack"), (b"junk", None), (b"", None), (b"  ", None)],
)
def test_a_broken_document_is_an_error_and_is_still_looked_at(body, seen):
    made = values(request(body=body), "XML")
    assert text_of(made, "REQBODY_ERROR") == "1"
    assert text_of(made, "REQBODY_ERROR_MSG").startswith("XML parsing error: ")
    assert made.xml("/*") == ([(b"/*", seen.encode())] if seen is not None else [])


def test_entities_are_not_expanded_and_cannot_hide():
    body = b'<!DOCTYPE r [<!ENTITY e "attack">]><r>a&e;b&e;<c>&e;</c></r>'
    made = values(request(body=body), "XML")
    assert made.problems == ["xml-doctype", "xml-entity"]
    assert text_of(made, "REQBODY_ERROR") == "1"
    assert made.xml("/*") == [(b"/*", b"abattack")]


def test_a_doctype_alone_is_noted():
    made = values(request(body=b'<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd"><r>a</r>'), "XML")
    assert made.problems == ["xml-doctype"]
    assert text_of(made, "REQBODY_ERROR") == "0"


def test_nothing_is_fetched():
    body = b'<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]><r>&e;</r>'
    made = values(request(body=body), "XML")
    assert made.xml("/*") == [(b"/*", b"")]
    assert text_of(made, "REQBODY_ERROR") == "1"


LAUGHS = b"".join(b'<!ENTITY e%d "%s">' % (index, b"&e%d;" % (index - 1) * 10) for index in range(1, 10))


@pytest.mark.parametrize("where", [b"<r>&e9;</r>", b'<r a="&e9;"/>', b'<r a="&e3;">&e9;</r>'])
def test_entities_that_multiply(where):
    made = values(request(body=b'<!DOCTYPE r [<!ENTITY e0 "ha">' + LAUGHS + b"]>" + where), "XML")
    assert text_of(made, "REQBODY_ERROR") == "1"
    assert sum(len(value) for _, value in (*made.xml("/*"), *made.xml("//@*"))) < 100_000


def test_texts_of_leaves_as_arguments():
    limits = Limits(xml_arguments=True)
    body = b'<r><a>1</a><a b="c">2<d>x</d>y</a><n:e xmlns:n="u"/></r>'
    made = values(request("/?q=1", body=body), "XML", limits)
    assert made["ARGS"] == [(b"q", b"1"), (b"xml.r.a", b"1"), (b"xml.r.a.d", b"x"), (b"xml.r.e", b"")]
    assert made["ARGS_POST"] == []
    assert values(request(body=body), "XML")["ARGS"] == []


def test_leaves_beyond_the_limit():
    made = values(request(body=b"<r>" + b"<a/>" * 50 + b"</r>"), "XML", Limits(xml_arguments=True, arguments=9))
    assert len(made["ARGS"]) == 9
    assert text_of(made, "REQBODY_ERROR") == "1"
    deep = b"<aaaaaaaaaa>" * 200 + b"</aaaaaaaaaa>" * 200
    made = values(request(body=b"<r>" + deep * 30 + b"</r>"), "XML", Limits(xml_arguments=True, body=0, fields=0))
    assert text_of(made, "REQBODY_ERROR_MSG") == "XML parsing error: it holds too many values"


pieces = st.sampled_from(
    [
        *(
            b"<r>",
            b"</r>",
            b"<a b='c'>",
            b"</a>",
            b"<a/>",
            b"x",
            b"&amp;",
            b"&e;",
            b"<![CDATA[",
            b"]]>",
            b"<!--",
            b"-->",
        ),
        *(b"<?", b"?>", b'<!DOCTYPE r [<!ENTITY e "f">]>', b"\xff", b"\0", b"<", b">", b'"', b" "),
        *(b"xmlns:x='y'", b"<x:z>"),
    ]
)


@given(st.lists(pieces, max_size=15).map(b"".join) | st.binary(max_size=30), st.booleans())
def test_anything_is_read_or_is_an_error(body, as_arguments):
    made = values(request(body=body), "XML", Limits(xml_arguments=as_arguments) if as_arguments else ENDLESS)
    made.xml("/*")
    made.xml("//@*")
    assert text_of(made, "REQBODY_ERROR") in ("0", "1")


def test_rules_with_what_is_no_xpath_are_refused_each_with_its_line():
    rules = """
SecRule XML:/* "@rx a" "id:1,phase:2,pass"
SecRule XML://a[ "@rx a" "id:2,phase:2,pass"
SecRule &XML:/// "@eq 0" "id:3,phase:2,pass"
"""
    with pytest.raises(BadRules) as caught:
        RuleSet.load(text=rules)
    assert [problem.place.line for problem in caught.value.problems] == [3, 4]
    assert all("is no XPath" in problem.text for problem in caught.value.problems)
