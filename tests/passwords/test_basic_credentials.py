"""Name and password as the Basic scheme carries them: one form, or nothing."""

from __future__ import annotations

from base64 import b64encode
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.passwords import BadName, BadPassword, Login, fold_name, make_basic, normalised, read_basic


def sent(text: str | bytes) -> str:
    return b64encode(text if isinstance(text, bytes) else text.encode()).decode()


@pytest.mark.parametrize(
    ("text", "login"),
    [
        ("Aladdin:open sesame", Login("aladdin", "open sesame")),  # RFC 7617, section 2
        ("test:123£", Login("test", "123£")),  # section 2.1
        ("a:b:c", Login("a", "b:c")),
        ("a:", Login("a", "")),
        ("a: b ", Login("a", " b ")),
        ("ＡＬＩＣＥ:ｘ", Login("alice", "x")),
        ("zoe\u0308:e\u0308", Login("zoë", "ë")),
    ],
)
def test_what_is_read(text, login):
    assert read_basic(sent(text)) == login


@pytest.mark.parametrize(
    "credentials",
    [
        "",
        "=",
        "YWxpY2U=",  # no colon
        sent(":x"),
        sent("a b:x"),
        sent("a\x00:x"),
        sent("a:x\x00y"),
        sent("a:x\ny"),
        sent("\u200b:x"),
        sent(b"a:\xff"),
        sent(b"\xed\xa0\x80:x"),
        sent("a:x")[:-1],
        sent("a:x") + "=",
        sent("a:x") + "!",
        " " + sent("a:x"),
        sent("a" * 129 + ":x"),
        sent("a:" + "x" * 1025),
        "é",
        "A" * 100_000,
    ],
    ids=lambda text: repr(text[:24]),
)
def test_what_is_not(credentials):
    assert read_basic(credentials) is None


@given(st.text(max_size=200))
def test_nothing_else_is_raised(text):
    read_basic(text)
    read_basic(sent(text.encode("utf-8", "surrogatepass")))


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20))
def test_a_name_has_one_form(name):
    try:
        folded = fold_name(name)
    except BadName:
        return
    for alike in (folded, name.lower(), name.casefold(), normalize("NFD", name), normalize("NFKC", name)):
        assert fold_name(alike) == folded
    if "ı" not in folded:  # which alone is i to those who write it large, and itself to those who fold it
        assert fold_name(name.upper()) == folded


@given(st.text(max_size=140))
def test_a_name_is_folded_or_refused(name):
    try:
        folded = fold_name(name)
    except BadName:
        return
    assert 1 <= len(folded) <= 128
    assert folded.isprintable()
    assert not any(char.isspace() or char == ":" for char in folded)


@given(st.text(max_size=300))
def test_a_password_has_one_form(password):
    try:
        assert normalised(normalised(password)) == normalised(password)
    except BadPassword:
        return


def test_nothing_shows_the_password():
    login = read_basic(make_basic("alice", "open sesame").removeprefix("Basic "))
    assert login is not None
    assert "sesame" not in repr(login) + str(login.__rich_repr__())
