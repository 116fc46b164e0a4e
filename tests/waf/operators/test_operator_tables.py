r"""What operators say of values, by examples: where they match, and what they capture."""

from __future__ import annotations

import pytest

from stockade.waf.operators import OPERATORS, BadArgument, Hit
from tests.waf.operators.files import NONE, MemoryFiles

# (operator, argument, value, (offset, length, captures…) or None)
CASES: list[tuple[str, bytes, bytes, tuple[object, ...] | None]] = [
    ("beginsWith", b"ab", b"abc", (0, 2)),
    ("beginsWith", b"ab", b"Abc", None),
    ("beginsWith", b"", b"", (0, 0)),
    ("endsWith", b"bc", b"abc", (1, 2)),
    ("endsWith", b"abcd", b"bcd", None),
    ("contains", b"b", b"abcb", (1, 1)),
    ("contains", b"", b"", (0, 0)),
    ("contains", b"B", b"abc", None),
    ("strmatch", b"b", b"abc", (1, 1)),
    ("containsWord", b"ab", b"abc 1ab_", (5, 2)),
    ("containsWord", b"ab", b"abc cab", None),
    ("containsWord", b"", b"", (0, 0)),
    ("streq", b"ab", b"ab", (0, 2)),
    ("streq", b"ab", b"ab ", None),
    ("within", b"GET,POST", b"POST", (0, 4)),
    ("within", b"GET,POST", b"PUT", None),
    ("within", b"GET,POST", b"", (0, 0)),
    ("eq", b"0", b"", (0, 0)),
    ("eq", b"12", b"12abc", (0, 0)),
    ("eq", b"12", b" +12", (0, 0)),
    ("eq", b"0", b"4294967296", (0, 0)),  # beyond 32 bits is 0
    ("eq", b"1", b"2", None),
    ("ge", b"5", b"5", (0, 0)),
    ("gt", b"5", b"5", None),
    ("gt", b"9223372036854775807", b"99999999999999999999", None),  # held to 64 bits
    ("lt", b"0", b"-3", (0, 0)),
    ("le", b"-3", b"-4x", (0, 0)),
    ("le", b"x", b"1", None),
    ("noMatch", b"", b"", None),
    ("unconditionalMatch", b"", b"", (0, 0)),
    ("pm", b"union SELECT", b"a UNION all select", (2, 5, b"union")),
    ("pm", b"a|4243|d", b"xABCDx", (1, 4, b"aBCd")),
    ("pm", rb"a\:b", b"a:b", (0, 3, b"a:b")),
    ("pm", b"abcd bc e", b"abc", (1, 2, b"bc")),
    ("pm", b"abcde bcx cdy", b"abcdy", (2, 3, b"cdy")),
    ("pm", b"abc bc", b"abc", (0, 3, b"abc")),  # the longest of those that end together
    ("pm", "é".encode(), "É é".encode(), (3, 2, "é".encode())),
    ("pm", b"", b"abc", None),
    ("pmFromFile", b"words", b"drop table x", (5, 5, b"table")),
    ("pmf", b"words", b"# no", None),
    ("pmFromFile", b"words more", b"extra", (0, 5, b"extra")),
    ("rx", rb"(?i)s(e)?l(x)?", b"a SL", (2, 2, b"SL", None, None)),
    ("rx", rb"^b$", b"a\nb\nc", (2, 1, b"b")),
    ("rx", b"", b"abc", (0, 0)),
    ("rx", rb"(?<!a)b", b"abb", (2, 1, b"b")),
    ("rx", rb"(.)\1", b"abcc", (2, 2, b"cc", b"c")),
    ("rx", rb"^$", b"a\n", None),
    ("rxGlobal", rb"(a)|b", b"axb", (0, 1, b"a", b"a", b"b", None)),
    ("rxGlobal", rb"x*", b"axx", (0, 0, b"", b"xx", b"")),
    ("rxGlobal", rb"c", b"axb", None),
    ("validateByteRange", b"1-255", b"a\0b", (1, 1)),
    ("validateByteRange", b"9,10, 32-126", b"a\tb\n", None),
    ("validateUrlEncoding", b"", b"a%41%4g", (4, 1)),
    ("validateUrlEncoding", b"", b"a%41%", (4, 1)),
    ("validateUrlEncoding", b"", b"a%41b", None),
    ("validateUtf8Encoding", b"", "aé😀".encode(), None),
    ("validateUtf8Encoding", b"", b"ab\xc3", (2, 1)),
    ("validateUtf8Encoding", b"", b"\xc0\xaf", (0, 1)),
    ("validateUtf8Encoding", b"", b"\xed\xa0\x80", (0, 1)),
    ("validateUtf8Encoding", b"", b"\xf4\x90\x80\x80", None),
    ("validateUtf8Encoding", b"", b"\xf4\x90\x80\x80\xff", (4, 1)),
    ("ipMatch", b"192.0.2.0/24,::1", b"192.0.2.77", (0, 0)),
    ("ipMatch", b"192.0.2.77/24, 2001:db8::/32", b"2001:DB8:5::", (0, 0)),
    ("ipMatch", b"192.0.2.0/24", b"::ffff:192.0.2.1", None),
    ("ipMatch", b"192.0.2.0/24", b"192.0.2.1 ", None),
    ("ipMatch", b"0.0.0.0/0", b"", None),
    ("ipMatchFromFile", b"networks", b"10.1.2.3", (0, 0)),
    ("ipMatchF", b"networks", b"fe80::1", (0, 0)),
    ("ipMatchF", b"networks", b"192.0.2.1", None),
    ("detectSQLi", b"", b"1' or '1'='1", (0, 12, b"s&sos")),
    ("detectSQLi", b"", b"O'Brien", None),
    ("detectSQLi", b"", b"select", None),
    ("detectXSS", b"", b"<script>x", (0, 9, b"<script>x")),
    ("detectXSS", b"", b"a < b and c > d", None),
    ("verifyCC", rb"\d{13,16}", b"pay 4111111111111111 now", (4, 16, b"4111111111111111")),
    ("verifyCC", rb"\b\d{16}\b", b"pay 4111111111111112 now", None),
    ("verifyCC", rb"(?:\d-?){16}", b"4111-1111-1111-1111", (0, 19, b"4111-1111-1111-1111")),
    ("verifySSN", rb"\d{3}-?\d{2}-?\d{4}", b"x 457-55-5462", (2, 11, b"457-55-5462")),
    ("verifySSN", rb"\d{9}", b"666123456", None),
    ("verifySSN", rb"\d{9}", b"123456789", None),
    ("verifySSN", rb"\b\d{9}\b", b"99457555462", (2, 9, b"457555462")),  # within a longer number, too
    ("verifyCPF", rb"\d{3}\.?\d{3}\.?\d{3}-?\d{2}", b"CPF 529.982.247-25", (4, 14, b"529.982.247-25")),
    ("verifyCPF", rb"\d{11}", b"11111111111", None),
    ("verifySVNR", rb"\d{4} ?\d{6}", b"1237 010180", (0, 11, b"1237 010180")),
    ("verifySVNR", rb"\d{10}", b"1238010180", None),
    ("geoLookup", b"", b"192.0.2.1", None),
]
FILES = MemoryFiles(
    words=b"# words\n  # more\n\ntable\nno such\n",
    more=b"extra\n",
    networks=b"10.0.0.0/8, 127.0.0.1 # ours\n\nfe80::/10\n",
)


