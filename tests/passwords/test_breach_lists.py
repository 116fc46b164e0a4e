"""Breached passwords: found in a sorted list without reading it, or in the answer of a range endpoint."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.passwords import BadBreachList, BreachList, breach_digest, count_in_range
from stockade.passwords.breached import PREFIX
from tests.breach_lists import list_lines


class Pages:
    """Bytes as a file has them, and how often they were asked for."""

    def __init__(self, data: bytes) -> None:
        self.data, self.reads = data, 0

    def __call__(self, offset: int, length: int) -> bytes:
        self.reads += 1
        return self.data[offset : offset + length]


def listed(data: bytes) -> BreachList:
    return BreachList(Pages(data), len(data))


def test_the_digest_is_that_of_the_published_lists():
    assert breach_digest("password") == "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("size", [1, 2, 3, 100, 2000])
def test_every_line_is_found_and_nothing_else(size, newline):
    lines = list_lines(f"password {number}" for number in range(size))
    data = "".join(line.replace(":1\n", f":{number + 1}{newline}") for number, line in enumerate(lines)).encode()
    found = listed(data)
    assert [found.count(line[:40]) for line in lines] == list(range(1, size + 1))
    assert not any(found.count(breach_digest(f"another {number}")) for number in range(200))


def test_without_a_newline_at_the_end_and_without_numbers():
    data = "".join(list_lines(["a", "b", "c"])).replace(":1", "").rstrip().encode()
    found = listed(data)
    assert [found.count(breach_digest(text)) for text in ("a", "b", "c", "d")] == [1, 1, 1, 0]


def test_a_question_takes_a_few_reads():
    data = "".join(list_lines(f"{number}" for number in range(20_000))).encode()
    pages = Pages(data)
    found = BreachList(pages, len(data))
    pages.reads = 0
    found.count(breach_digest("not there"))
    assert pages.reads < 50


@pytest.mark.parametrize(
    "data",
    [b"", b"password\n", b"5BAA61E4\n", b"\0" * 10_000, b"A" * 10_000, b"<html>" * 100, b"5" * 41 + b":1\n"],
    ids=["empty", "words", "short", "zeros", "no lines", "a page", "too long"],
)
def test_what_is_no_list(data):
    with pytest.raises(BadBreachList):
        listed(data)


def test_what_is_not_sorted():
    lines = list_lines(f"{number}" for number in range(1000))
    with pytest.raises(BadBreachList, match="not sorted"):
        listed("".join(reversed(lines)).encode())


@settings(max_examples=100)
@given(st.binary(max_size=2000))
def test_hostile_lists_end(data):
    try:
        listed(data).count(breach_digest("x"))
    except BadBreachList:
        return


RANGE = "0018A45C4D1DEF81644B54AB7F969B88D65:3\r\n1E4C9B93F3F0682250B6CF8331B7EE68FD8:9545824\r\n" + "F" * 35 + ":0"


def test_a_range_answers_for_the_rest_of_the_digest():
    digest = breach_digest("password")
    assert digest[:PREFIX] == "5BAA6"
    assert count_in_range(RANGE.encode(), digest) == 9_545_824
    assert count_in_range(RANGE.lower().encode(), digest) == 9_545_824
    assert count_in_range(RANGE.encode(), breach_digest("another")) == 0
    assert count_in_range(RANGE.encode(), "5BAA6" + "F" * 35) == 0, "a line that only pads"
    assert count_in_range(b"", digest) == 0


@pytest.mark.parametrize("data", [b"<html>", b"0018A45C4D1DEF81644B54AB7F969B88D65", b"x:1"])
def test_what_is_no_range(data):
    with pytest.raises(BadBreachList):
        count_in_range(data, breach_digest("password"))
