"""Whatever is read, there is an answer: never an exception but ours, places that exist, and nothing lost."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.seclang import (
    Action,
    BadSyntax,
    Operator,
    Parsed,
    Place,
    Rule,
    Target,
    parse,
    parse_actions,
    parse_targets,
    parse_text,
    to_bytes,
)
from stockade.seclang.names import COLLECTIONS, OPERATORS, PLAIN, REFUSED_OPERATORS, WITHOUT_ARGUMENT

SAMPLES = [
    path.read_bytes().rpartition(b"-" * 40)[0].decode() for path in sorted((Path(__file__).parent / "golden").glob("*"))
]
PIECES = [
    *"\"'\\|,:;=!&@#%{}<>/. \t\r\n\0",
    "\\\n",
    '\\"',
    "%{",
    "chain",
    "SecRule ",
    "SecAction ",
    "ARGS",
    "id:1",
    "msg:'",
    "@rx ",
    "\udc80",
    "\ud800",
    "\xa0",
]
soup = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=60).map("".join)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A golden file in which pieces were put, taken out, or doubled."""
    text = draw(st.sampled_from(SAMPLES))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.integers(0, 20))
        text = text[:start] + draw(st.sampled_from(["", text[start:end] * 2, *PIECES])) + text[end:]
    return text


def check(text: str, parsed: Parsed) -> None:
    last = text.count("\n") + 1
    for problem in parsed.problems:
        assert problem.place.file == "fuzz"
        assert 1 <= problem.place.line <= last
        assert problem.text
        str(problem)
    for statement in parsed.statements:
        assert 1 <= statement.place.line <= last


@given(soup)
@settings(max_examples=400)
def test_soup(text: str) -> None:
    check(text, parse(text, "fuzz"))
    check(f'SecRule ARGS "{text}" "id:1"', parse(f'SecRule ARGS "{text}" "id:1"', "fuzz"))
    check(f'SecAction "id:1,{text}"', parse(f'SecAction "id:1,{text}"', "fuzz"))


@given(mutated())
@settings(max_examples=400)
def test_mutants(text: str) -> None:
    check(text, parse(text, "fuzz"))


@given(st.binary(max_size=300))
def test_bytes(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    assert to_bytes(text) == data
    check(text, parse(text, "fuzz"))


@given(soup)
def test_parts(text: str) -> None:
    for reader in (parse_text, parse_actions, parse_targets):
        with contextlib.suppress(BadSyntax):
            reader(text)


# What is written comes back as it was meant.
NO_QUOTES = st.text(st.characters(codec="utf-8", exclude_characters="\"'\\\0\r\n%"), min_size=1, max_size=12)
KEYS = st.text(st.sampled_from("abcXYZ019_-.[]*$^"), min_size=1, max_size=8)


@st.composite
def targets(draw: st.DrawFn) -> Target:
    mark = draw(st.sampled_from(["", "!", "&"]))
    if draw(st.booleans()):
        return Target(draw(st.sampled_from(sorted(PLAIN))), None, None, mark == "&", mark == "!")
    key, pattern = draw(st.sampled_from([(None, None), (draw(KEYS), None), (None, draw(KEYS))]))
    name = draw(st.sampled_from(sorted(COLLECTIONS - {"XML"})))
    return Target(name, key, pattern, mark == "&", mark == "!")


@st.composite
def operators(draw: st.DrawFn) -> Operator:
    name = draw(st.sampled_from(sorted(set(OPERATORS.values()) - set(REFUSED_OPERATORS))))
    argument = () if name in WITHOUT_ARGUMENT else (draw(NO_QUOTES),)
    return Operator(name, argument, draw(st.booleans()))


actions = st.one_of(
    st.sampled_from(["deny", "capture", "log", "multimatch"]).map(Action),
    st.tuples(st.sampled_from(["msg", "tag", "logdata", "ver"]), NO_QUOTES).map(lambda pair: Action(*pair)),
    st.sampled_from(["none", "lowercase", "urldecodeuni"]).map(lambda name: Action("t", name)),
)


def written(target: Target) -> str:
    key = f":{target.key}" if target.key is not None else ""
    pattern = f":/{target.pattern}/" if target.pattern is not None else ""
    return f"{'!' * target.excluded}{'&' * target.counted}{target.collection}{key}{pattern}"


def quoted(action: Action) -> str:
    return action.name if action.argument is None else f"{action.name}:'{action.argument}'"


@given(
    st.lists(targets(), min_size=1, max_size=4).filter(lambda found: not all(target.excluded for target in found)),
    operators(),
    st.lists(actions, max_size=5),
    st.sampled_from([" ", " \\\n    ", "\t"]),
    st.sampled_from([",", " , ", ",\\\n    "]),
)
@settings(max_examples=300)
def test_round_trip(wanted: list[Target], operator: Operator, extra: list[Action], blank: str, comma: str) -> None:
    argument = "".join(f" {part}" for part in operator.argument)
    all_actions = (Action("id", "1"), *extra)
    text = blank.join(
        [
            "SecRule",
            "|".join(map(written, wanted)),
            f'"{"!" * operator.negated}@{operator.name}{argument}"',
            f'"{comma.join(map(quoted, all_actions))}"',
        ]
    )
    parsed = parse(text, "fuzz")
    assert parsed.problems == ()
    assert parsed.statements == (Rule(Place("fuzz", 1), tuple(wanted), operator, all_actions, (), 1),)


MANY = 20_000


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("a" * 20_000_000, 1),
        ('SecRule ARGS "' + "a" * 20_000_000 + '" "id:1"', 1),
        ("\n" * 5_000_000, 0),
        ("\\\n" * 1_000_000, 1),
        ("x\n" * 1_000_000, 10_001),
        ("".join(f'SecRule ARGS "@rx a" "id:{number},deny"\n' for number in range(1, MANY)), 0),
        ('SecRule ARGS x "id:1,chain"\n' + 'SecRule ARGS x "chain"\n' * MANY, 1),
        ('SecRule ARGS x "id:1,chain"\n' + 'SecRule ARGS x "chain"\n' * MANY + "SecRule ARGS x\n", 0),
        ("<IfModule security2_module>\n" * MANY + "SecRuleEngine On\n" * MANY, 10_000),
        ("SecRule " + "ARGS|" * 200_000 + 'ARGS "x" "id:1"', 0),
        ("SecRule " + "|" * 1_000_000 + ' "x" "id:1"', 101),
        ('SecAction "' + "," * 1_000_000 + '"', 101),
        ("SecAction \"id:1,msg:'" + "%{tx.a}" * 100_000 + "'\"", 0),
        ('SecRule ARGS "' + "\\%{" * 300_000 + '" "id:1"', 0),
        ("".join(f"SecRul{number}\n" for number in range(MANY)), 10_001),
        ('SecRule ARGS "@rx x" "id:1,msg:\'' + "\\'" * 500_000 + "'\"", 0),
        ("#SecRule \\\n" * MANY, 0),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else None,
)
def test_much(text: str, problems: int) -> None:
    """Sizes at which anything but linear work would not come to an end."""
    assert len(parse(text).problems) == problems
