r"""What transformations make of values, by examples. All were tried on libmodsecurity 3.0.15."""

from __future__ import annotations

import pytest

from stockade.waf.transformations import TRANSFORMATIONS

CASES: dict[str, list[tuple[bytes, bytes]]] = {
    "base64Decode": [
        (b"YWJj", b"abc"),
        (b"YQ==", b"a"),
        (b"YWJj\nZGVm  \r\n", b"abcdef"),
        (b"YWJj\0!!!!", b"abc"),  # what follows NUL is not seen
        (b"YWJjZA", b"YWJjZA"),  # not whole
        (b"YWJj!", b"YWJj!"),
        (b"YQ==YQ==", b"YQ==YQ=="),
    ],
    "base64DecodeExt": [(b"Y W*J?j", b"abc"), (b"YWJjZA", b"abcd"), (b"Y=", b""), (b"YWJj9", b""), (b"", b"")],
    "base64Encode": [(b"ab\xff", b"YWL/"), (b"a", b"YQ=="), (b"", b"")],
    "cmdLine": [
        (b'c^m"d" ,/C  "dir"', b"cmd/c dir"),
        (b"a;; ,b", b"a b"),
        (b'a "" b', b"a b"),
        (b"f (x)", b"f(x)"),
        (b"\\C\\A\\T", b"cat"),
        (b"a\vB", b"a\vb"),
    ],
    "compressWhitespace": [(b" a \t\v b\n", b" a b "), (b"a\tb", b"a b"), (b"a\xa0b", b"a\xa0b")],
    "cssDecode": [
        (rb"ja\vascript", b"javascript"),
        (rb"j\61 vascript", b"javascript"),
        (rb"\000061x", b"ax"),
        (rb"\FF41", b"a"),  # full width
        (rb"\00FF41", b"a"),
        (rb"\10FF41", b"A"),
        (b"a\\\nb\\", b"ab"),
    ],
    "escapeSeqDecode": [(rb"\x41\101\n\q\7", b"AA\nq\x07"), (rb"\777", b"\xff"), (rb"\xg", b"xg"), (b"a\\", b"a\\")],
    "hexDecode": [(b"616263", b"abc"), (b"61626", b"ab"), (b"gG", b"\x10"), (b"6", b"")],
    "hexEncode": [(b"a\xff", b"61ff")],
    "htmlEntityDecode": [
        (b"&lt;&#60;&#x3c;&#X3C", b"<<<<"),
        (b"&LTscript;", b"<"),
        (b"&quot&nbsp;&amp;", b'"\xa0&'),
        (b"&#300;&#1234;", b"\x2c\x7b4;"),
        (b"&#x00000003c;&#0000060&#0;", b"<<\x00"),
        (b"&#x3c3;", b"<3;"),
        (b"&eacute;&#;&#x;&", b"&eacute;&#;&#x;&"),
    ],
    "jsDecode": [
        (rb"\u0061\x62\143\d", b"abcd"),
        (rb"\uff1cscript", b"<script"),
        (rb"\400", b"\x200"),
        (rb"\u00g", b"u00g"),
        (b"a\\", b"a\\"),
    ],
    "length": [(b"abc\0", b"4"), (b"", b"0")],
    "lowercase": [(b"AbC\xc9", b"abc\xc9")],
    "uppercase": [(b"AbC\xe9", b"ABC\xe9")],
    "md5": [(b"", bytes.fromhex("d41d8cd98f00b204e9800998ecf8427e"))],
    "sha1": [(b"", bytes.fromhex("da39a3ee5e6b4b0d3255bfef95601890afd80709"))],
    "normalisePath": [
        (b"/a//b/./c/../d", b"/a/b/d"),
        (b"a/../../b", b"../b"),
        (b"/../../etc/passwd", b"/etc/passwd"),
        (b"./a/", b"a/"),
        (b"a/bcd../e", b"a/e"),
        (b"ab..", b""),
        (b"a..", b"a.."),
        (b"/..", b""),
        (b"//", b"/"),
        (b".", b""),
        (b"", b""),
    ],
    "normalizePathWin": [
        (rb"C:\x\..\y", b"C:/y"),
        (rb"\\a\b\.\c", b"/a/b/c"),
        (rb"a\\\b", rb"a\b"),  # a long run that ends so stays so
        (rb"/./\\", b"\\"),
    ],
    "parityEven7bit": [(b"ac", b"\xe1c")],
    "parityOdd7bit": [(b"ac", b"a\xe3")],
    "parityZero7bit": [(b"\xe1\xe3", b"ac")],
    "removeComments": [
        (b"a/*b*/c", b"ac"),
        (b"a/*b*/", b"a\0"),
        (b"a/*b", b"a "),
        (b"a<!--b-->c", b"ac"),
        (b"a--b", b"a"),
        (b"a#b", b"a"),
        (b"a/*b*/#c", b"a#c"),
    ],
    "removeCommentsChar": [(b"a/*b*/c<!--d-->e--f#g", b"abcdefg"), (b"/*/", b"/")],
    "removeNulls": [(b"a\0b\0", b"ab")],
    "replaceNulls": [(b"a\0b\0", b"a b ")],
    "removeWhitespace": [(b" a\t\n\v\f\rb\xc2\xa0", b"ab")],
    "replaceComments": [(b"a/*b*/c/*", b"a c "), (b"/*/x", b" "), (b"a*/b", b"a*/b")],
    "sqlHexDecode": [(b"x=0x616263g", b"x=abcg"), (b"0X4", b"0X4"), (b"0x414", b"A4")],
    "trim": [(b" \ta b\v\n", b"a b")],
    "trimLeft": [(b" \ta ", b"a ")],
    "trimRight": [(b" a\r\n", b" a")],
    "urlDecode": [(b"a%20b+c%2", b"a b c%2"), (b"%%41%4g=%3D", b"%A%4g=="), (b"%u0041", b"%u0041"), (b"%00", b"\0")],
    "urlDecodeUni": [
        (b"%u0041%U0042%43+", b"ABC "),
        (b"%uff1c%uff00", b"<\0"),
        (b"%u4e2d", b"\x2d"),
        (b"%u00%41", b"%u00A"),
        (b"%u%u0041=", b"%uA="),
    ],
    "urlEncode": [(b"a b*c/\xff", b"a+b*c%2f%ff")],
    "utf8toUnicode": [
        ("é€😀\U0010abcd\\é".encode(), rb"%u00e9%u20ac%u1f600%u10abcd\%u00e9"),
        (b"a\xc3", b"a"),  # a lead byte alone is dropped
        (b"\x80", b"\x80"),
        (b"\xc0\xaf", b"%u002f\xc0"),  # overlong
        (b"\xed\xa0\x80", b"%ud800\xed"),  # a surrogate
        (b"\xf5\x80\x80\x80", b"\xf5%u140000"),
        (b"\0a\0", b"a\0"),
    ],
}


@pytest.mark.parametrize(
    ("name", "value", "expected"), [(name, *case) for name, cases in CASES.items() for case in cases]
)
def test_a_value_becomes(name, value, expected):
    assert TRANSFORMATIONS[name.lower()].apply(value) == expected


def test_every_transformation_has_an_example():
    assert TRANSFORMATIONS.keys() - {"normalizepath", "normalisepathwin"} == {name.lower() for name in CASES}


def test_aliases_are_the_same():
    assert TRANSFORMATIONS["normalizepath"] is TRANSFORMATIONS["normalisepath"]
    assert TRANSFORMATIONS["normalizepathwin"] is TRANSFORMATIONS["normalisepathwin"]
