"""XML Schema: documents from the loader alone, faults, and the time that patterns may take."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from stockade.payloads import BadPayload, BadSchema, Limits, Schema, read_xml
from stockade.payloads.xsd_effort import EXPONENTIAL, power_of

XS = 'xmlns:xs="http://www.w3.org/2001/XMLSchema"'


def schema(text: str = "", **files: str) -> Schema:
    """The schema of `main`, and other files by name without `.xsd`."""
    documents = {
        f"{name}.xsd": f"<xs:schema {XS} {content}</xs:schema>".encode()
        for name, content in {"main": text, **files}.items()
    }
    return Schema.compile(["main.xsd"], documents.__getitem__)


def rules(compiled: Schema, body: str, limits: Limits | None = None) -> list[tuple[str, str]]:
    try:
        compiled.check(read_xml(body.encode(), limits or Limits()))
    except BadPayload as error:
        return [(fault.pointer, fault.message) for fault in error.faults]
    return []


def test_two_documents_of_one_namespace_are_both_imported():
    """libxml2 alone takes the first and forgets the second."""
    compiled = schema(
        'targetNamespace="urn:m" xmlns:a="urn:a">'
        '<xs:import namespace="urn:a" schemaLocation="one.xsd"/><xs:import namespace="urn:a" schemaLocation="two.xsd"/>'
        '<xs:element name="m"><xs:complexType><xs:sequence><xs:element ref="a:one"/><xs:element ref="a:two"/>'
        "</xs:sequence></xs:complexType></xs:element>",
        one='targetNamespace="urn:a"><xs:element name="one" type="xs:int"/>',
        two='targetNamespace="urn:a"><xs:element name="two" type="xs:int"/>',
    )
    assert compiled.elements == {"{urn:m}m", "{urn:a}one", "{urn:a}two"}
    assert rules(compiled, '<m xmlns="urn:m"><one xmlns="urn:a">1</one><two xmlns="urn:a">2</two></m>') == []
    assert rules(compiled, '<m xmlns="urn:m"><one xmlns="urn:a">1</one><two xmlns="urn:a">x</two></m>') == [
        ("/m/two", "the value is not of the type that the schema wants")
    ]


def test_documents_that_include_one_another_end():
    compiled = schema(
        '><xs:include schemaLocation="other.xsd"/><xs:element name="a" type="T"/>',
        other='><xs:include schemaLocation="main.xsd"/>'
        '<xs:simpleType name="T"><xs:restriction base="xs:int"/></xs:simpleType>',
    )
    assert rules(compiled, "<a>1</a>") == []


def test_xml_lang_is_known_without_loading():
    compiled = schema(
        '><xs:import namespace="http://www.w3.org/XML/1998/namespace" schemaLocation="http://www.w3.org/2001/xml.xsd"/>'
        '<xs:element name="a"><xs:complexType><xs:attribute ref="xml:lang"/></xs:complexType></xs:element>'
    )
    assert rules(compiled, '<a xml:lang="en"/>') == []
    assert rules(compiled, '<a xml:base="en"/>') != []


@pytest.mark.parametrize(
    "location", ["/etc/passwd", "../../etc/passwd", "http://example.invalid/a.xsd", "file:///etc/passwd", "none.xsd"]
)
def test_only_the_loader_is_asked(location):
    asked = []

    def load(name: str) -> bytes:
        asked.append(name)
        if name == "a/main.xsd":
            return f'<xs:schema {XS}><xs:include schemaLocation="{location}"/></xs:schema>'.encode()
        raise OSError("not here")

    with pytest.raises(BadSchema, match="not here"):
        Schema.compile(["a/main.xsd"], load)
    assert len(asked) == 2


def test_a_root_that_is_not_of_the_schema_is_refused():
    compiled = schema('><xs:element name="a" type="xs:int"/><xs:element name="b" type="xs:int"/>')
    assert rules(compiled, "<a>1</a>") == rules(compiled, "<b>1</b>") == []
    assert rules(compiled, "<c>1</c>") == [("/c", "the root element c is not one of the schema")]


def test_schema_faults_say_where_and_repeat_no_value():
    compiled = schema(
        '><xs:element name="r"><xs:complexType><xs:sequence><xs:element name="i" maxOccurs="9"><xs:complexType>'
        '<xs:sequence><xs:element name="n" type="xs:int"/></xs:sequence>'
        '<xs:attribute name="k" type="xs:date" use="required"/>'
        "</xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>"
    )
    found = rules(compiled, '<r><i k="2024-01-01"><n>1</n></i><i k="s3cret"><n>s3cret</n></i><i><n>1</n><s/></i></r>')
    assert [where for where, _ in found] == ["/r/i[2]", "/r/i[2]/n", "/r/i[3]", "/r/i[3]/s"]
    assert "s3cret" not in str(found)


def test_a_type_said_in_the_body_is_checked():
    compiled = schema(
        '><xs:complexType name="B"/><xs:complexType name="D"><xs:complexContent><xs:extension base="B">'
        '<xs:attribute name="n" type="xs:int"/></xs:extension></xs:complexContent></xs:complexType>'
        '<xs:element name="a" type="B"/>'
    )
    xsi = 'xmlns:x="http://www.w3.org/2001/XMLSchema-instance"'
    assert rules(compiled, f'<a {xsi} x:type="D" n="1"/>') == []
    assert rules(compiled, f'<a {xsi} x:type="D" n="x"/>') != []
    assert rules(compiled, f'<a {xsi} x:type="E"/>') != []


# Patterns and their time

POWERS = [
    (r"[A-Z]{2}-[0-9]+", 1),
    (r"\d{4}-\d{2}-\d{2}", 1),
    (r"[^@]+@[^\.]+\..+", 1),
    (r"[^@]+@[^@]+\.[^@]+", 2),
    (r"([a-z]+\.?)*b", 1),
    (r"(\w+\s?)*!", 1),
    (r"([^\s]+\s)*[^\s]+", 1),
    (r"(.+)+x", 1),  # one place, however often it is said
    (r"(a*b*)*c", 1),
    (r"a{1,200}b", 1),
    (r"([A-Z]{2}-)?[A-Z0-9]{1,10}", 1),
    (r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?", 1),
    (r"[A-Z-[IO]]+[IO]*", 1),
    (r"\i\c*", 1),
    (r"(AD|AE|AF|AG)*", 1),
    (r"([a-zA-Z0-9]?){0,16}", 1),
    (r"(a{1,3},){0,30}c", 1),
    (r"([A-Z][a-z]*){1,20}!", 1),
    (r"(a*){5}b", 5),
    (r".*a.*b", 2),
    (r"a*a*b", 2),
    (r"\p{L}+(\p{L}|\s)*", 2),
    (r"(.*)(.*)(.*)x", 3),
    (r"(a|a)+b", EXPONENTIAL),
    (r"(a|aa)+c", EXPONENTIAL),
    (r"(a|b|ab)*c", EXPONENTIAL),
    (r"(a+a)+b", EXPONENTIAL),
    (r"(a{1,30}){1,30}b", EXPONENTIAL),
    (r"(a{1,30})*b", EXPONENTIAL),
    (r"(a*){0,5}b", EXPONENTIAL),
    (r"(a*){2,}", EXPONENTIAL),
    (r"(a+b?){0,30}c", EXPONENTIAL),
    (r"([a-z]|[a-c])+1", EXPONENTIAL),
    (r"(\w|\d)+", EXPONENTIAL),
    (r"(\p{Lu}|[A-C])+", EXPONENTIAL),
    (r"([^a]|[^b])+", EXPONENTIAL),
    (r"(é|[à-ü])+", EXPONENTIAL),
]


@pytest.mark.parametrize(("pattern", "power"), POWERS)
def test_power_of_a_pattern(pattern, power):
    assert power_of(pattern) == power


def with_pattern(pattern: str) -> str:
    escaped = pattern.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    facet = f'<xs:restriction base="xs:string"><xs:pattern value="{escaped}"/></xs:restriction>'
    return f'><xs:simpleType name="T">{facet}</xs:simpleType>'


def libxml2_gives_up(pattern: str, text: str) -> bool:
    compiled = etree.XMLSchema(
        etree.fromstring(f"<xs:schema {XS}{with_pattern(pattern)}<xs:element name='a' type='T'/></xs:schema>")
    )
    node = etree.Element("a")
    node.text = text
    try:
        compiled.validate(node)
    except etree.XMLSchemaValidateError:
        return True
    return False


atoms = st.sampled_from(["a", "b", "[ab]", "[^a]", ".", "ab"])
patterns = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{7}", "{1,3}", "{0,30}", "{2,}", "{0,}"])).map(
            lambda pair: f"({pair[0]}){pair[1]}"
        ),
        st.tuples(inner, inner).map("|".join).map("({})".format),
        st.tuples(inner, inner).map("".join),
    ),
    max_leaves=5,
)


@settings(max_examples=250)
@given(patterns)
def test_a_pattern_of_power_one_libxml2_matches_in_bounded_work(pattern):
    """libxml2 gives up after ten million steps back; 300 characters get there by the fourth power, or worse."""
    if power_of(pattern) <= 2:
        for text in ("a" * 300 + "!", "ab" * 150 + "!", "aab" * 100 + "\n"):
            assert not libxml2_gives_up(pattern, text)


@given(st.text(st.sampled_from("ab[]()-^\\{}*+?|.,12pLdsn&"), max_size=12))
def test_the_power_of_garbage_is_a_number(pattern):
    assert 1 <= power_of(pattern) <= EXPONENTIAL


@pytest.mark.parametrize(
    "pattern", ["(" * 10_000, "(" * 60 + "a" + ")" * 60 + "a" * 50, "[" * 10_000, "((a{9}){9}){9}" * 50, "a" * 100_000]
)
def test_a_large_pattern_is_judged_without_harm(pattern):
    assert power_of(pattern) >= 1


def test_an_exponential_pattern_is_refused_at_load():
    with pytest.raises(BadSchema, match=r"main.xsd:1: the pattern may take exponential time"):
        schema(with_pattern("(a|aa)+c"))


@pytest.mark.parametrize(
    "declared",
    [
        ' type="T"/>',
        ' type="U"/>',
        '><xs:simpleType><xs:restriction base="T"/></xs:simpleType></xs:element>',
        '><xs:simpleType><xs:list itemType="T"/></xs:simpleType></xs:element>',
        '><xs:simpleType><xs:union memberTypes="xs:int T"/></xs:simpleType></xs:element>',
        '><xs:complexType><xs:simpleContent><xs:extension base="T"/></xs:simpleContent></xs:complexType></xs:element>',
    ],
    ids=["type", "derived", "inline", "list", "union", "content"],
)
def test_ambiguous_patterns_have_a_budget(declared):
    derived = '<xs:simpleType name="U"><xs:restriction base="T"/></xs:simpleType>'
    element = f'<xs:element name="a" maxOccurs="999"{declared}'
    root = f'<xs:element name="r"><xs:complexType><xs:sequence>{element}</xs:sequence></xs:complexType></xs:element>'
    compiled = schema(with_pattern(".*a.*b") + derived + root)
    assert rules(compiled, "<r>" + "<a>ab</a>" * 500 + "</r>") == []
    assert rules(compiled, "<r>" + f"<a>{'a' * 300}b</a>" * 500 + "</r>") == [
        ("/r", "values that must match a pattern are too long")
    ]


def test_ambiguous_patterns_of_attributes_and_said_types_have_a_budget():
    compiled = schema(
        with_pattern(".*a.*b")
        + '<xs:element name="r"><xs:complexType><xs:attribute name="k" type="T"/></xs:complexType></xs:element>'
        '<xs:element name="s" type="xs:string"/>'
    )
    xsi = 'xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:type="T"'
    for body in (f'<r k="{"a" * 5000}b"/>', f"<s {xsi}>{'a' * 5000}b</s>"):
        assert rules(compiled, body)[0][1] == "values that must match a pattern are too long"
    assert rules(compiled, f"<s>{'a' * 5000}b</s>") == []
