"""Lines, their numbers, and the words in them."""

from __future__ import annotations

import pytest

from stockade.seclang.lines import LONGEST, BadWord, read_lines, words

LINES = [
    ("", []),
    ("\n \t\n\r\n", []),
    ("A b", ["A b"]),
    ("  A b \t\nC", ["A b \t", "C"]),
    ("A \\\n  b\nC", ["A   b", "C"]),
    ("A\\\r\nb\\\r\nc\r\nD\r\n", ["Abc", "D"]),
    ("# A\n#\\\nB", ["B"]),
    ("#SecRule x \\\ny \\\nz\nB", ["B"]),
    ("# #  secaction \\\ny\nB", ["B"]),
    ('A\n \t"b"\nC', ['A  \t"b"', "C"]),
    ("A\x85b\u2028c\x0bd", ["A\x85b\u2028c\x0bd"]),
]
WORDS = [
    ("", []),
    ("a  b\tc ", ["a", "b", "c"]),
    ("\"a b\" 'c d'", ["a b", "c d"]),
    (r'"a\"b" "c\\" d', ['a"b', r"c\\", "d"]),
    (r"'it\'s' x\"y", ["it's", r"x\"y"]),
    (r'"\\\"" "\'"', [r"\\" + '"', r"\'"]),
    ('a"b c"', ['a"b', 'c"']),
    ('"a""b"c', ["a", "b", "c"]),
    ("\"\" ''", ["", ""]),
    ("a #b c", ["a"]),
    ('#a "#b" #c "', ["#a", "#b"]),
    ("don't can't", ["don't", "can't"]),
]
BAD_WORDS = ['"a', "'a", 'a "b', r'"a\"', r'"\\\"', "“a”"]


@pytest.mark.parametrize(("text", "lines"), LINES)
def test_lines(text: str, lines: list[str]) -> None:
    read = list(read_lines(text))
    assert [line.text for line in read] == lines
    assert not any(line.faults for line in read)


@pytest.mark.parametrize(("text", "texts"), WORDS)
def test_words(text: str, texts: list[str]) -> None:
    assert [word.text for word in words(text)] == texts


@pytest.mark.parametrize("text", BAD_WORDS)
def test_bad_words(text: str) -> None:
    with pytest.raises(BadWord):
        list(words(text))


def test_numbers_of_lines() -> None:
    text = "\n\n# x\nA\\\n\\\n  b\\\n\n\n\nC\n"
    first, second = read_lines(text)
    assert (first.text, first.first, second.first) == ("A  b", 4, 10)
    assert [first.number(offset) for offset in range(5)] == [4, 6, 6, 6, 7]


def test_offsets_of_words_lead_to_their_lines() -> None:
    text = 'SecRule ARGS \\\n  "@rx a" \\\n  "id:1,\\\n  pass"'
    (line,) = read_lines(text)
    found = list(words(line.text, len("SecRule")))
    assert [line.number(word.offset) for word in found] == [1, 2, 3]
    assert line.number(line.text.index("pass")) == 4


def test_lines_have_a_bound() -> None:
    good, long = "a" * LONGEST, "a" * (LONGEST + 1)
    assert [line.text for line in read_lines(f"{good}\n{long}\nb")] == [good, "", "b"]
    joined = ("a" * 1000 + "\\\n") * 2000
    bad, after = read_lines(f"{joined}\nb")
    assert (bad.text, bad.first, after.text, after.first) == ("", 1, "b", 2002)
    assert "longer than" in bad.faults[0][1]
