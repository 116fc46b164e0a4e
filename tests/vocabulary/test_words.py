"""All words are had from `stockade.vocabulary` itself, whichever of its files they stand in."""

from __future__ import annotations

import ast
from pathlib import Path

import stockade.vocabulary as vocabulary

FILES = sorted(Path(vocabulary.__file__).parent.rglob("*.py"))
KEPT_BACK = {"R"}  # a type variable


def defined(node: ast.stmt) -> list[str]:
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case ast.Assign(targets=targets):
            return [each.id for each in targets if isinstance(each, ast.Name)]
    return []


def words() -> list[str]:
    found = [name for file in FILES for node in ast.parse(file.read_text()).body for name in defined(node)]
    return sorted(name for name in found if not name.startswith("_"))


def test_every_word_is_had_from_the_package() -> None:
    """A new one is one line in its `__init__` too: `gateway/onlooker.py` looks for questions there."""
    assert words() == sorted({*vocabulary.__all__, *KEPT_BACK})
    assert all(hasattr(vocabulary, name) for name in vocabulary.__all__)
