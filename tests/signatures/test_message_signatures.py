"""HTTP message signatures: the vectors of RFC 9421, appendix B, and what must not be taken for one."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.signatures import (
    BadField,
    BadSignature,
    SignatureRules,
    check_signature,
    digest_trouble,
    parse_dictionary,
    read_signatures,
    structured,
)
from stockade.signatures.structured import write_member
from stockade.tokens import VerificationKeys, keys_from_pem, keys_from_secret
from stockade.wire import Headers, Request
from tests.exchanges import make_request

VECTORS = json.loads((Path(__file__).parent / "vectors" / "rfc9421.json").read_text())
CREATED = 1618884473
ANY = SignatureRules(components=(), digest=False)
TRANSFORM = next(case for case in VECTORS["cases"] if case["request"] == "B.4")
SENT = VECTORS["requests"]["B.2"]
GOOD = VECTORS["cases"][4]  # B.2.6


def keys(keyid: str) -> VerificationKeys:
    if keyid in VECTORS["secrets"]:
        return keys_from_secret(base64.b64decode(VECTORS["secrets"][keyid]), kid=keyid)
    return keys_from_pem(VECTORS["keys"][keyid].encode(), kid=keyid)


def request_of(sent: dict[str, Any], *more: tuple[str, str], **fields: Any) -> Request:
    path, _, query = sent["target"].partition("?")
    headers = [*map(tuple, sent["headers"]), *more]
    given = {"query": query, "target": sent["target"], "scheme": "https", "has_body": bool(sent["body"]), **fields}
    return make_request(sent["method"], path, headers, host=dict(sent["headers"])["host"], **given)


def trouble(request: Request, rules: SignatureRules = ANY, at: float = CREATED) -> str:
    """The reason for which the request's only signature is refused; empty when it holds."""
    try:
        (signature,) = read_signatures(request.headers, rules)
        base = check_signature(signature, request, rules, at)
    except BadSignature as error:
        return error.reason
    ring = keys(signature.keyid)
    candidates = [(alg, key) for alg in signature.algorithms for key in ring.candidates(alg, signature.keyid)]
    return "" if any(key.verifies(alg, base, signature.value) for alg, key in candidates) else "wrong"


def signed(case: dict[str, Any], **fields: Any) -> Request:
    said = {**TRANSFORM, **case}
    pairs = (("signature-input", said["input"]), ("signature", said["signature"]))
    return request_of(VECTORS["requests"][said["request"]], *pairs, **fields)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: f"{case['section']} {case['request']}")
def test_vectors(case: dict[str, Any]) -> None:
    assert trouble(signed(case)) == ("" if case["good"] else "wrong")


def test_how_many_vectors() -> None:
    sections = {case["section"] for case in VECTORS["cases"]}
    assert len(VECTORS["cases"]) == 12
    assert sections | set(VECTORS["excluded"]) == {*(f"B.2.{number}" for number in range(1, 7)), "B.3", "B.4"}
    assert not sections & set(VECTORS["excluded"])


@pytest.mark.parametrize("section", ["B.2.1", "B.2.2", "B.2.3", "B.2.5", "B.2.6", "B.3", "B.4"])
def test_every_bit_counts(section: str) -> None:
    """Each covered part, changed, spoils the signature."""
    case = next(case for case in VECTORS["cases"] if case["section"] == section)
    request = signed(case)
    (signature,) = read_signatures(request.headers, ANY)
    spoilt = {"created=1618884473": "created=1618884474", "keyid=": 'tag="x";keyid='}
    for old, new in spoilt.items():
        assert trouble(signed({**case, "input": case.get("input", TRANSFORM["input"]).replace(old, new)}))
    for item in signature.covered.items:
        name = str(item.value)
        if not name.startswith("@"):
            pairs = [(key, value + "x" if key == name else value) for key, value in request.headers]
            assert trouble(_with(request, headers=Headers.of(pairs))) == "wrong", name
    covered = {str(item.value) for item in signature.covered.items}
    for field, value, names in CHANGES:
        if covered & names:
            assert trouble(_with(request, **{field: value})) in ("wrong", "component-twice"), field


CHANGES: list[tuple[str, str, set[str]]] = [
    ("method", "PUT", {"@method"}),
    ("authority", "evil.example", {"@authority"}),
    ("target", "/evil?Pet=cat", {"@path"}),
    ("query", "Pet=cat", {"@query", "@query-param"}),
    ("query", "Pet=dog&Pet=dog", {"@query", "@query-param"}),
]


def _with(request: Request, **fields: Any) -> Request:
    return Request(**{**{name: getattr(request, name) for name in request.__struct_fields__}, **fields})


