"""Golden files: rules, a ruled line of dashes, then the exact problems, or the tree where there are none.

`STOCKADE_REWRITE=1 pytest tests/seclang/test_golden.py` writes what is said now; read the difference before committing.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stockade.seclang import parse
from tests.seclang.dumping import dump

FOLDER = Path(__file__).parent / "golden"
FILES = sorted(FOLDER.glob("*.txt"))
RULE = b"-" * 40 + b"\n"
LEAST = 40  # golden files; a glob that finds nothing must not pass


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden(path: Path) -> None:
    rules, ruled, wanted = path.read_bytes().rpartition(RULE)  # bytes: line ends are a part of some
    assert ruled, f"{path.name} has no ruled line"
    said = dump(parse(rules.decode(), "rules.conf")).encode()
    if os.environ.get("STOCKADE_REWRITE"):
        path.write_bytes(rules + RULE + said)
    else:
        assert said == wanted


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_good_files_have_no_problems_and_others_have(path: Path) -> None:
    rules = path.read_bytes().rpartition(RULE)[0].decode()
    assert (not parse(rules).problems) == path.stem.startswith("good-")


def test_there_are_many() -> None:
    assert len(FILES) >= LEAST
