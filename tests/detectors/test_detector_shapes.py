"""Patterns that the standard library runs: at their worst they cost no more than what is there to be read."""

from __future__ import annotations

import importlib
import pkgutil
import re
from time import process_time

import pytest

import stockade.detectors

SHAPES = {
    f"{module.name}.{name}": value
    for module in pkgutil.iter_modules(stockade.detectors.__path__)
    for name, value in vars(importlib.import_module(f"stockade.detectors.{module.name}")).items()
    if isinstance(value, re.Pattern) and module.name not in ("masking", "borders", "stream")
}
WORST = [b"a" * 400, b"a-" * 200, b"a." * 200, b"1" * 400, b"1 " * 200, b"1(" * 200, b"1)" * 200, b"(1)" * 130,
         b"AA11" + b" 1111" * 80, b"AA11" + b"A" * 400, b"a1-." * 100, b"4111-" * 80,
         b"a." * 7 + b"a" * 400]  # fmt: skip


def test_there_are_such_patterns() -> None:
    assert len(SHAPES) >= 6


@pytest.mark.parametrize("name", SHAPES)
def test_no_text_is_a_trap(name: str) -> None:
    """A backtracking engine that is trapped takes hours; the bound is thousands of times what is usual."""
    began = process_time()
    for text in WORST:
        for end in (b"", b"!", b"-", b".", b"\n"):
            SHAPES[name].match(text + end)
            SHAPES[name].match(text[:39] + end)
    assert process_time() - began < 2
