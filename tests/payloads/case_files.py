"""Cases kept as data, one a line; `cases/json.txt` says how."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).with_name("cases")


class Case(NamedTuple):
    letter: str
    rule: str  # "" where the body is read
    name: str
    body: bytes


def cases(name: str) -> list[Case]:
    found = []
    for line in (_FOLDER / f"{name}.txt").read_text("latin-1").split("\n"):
        if not line or line.startswith("#"):
            continue
        letter, _, rest = line.partition(" ")
        rule, _, rest = ("", "", rest) if letter == "y" else rest.partition(" ")
        title, _, body = rest.partition(" ")
        raw = body.encode("latin-1").decode("unicode_escape").encode("latin-1")
        found.append(Case(letter, rule.replace("+", ""), title, raw))
    assert len({case.name for case in found}) == len(found)
    return found
