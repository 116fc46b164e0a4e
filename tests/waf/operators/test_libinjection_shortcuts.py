"""Values that libinjection is not asked about are none that it would name."""

from __future__ import annotations

import re
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from libinjection import is_sql_injection, is_xss

from stockade.waf.operators.raw import Raw

_SQL_WORDS = re.findall(
    r"\w+",
    "select union all from where and or xor not in is null like between having group order by limit into outfile "
    "exec execute declare sleep benchmark waitfor delay if case when then else end div mod regexp rlike e x n b q u "
    "0x 1e1 0b1 1d 1f pg_sleep user database version load_file char ascii substring cast convert _utf8 true false",
)


@given(st.lists(st.sampled_from(_SQL_WORDS) | st.from_regex(r"[0-9A-Za-z_]{1,4}", fullmatch=True), max_size=6))
def test_letters_digits_and_underscores_are_no_sql_injection(words):
    assert not is_sql_injection(Raw("".join(words).encode()))["is_sqli"]


def test_what_has_no_tag_and_no_assignment_is_no_scripting():
    pieces = [
        *(b">", b"script", b" onload", b"'", b'"', b"`", b"alert(1)", b" ", b"/", b"javascript:", b"href", b"!--"),
        *(b"-->", b"&#x6a;", b"svg", b"\0", b"style", b"!doctype", b"?xml", b"xmlns", b":", b"\n", b"[if", b"&lt;"),
    ]
    random = Random(5)
    for _ in range(20_000):
        value = b"".join(random.choices(pieces, k=random.randint(1, 7)))
        assert not is_xss(Raw(value))["is_xss"], value


def test_any_bytes_reach_libinjection():
    for value in (b"1' or '1'='1\xff", b"x\0' or '1'='1", b"\xff\xfe' union select 1"):
        assert is_sql_injection(Raw(value))["is_sqli"]
    assert is_xss(Raw(b"\xff<script\0>"))["is_xss"]
