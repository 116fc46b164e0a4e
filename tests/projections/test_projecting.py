"""Projections: what must go goes, wherever it stands; all else stays, byte for byte where nothing goes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.projections import MASK, REMOVE, Planner, Rule, Unprojectable, hasher, parse_path, project
from stockade.projections.projecting import Cut

CANARY = "canary-7f3a"
HASH = hasher(b"k" * 32)
ACTIONS = {"mask": MASK, "remove": REMOVE, "hash": HASH}


def cut(*paths: str, action: Any = MASK) -> Cut | None:
    plan = Planner([Rule(parse_path(path)) for path in paths]).plan()
    return plan.cut(tuple(action for _ in paths))


def projected(body: bytes, *paths: str, action: Any = MASK) -> bytes:
    made = cut(*paths, action=action)
    assert made is not None
    new = project(body, made)
    return body if new is None else new


TABLE = [
    ("$.a", b'{"a":"x","b":1}', b'{"a":"***","b":1}'),
    ("$.a", b'{"a":7,"b":1}', b'{"a":null,"b":1}'),
    ("$.a", b'{"a":{"b":[1]}}', b'{"a":null}'),
    ("$.a.b", b'{"a":{"b":"x","c":"x"},"b":"x"}', b'{"a":{"b":"***","c":"x"},"b":"x"}'),
    ("$.items[*].e", b'{"items":[{"e":"x"},{"e":"y","f":1},3]}', b'{"items":[{"e":"***"},{"e":"***","f":1},3]}'),
    ("$[*].e", b'[{"e":"x"},[{"e":"x"}]]', b'[{"e":"***"},[{"e":"x"}]]'),
    ("$..e", b'{"e":"x","a":[{"e":{"e":"x"}},[{"b":{"e":"x"}}]]}', b'{"e":"***","a":[{"e":null},[{"b":{"e":"***"}}]]}'),
    ("$.*.e", b'{"p":{"e":"x"},"q":{"e":"y"},"e":"z"}', b'{"p":{"e":"***"},"q":{"e":"***"},"e":"z"}'),
    ("$.a[*]", b'{"a":["x",1,{"b":2}]}', b'{"a":["***",null,null]}'),
    ("$['odd name']", b'{"odd name":"x"}', b'{"odd name":"***"}'),
    ("$.a..e", b'{"e":"x","a":{"b":{"e":"x"}}}', b'{"e":"x","a":{"b":{"e":"***"}}}'),
    ("$.a", '{"\\u0061":"x","é":"\\u00e9"}'.encode(), '{"a":"***","é":"é"}'.encode()),
    # Numbers keep their text, members their order.
    (
        "$.a",
        b'{"z":1.10,"a":"x","b":1e400,"c":-0,"d":12345678901234567890123,"e":-0.0,"f":1E5}',
        b'{"z":1.10,"a":"***","b":1e400,"c":-0,"d":12345678901234567890123,"e":-0.0,"f":1E5}',
    ),
    # Nothing to do: as it came.
    ("$.a", b' {"b" : "x" } ', b' {"b" : "x" } '),
]


@pytest.mark.parametrize(("path", "body", "wanted"), TABLE, ids=range(len(TABLE)))
def test_places(path, body, wanted):
    assert projected(body, path) == wanted


def test_what_is_removed_goes_with_its_name():
    assert projected(b'{"a":1,"b":{"a":2}}', "$.a", action=REMOVE) == b'{"b":{"a":2}}'
    assert projected(b'{"a":[1,2]}', "$.a[*]", action=REMOVE) == b'{"a":[]}'
    assert projected(b'{"a":1,"b":2}', "$.*", action=REMOVE) == b"{}"


def test_a_hash_tells_equal_values_and_nothing_else():
    made = json.loads(projected(b'[{"e":"x"},{"e":"x"},{"e":"y"},{"e":null},{"e":{"a":1}}]', "$[*].e", action=HASH))
    first, second, third, fourth, fifth = [item["e"] for item in made]
    assert first == second != third
    assert fourth is None
    assert len(first) == len(fifth) == 32
    other = hasher(b"l" * 32)
    assert other("x") != first
    with pytest.raises(ValueError, match="16 bytes"):
        hasher(b"short")


HOSTILE = {
    "twice": b'{"a":"x","a":"y"}',
    "twice deep": b'{"b":[{"a":1,"c":{"x":1,"x":2}}]}',
    "twice by escape": b'{"a":1,"\\u0061":2}',
    "twice with a quote": b'{"\\u0022":1,"\\"":2}',
    "twice, made up for": b'{"a":"\\u0022\\u0022","a":"\\u0022\\u0022"}',
    "cut short": b'{"a":"x"',
    "two values": b'{"a":1}{"a":2}',
    "trailing": b'{"a":1},',
    "no json": b"<a/>",
    "empty": b"",
    "not utf-8": b'{"a":"\xff"}',
    "utf-16": '{"a":1}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"a":1}',
    "lone surrogate": b'{"b":"\\ud800"}',
    "NaN": b'{"a":NaN}',
    "infinity": b'{"a":-0,"b":Infinity}',
    "leading zero": b'{"a":01}',
    "comment": b'{"a":1/**/}',
    "single quotes": b"{'a':1}",
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep enough": b'{"b":' * 900 + b"1" + b"}" * 900,
    "long number": b'{"b":-0,"a":' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_read_without_doubt_fails(name):
    made = cut("$..a")
    assert made is not None
    with pytest.raises(Unprojectable):
        project(HOSTILE[name], made)


def test_who_may_see_all_is_not_asked():
    plan = Planner([Rule(parse_path("$..a")), Rule(parse_path("$.b"))]).plan()
    assert plan.cut((None, None)) is None
    assert plan.cut((None, MASK)) is not plan.cut((MASK, None))
    assert plan.cut((None, MASK)) is plan.cut((None, MASK))


def test_to_remove_is_the_strictest():
    plan = Planner([Rule(parse_path("$..a")), Rule(parse_path("$.a")), Rule(parse_path("$.*"))]).plan()
    for actions in ((MASK, REMOVE, HASH), (REMOVE, MASK, None), (None, None, REMOVE)):
        made = plan.cut(actions)
        assert made is not None
        assert project(b'{"a":1}', made) == b"{}"


# Properties.

names = st.sampled_from(["a", "b", "secret", "é", 'quo"te', ""])
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4), max_leaves=20
)
PATHS = ["$..secret", "$.secret", "$[*].secret", "$.a..secret", "$.*.secret", "$..secret[*]", "$..a.secret"]


def reaches(steps: tuple[Any, ...], path: tuple[Any, ...], at: int = 0, done: int = 0) -> bool:
    """Whether a path of ours names the place: the definition, slowly."""
    if done == len(steps):
        return at == len(path)
    if at == len(path):
        return False
    step = steps[done]
    here = step.name is None or step.name == path[at]
    return (here and reaches(steps, path, at + 1, done + 1)) or (step.deep and reaches(steps, path, at + 1, done))


def slowly(value: Any, steps: tuple[Any, ...], path: tuple[Any, ...] = ()) -> Any:
    """What masking means, written down without any speed."""
    if path and reaches(steps, path):
        return "***" if isinstance(value, str) else None
    if isinstance(value, dict):
        return {name: slowly(item, steps, (*path, name)) for name, item in value.items()}
    if isinstance(value, list):
        return [slowly(item, steps, (*path, index)) for index, item in enumerate(value)]
    return value


@given(values, st.sampled_from(PATHS), st.booleans())
def test_masking_is_what_it_is_defined_to_be(value, path, spaced):
    body = json.dumps(value, ensure_ascii=spaced, indent=1 if spaced else None).encode()
    assert json.loads(projected(body, path)) == slowly(value, parse_path(path))


def seeded(value: Any) -> Any:
    """The same, with a canary as every secret, and one within every container that is a secret."""
    if isinstance(value, dict):
        return {name: CANARY if name == "secret" and not isinstance(item, dict | list) else seeded(item) for name, item in value.items()}  # fmt: skip # noqa: E501
    return [seeded(item) for item in value] if isinstance(value, list) else value


@given(values, st.sampled_from(sorted(ACTIONS)))
def test_no_canary_is_left_and_what_leaves_is_json(value, action):
    body = json.dumps(seeded(value)).encode()
    made = projected(body, "$..secret", action=ACTIONS[action])
    json.loads(made)
    assert CANARY.encode() not in made


def without(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without(item) for name, item in value.items() if name != "secret"}
    return [without(item) for item in value] if isinstance(value, list) else value


@given(values)
def test_what_is_allowed_does_not_change(value):
    body = json.dumps(value).encode()
    made = projected(body, "$..secret", action=REMOVE)
    assert json.dumps(json.loads(made)) == json.dumps(without(value))  # order and numbers as well
    if without(value) == value:
        assert made is body or made == body


@given(st.binary(max_size=40) | st.text(alphabet='{}[]":,\\u0a1-e. ', max_size=40).map(str.encode))
def test_whatever_comes_it_is_json_or_refused(body):
    made = cut("$..a", action=REMOVE)
    assert made is not None
    try:
        new = project(body, made)
    except Unprojectable:
        return
    json.loads(body if new is None else new)