INPUT, SIGNATURE = GOOD["input"], GOOD["signature"]
ATTACKS: dict[str, tuple[str, dict[str, str], SignatureRules]] = {
    "no signature": ("none", {"signature-input": "", "signature": ""}, ANY),
    "no input": ("none", {"signature-input": ""}, ANY),
    "another label": ("malformed", {"signature": SIGNATURE.replace("sig-b26", "sig-b27")}, ANY),
    "an input that is no list": ("none", {"signature-input": 'sig-b26="@method"'}, ANY),
    "a signature that is text": ("malformed", {"signature": 'sig-b26="abc"'}, ANY),
    "a signature without end": ("malformed", {"signature": SIGNATURE[:-1]}, ANY),
    "padding that is not canonical": ("malformed", {"signature": "sig-b26=:YR==:"}, ANY),
    "the label twice": ("malformed", {"signature-input": f"{INPUT}, {INPUT}"}, ANY),
    "an empty signature": ("wrong", {"signature": "sig-b26=::"}, ANY),
    "another signature": ("wrong", {"signature": f"sig-b26=:{'A' * 86}==:"}, ANY),
    "no time": ("missing-created", {"signature-input": INPUT.replace(";created=1618884473", "")}, ANY),
    "a time that is text": ("missing-created", {"signature-input": INPUT.replace("1618884473", '"1618884473"')}, ANY),
    "a time that is true": ("missing-created", {"signature-input": INPUT.replace("=1618884473", "")}, ANY),
    "no key": ("missing-keyid", {"signature-input": INPUT.replace(';keyid="test-key-ed25519"', "")}, ANY),
    "a key that is a word": ("malformed", {"signature-input": INPUT.replace('"test-key-ed25519"', "test")}, ANY),
    "another algorithm": ("algorithm-refused", {"signature-input": f'{INPUT};alg="none"'}, ANY),
    "an algorithm that does not fit": ("wrong", {"signature-input": f'{INPUT};alg="hmac-sha256"'}, ANY),
    "an algorithm the policy lacks": (
        "algorithm-refused",
        {"signature-input": f'{INPUT};alg="ed25519"'},
        SignatureRules(algorithms=frozenset({"hmac-sha256"}), components=(), digest=False),
    ),
    "a component twice": ("component-twice", {"signature-input": INPUT.replace('"date"', '"date" "date"')}, ANY),
    "a header that is absent": ("component-missing", {"signature-input": INPUT.replace('"date"', '"x-none"')}, ANY),
    "a response's status": ("component-unsupported", {"signature-input": INPUT.replace("@method", "@status")}, ANY),
    "the request of a response": (
        "component-unsupported",
        {"signature-input": INPUT.replace('"@method"', '"@method";req')},
        ANY,
    ),
    "a trailer": ("component-unsupported", {"signature-input": INPUT.replace('"date"', '"date";tr')}, ANY),
    "an unknown part": ("component-unsupported", {"signature-input": INPUT.replace("@method", "@verb")}, ANY),
    "a header in capitals": ("component-unsupported", {"signature-input": INPUT.replace('"date"', '"Date"')}, ANY),
    "a component that is a word": ("component-unsupported", {"signature-input": INPUT.replace('"date"', "date")}, ANY),
    "a parameter of the query that is absent": (
        "component-missing",
        {"signature-input": INPUT.replace('"date"', '"@query-param";name="none"')},
        ANY,
    ),
    "a parameter without name": (
        "component-unsupported",
        {"signature-input": INPUT.replace('"date"', '"@query-param"')},
        ANY,
    ),
    "expired by its own word": ("expired", {"signature-input": f"{INPUT};expires=1618884400"}, ANY),
    "an end that is text": ("expired", {"signature-input": f'{INPUT};expires="never"'}, ANY),
    "the query is not covered": ("not-covered", {}, SignatureRules(digest=False)),
    "the body is not covered": ("not-covered", {}, SignatureRules(components=("@method",))),
    "covered under a parameter only": (
        "not-covered",
        {"signature-input": INPUT.replace('"content-type"', '"content-type";bs')},
        SignatureRules(components=("content-type",), digest=False),
    ),
    "no nonce": ("missing-nonce", {}, SignatureRules(components=(), digest=False, nonce=True)),
    "another tag": ("none", {}, SignatureRules(components=(), digest=False, tag="shop")),
    "many": (
        "too-many",
        {"signature-input": ", ".join(INPUT.replace("sig-b26", f"s{number}") for number in range(5))},
        ANY,
    ),
    "not ASCII": ("malformed", {"signature-input": f'{INPUT};x="é"'}, ANY),
    "long": ("malformed", {"signature-input": f'{INPUT};x="{"a" * 9000}"'}, ANY),
    "nested": ("malformed", {"signature-input": "sig-b26=((((((("}, ANY),
}


