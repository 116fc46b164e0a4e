"""Our regular expressions mean the same in every Python that we run on.

Before 3.11.5 (Debian 12 has 3.11.2) a group that is repeated possessively, `(?:…)*+`, goes on from wherever the attempt
that failed had last looked (python/cpython#100061): `(?:%[0-9A-F]{2})*+` takes the lone `%` of `%zz`. Harmless is a
group whose every alternative tells by single characters, ahead of anything that repeats or looks around.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import re._constants as sre  # type: ignore[import-not-found,import-untyped,unused-ignore]
import re._parser as parser  # type: ignore[import-not-found,import-untyped,unused-ignore]
from collections.abc import Iterator
from typing import Any

import pytest

import stockade

_NOT_ALONE = ("__main__", "migrations", "gateway.envoy")  # these run within alembic, Envoy, a command
_SINGLE = frozenset((sre.LITERAL, sre.NOT_LITERAL, sre.IN, sre.ANY, sre.CATEGORY))
_REPEATS = frozenset((sre.MAX_REPEAT, sre.POSSESSIVE_REPEAT))


def test_no_possessive_group_can_fail_after_it_has_moved() -> None:
    patterns = dict(_patterns())
    groups = [(name, body) for name, pattern in patterns.items() for body in _possessive_groups(pattern)]
    assert len(patterns) > 200
    assert len(groups) > 10, "a few are there, and harmless: else this test sees nothing"
    assert sorted({name for name, body in groups if not _is_harmless(body)}) == []


@pytest.mark.parametrize(
    ("pattern", "harmless"),
    [
        (r"(?:%[0-9A-F]{2})*+", False),
        (r"(?:%[0-9A-F][0-9A-F])*+", True),
        (r"(?:(?!--).)*+", False),
        (r"(?:\\(?:n|u0))*+", False),
        (r"(?:\\n|\\u0|[^\\]++)*+", True),
        (r"(?:\\.[^\\]*+)*+", True),
        (r"(?:\.[0-9]++)?+", False),
        (r"(?:[a-z]*+\n)*+", True),
        (r"(?:[a-z][a-z]*+\n)*+", False),
    ],
)
def test_what_is_harmless(pattern: str, harmless: bool) -> None:
    (body,) = _possessive_groups(re.compile(pattern))
    assert _is_harmless(body) is harmless


def _patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Every compiled expression that a module holds, by itself, as a bound method, or in a collection."""
    for module in pkgutil.walk_packages(stockade.__path__, "stockade."):
        if any(part in module.name for part in _NOT_ALONE):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            for number, held in enumerate(_held(value)):
                pattern = getattr(held, "__self__", held)
                if isinstance(pattern, re.Pattern):
                    yield f"{module.name}.{name}[{number}]", pattern


def _held(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, tuple | list) else [value]


def _possessive_groups(pattern: re.Pattern[Any]) -> list[Any]:
    found = []

    def walk(node: Any) -> None:
        if isinstance(node, parser.SubPattern):
            for operation, rest in node.data:
                if operation is sre.POSSESSIVE_REPEAT and not _is_single(rest[2]):
                    found.append(rest[2])
                walk(rest)
        elif isinstance(node, list | tuple):
            for each in node:
                walk(each)

    walk(parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG))
    return found


def _is_single(body: Any) -> bool:
    return len(body) == 1 and body.data[0][0] in _SINGLE


def _is_harmless(body: Any) -> bool:
    moved = marked = False
    for operation, rest in _flat(body):
        if operation in _SINGLE and not marked:
            moved = True
        elif operation is sre.BRANCH and not moved:
            if not all(map(_is_harmless, rest[1])):
                return False
            moved = True
        elif operation in _REPEATS and _is_single(rest[2]) and (not moved or rest[0] == 0):
            moved, marked = True, moved
        else:
            return False
    return True


def _flat(body: Any) -> Iterator[tuple[Any, Any]]:
    for operation, rest in body.data:
        if operation is sre.SUBPATTERN:
            yield from _flat(rest[-1])
        else:
            yield operation, rest
