"""libmodsecurity 3.0.15 and our operators say the same of every value. The seeds are fixed, the values many."""

from __future__ import annotations

import re
from random import Random

import pytest

from stockade.waf.operators import OPERATORS, Hit
from tests.waf.operators.files import NONE
from tests.waf.transformations.oracle import answer

EACH = 400

_WORDS = [b"ab", b"a", b"b", b" ", b"A", b"_", b"1", b"\xe9", b".", b"union", b"SELECT"]
_NUMBERS = [b"1", b"0", b"-", b"+", b" ", b"9", b"2147483648", b"x", b".", b"\t", b"9223372036854775808"]
_DIGITS = [
    *(b"1", b"2", b"3", b"0", b"9", b"-", b" ", b"x", b"123", b"456", b"4111111111111111", b"457555462"),
    *(b"52998224725", b"529.982.247-25", b"1237010180", b"11144477735"),
]
_ADDRESSES = [
    *(b"10.0.0.1", b"10.1.2.2", b"10.1.2.3", b"192.168.3.4", b"::1", b"2001:db8::5", b"fe80::1", b"fec0::1"),
    *(b"::ffff:10.0.0.1", b"10.0.0", b"010.0.0.1", b"x", b"10.0.0.1 ", b"2001:DB8:0:0::1", b"1.2.3.4", b"fe80::1%lo"),
]
_SQL = [
    *(b"'", b" or ", b"1", b"=", b"union", b" select ", b"--", b'"', b"a", b"(", b")", b"sleep", b",", b";", b"/*"),
    *(b"*/", b"#", b"`", b"admin", b" and ", b"\xa0", b"\0", b"x", b"e", b"@", b"0x41", b"\\", b"$", b"{", b"."),
]
_HTML = [
    *(b"<", b">", b"script", b" onload", b"=", b"'", b'"', b"`", b"alert(1)", b" ", b"/", b"javascript:", b"href"),
    *(b"<!--", b"-->", b"&#x6a;", b"svg", b"img", b"\0", b"style", b"a", b"x", b"<!doctype", b"<?xml", b":"),
]
_UTF8 = [
    *(b"a", b"\0", b"\xc3\xa9", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80", b"\x80", b"\xc0", b"\xe0", b"\xf0", b"\xf5"),
    *(b"\xf8", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x8f\xbf\xbf", b"\xf4\x90\x80\x80", b"\xbf", b"\xff"),
]
_STRINGS = ["a", "ab", "ab a", "A", "b.", "1a"]
_LIMITS = ["0", "1", "-1", "5", "2147483648", "99999999999999999999999", " 3", "x"]

# operator: arguments, pieces of values, how many pieces at most
CASES: dict[str, tuple[list[str], list[bytes], int]] = {
    **dict.fromkeys(("beginsWith", "endsWith", "contains", "containsWord", "strmatch"), (_STRINGS, _WORDS, 8)),
    **dict.fromkeys(("eq", "ge", "gt", "le", "lt"), (_LIMITS, _NUMBERS, 4)),
    "streq": (_STRINGS, _WORDS, 2),
    "within": (["ab a b", "|ab| |b|", "abab"], _WORDS, 3),
    "pm": (["ab ba", "select Union", "a1"], _WORDS, 8),
    "rxGlobal": (["a", "(a)(b)?", "a*", r"\b", "(?i)A."], _WORDS, 8),
    "validateByteRange": (["1-255", "32-126", "9,10,13,32-126,128-255", "65"], [*_UTF8, *_WORDS], 8),
    "validateUrlEncoding": ([""], [b"%", b"4", b"1", b"g", b"a", b"%41"], 8),
    "validateUtf8Encoding": ([""], _UTF8, 4),
    "ipMatch": (["10.0.0.0/8", "10.0.0.1", "192.168.0.0/16,::1,2001:db8::/32", "10.1.2.3/31,fe80::/10"], _ADDRESSES, 1),
    "verifyCC": ([r"\d{13,16}", r"\d{4,6}", r"\b\d{13,16}\b", r"(?:\d-?){13,16}"], _DIGITS, 10),
    "verifySSN": ([r"\d{3}-?\d{2}-?\d{4}", r"\b\d{9}\b", r"\d{9,12}", r"(\d{9})x?"], _DIGITS, 10),
    "verifyCPF": ([r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}", r"\b\d{11}\b", r"\d{11,13}"], _DIGITS, 10),
    "verifySVNR": ([r"\d{10}", r"\b\d{4} ?\d{6}\b"], _DIGITS, 10),
    "detectSQLi": ([""], _SQL, 8),
    "detectXSS": ([""], _HTML, 8),
}
# Of several numbers that are valid, ModSecurity names the last of the first suffix that has one, we the first; and for
# what is wrong with an encoding it names all the rest of the value.
_ELSEWHERE = {"verifySSN", "verifyCPF", "verifySVNR", "validateUrlEncoding", "validateUtf8Encoding", "within"}


@pytest.mark.parametrize("operator", sorted(CASES))
def test_one_operator(operator):
    arguments, pieces, most = CASES[operator]
    random = Random(4)
    matched = 0
    for _ in range(EACH):
        argument = random.choice(arguments)
        value = b"".join(random.choices(pieces, k=random.randint(1, most)))
        hit = OPERATORS[operator.lower()](argument.encode(), NONE)(value)
        matched += hit is not None
        assert agree(operator, argument, value, hit), (argument, value, hit)
    assert 0 < matched < EACH


def agree(operator: str, argument: str, value: bytes, hit: Hit | None) -> bool:
    try:
        said = answer(operator, argument, value)
    except UnicodeDecodeError:  # the binding cannot show what was captured, but it matched
        return hit is not None
    if said is None or hit is None:
        return said is None and hit is None
    if operator in _ELSEWHERE:
        return True
    place = re.match(r"o(\d+),(\d+)", said[0])
    same = place is None or (int(place[1]), int(place[2])) == (hit.offset, hit.length)
    return same and (not hit.captures or hit.captures[0] == said[1].encode("latin-1", "replace") or not value.isascii())