@pytest.mark.parametrize("title", ATTACKS)
def test_attacks(title: str) -> None:
    wanted, changes, rules = ATTACKS[title]
    pairs = {"signature-input": INPUT, "signature": SIGNATURE, **changes}
    assert trouble(request_of(SENT, *pairs.items()), rules) == wanted


def test_how_many_attacks() -> None:
    assert len(ATTACKS) == 39


@pytest.mark.parametrize(
    ("at", "wanted"),
    [
        (CREATED - 6, "created-in-future"),
        (CREATED - 5, ""),
        (CREATED + 305, ""),
        (CREATED + 306, "expired"),
        (float("nan"), "expired"),
    ],
)
def test_times(at: float, wanted: str) -> None:
    assert trouble(signed(GOOD), at=at) == wanted


def test_what_stands_for_others() -> None:
    """@target-uri covers path, query and authority."""
    base = INPUT.replace('"date"', '"@target-uri"')
    request = request_of(SENT, ("signature-input", base), ("signature", SIGNATURE))
    assert trouble(request, SignatureRules(digest=False)) == "wrong"  # and not "not-covered"


# Content-Digest (RFC 9530).

HELLO = b'{"hello": "world"}'
SHA256 = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
SHA512 = dict(map(tuple, SENT["headers"]))["content-digest"]


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        (SHA256, ""),
        (SHA512, ""),
        (f"{SHA256}, {SHA512}", ""),
        (f"md5=:AAAA:, {SHA256}", ""),
        ("md5=:AAAA:", "digest-unsupported"),
        ("", "digest-unsupported"),
        (f"{SHA256}, sha-512=:AAAA:", "digest-wrong"),
        (SHA256.replace("X48", "X49"), "digest-wrong"),
        ("sha-256=abc", "digest-wrong"),
        ("sha-256=(:AAAA:)", "digest-wrong"),
        ("sha-256=:", "digest-malformed"),
        (f"{SHA256}, {SHA256}", "digest-malformed"),
    ],
)
def test_digests(field: str, wanted: str) -> None:
    assert digest_trouble(field, HELLO) == wanted
    if not wanted:
        assert digest_trouble(field, HELLO + b" ") == "digest-wrong"


# Structured fields.


@pytest.mark.parametrize(
    "text",
    ["a=1", "a", "a;x=?0", 'a="b\\"c\\\\"', "a=:aGk=:", 'a=("x" "y";k=1);z', "a=tok/en, b=-5", "a=()", "a=?0"],
)
def test_what_is_read_is_written_again(text: str) -> None:
    members = parse_dictionary(text)
    rows = [
        key if value[0] is True and not value[1] else f"{key}={write_member(value)}" for key, value in members.items()
    ]
    written = ", ".join(rows).replace("a=?1;", "a;")
    assert written == text


@pytest.mark.parametrize(
    "text", ["=", "A=1", "a=", "a=1.5", "a=1 b", "a=1,", ",a", 'a="', "a=(1", "a=(1,2)", "a;;b", "é=1"]
)
def test_what_is_no_dictionary(text: str) -> None:
    with pytest.raises(BadField):
        parse_dictionary(text)


@given(st.text(max_size=60) | st.text(alphabet='a1=;,()":?*- \\', max_size=60))
def test_any_text(text: str) -> None:
    """It is read or refused, nothing else; and what was read is stable."""
    try:
        members = parse_dictionary(text)
    except BadField:
        return
    again = ", ".join(f"{key}={write_member(value)}" for key, value in members.items())
    assert parse_dictionary(again) == members


SIMPLE_FIELDS = st.text(alphabet='ab("@-) ;=0123.,:?*\\', max_size=40) | st.builds(
    "sig=({});{}={};{}".format,
    st.sampled_from(['"@method"', '"@method" "date"', '"a"  "b"', '"a"', '"a";bs', '""', '"A"', '"a" b', '"a""b"']),
    st.sampled_from(["created", "keyid", "a", "*"]),
    st.sampled_from(["1", "-1", "1.5", "1234567890123456", '"x"', '"x\\""', ":AA==:", "?1", "tok", '"']),
    st.sampled_from(["created=2", "keyid", 'x="y"', "", "a=1;a=2"]),
)


@given(SIMPLE_FIELDS)
def test_the_short_way_reads_what_the_long_one_does(field):
    """Plain lists and parameters are read in one step: the same members, and the same fields refused."""

    def read() -> object:
        try:
            members = parse_dictionary(field)
        except BadField:
            return "refused"
        return members, [write_member(member) for member in members.values()]

    short = read()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structured, "_names", lambda text, at: None)
        patch.setattr(structured, "_parameter", lambda text, at: None)
        assert read() == short