@pytest.mark.parametrize(("operator", "argument", "value", "expected"), CASES)
def test_an_operator_says(operator, argument, value, expected):
    hit = OPERATORS[operator.lower()](argument, FILES)(value)
    assert hit == (expected and Hit(expected[0], expected[1], expected[2:]))


# (operator, argument, what the error says)
REFUSED = [
    ("rx", b"(a", r"a \( without its \)"),
    ("rx", b"a)", r"a \) without its \("),
    ("rx", b"[a", "a class does not end"),
    ("rx", b"*a", "a quantifier has nothing to repeat"),
    ("rx", b"{2}a", "a quantifier has nothing to repeat"),
    ("rx", rb"\b+a", "a quantifier has nothing to repeat"),
    ("rx", b"a**", "a quantifier follows a quantifier"),
    ("rx", b"a{3,2}", "out of order"),
    ("rx", b"[b-a]", "a range is out of order"),
    ("rx", rb"(a)\2", "there is no group 2"),
    ("rx", rb"\y", "means nothing"),
    ("rx", rb"\x{100}", "matched against bytes"),
    ("rx", b"(?R)", "recursion"),
    ("rx", b"(?(1)a)", "conditions"),
    ("rx", b"(*UTF8)a", "verbs"),
    ("rx", rb"a\Kb", "is not supported"),
    ("rx", b"(" * 300 + b")" * 300, "nested"),
    ("rxGlobal", b"(a", "without its"),
    ("verifyCC", b"", "a pattern is needed"),
    ("validateByteRange", b"1-x", "is no range of bytes"),
    ("validateByteRange", b"9-1", "from 0 to 255"),
    ("validateByteRange", b"256", "from 0 to 255"),
    ("ipMatch", b"10.0.0.0/33", "is no network"),
    ("ipMatch", b"localhost", "is no network"),
    ("ipMatchFromFile", b"https://example.com/list", "not fetched"),
    ("pmFromFile", b"https://example.com/list", "not fetched"),
    ("inspectFile", b"/bin/true", "would run a program"),
    ("rbl", b"example.com", "would ask the DNS"),
    ("fuzzyHash", b"x 1", "ssdeep"),
    ("gsbLookup", b"", "has ended"),
    ("rsub", b"s/a/b/", "rewrites bodies"),
    ("validateHash", b"", "hash engine"),
]


@pytest.mark.parametrize(("operator", "argument", "problem"), REFUSED)
def test_a_bad_argument_is_refused_at_load(operator, argument, problem):
    with pytest.raises(BadArgument, match=problem):
        OPERATORS[operator.lower()](argument, NONE)


@pytest.mark.parametrize("operator", ["pmFromFile", "pmf", "ipMatchFromFile", "ipMatchF"])
def test_a_missing_file_is_an_error_at_load(operator):
    with pytest.raises(FileNotFoundError):
        OPERATORS[operator.lower()](b"nowhere", NONE)


def test_every_operator_has_an_example():
    elsewhere = {"validateschema", "validatedtd"}
    tried = {name.lower() for name, *_ in CASES} | {name.lower() for name, *_ in REFUSED}
    assert OPERATORS.keys() - elsewhere == tried
