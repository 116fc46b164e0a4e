"""The Core Rule Set parses, with its comments taken off, its lines joined, its line ends changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from stockade.seclang import Parsed, Rule, load, load_text

LEAST = 600  # rules
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "with CRLF": lambda text: text.replace("\n", "\r\n"),
    "on one line each": lambda text: re.sub(r"\\\n[ \t]*", "", text),
    "without comments": lambda text: re.sub(r"(?m)^[ \t]*#.*\n", "", text),
    "with a BOM": lambda text: f"\ufeff{text}",
}


def rules(parsed: Parsed) -> list[Rule]:
    return [statement for statement in parsed.statements if isinstance(statement, Rule)]


def shape(parsed: Parsed) -> list[object]:
    """Everything but the places."""

    def of(rule: Rule) -> object:
        return rule.id, rule.targets, rule.operator, rule.actions, [of(link) for link in rule.links]

    return [of(rule) for rule in rules(parsed)]


def test_it_parses(debian_crs: Path) -> None:
    parsed = load([debian_crs])
    assert parsed.problems == ()
    found = rules(parsed)
    assert len(found) >= LEAST
    assert len({rule.id for rule in found}) == len(found)


@pytest.mark.parametrize("form", FORMS)
def test_in_every_form(debian_crs: Path, form: str) -> None:
    files = sorted((debian_crs.parent / "rules").glob("*.conf"))
    text = "".join(file.read_text() for file in files)
    parsed = load_text(FORMS[form](text))
    assert parsed.problems == ()
    assert shape(parsed) == shape(load(files))


def test_places(debian_crs: Path) -> None:
    for rule in rules(load([debian_crs])):
        line = Path(rule.place.file).read_text().split("\n")[rule.place.line - 1]
        assert line.lstrip().startswith(("SecRule", "SecAction"))
