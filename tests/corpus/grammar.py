"""Small grammars that make payloads.

A file is plain text. `class:`, `places:` and `names:` head it; `== word` opens a list of alternatives, one a line;
`== payloads/family` or `== payloads@shape/family` opens a list of templates. In both, «word» stands for one of the
alternatives of that word, «k:text» for the text in any mixture of cases, «sp», «tab», «cr», «lf», «nul» for those
characters and «» for nothing. Lines that start with ;; are comments.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_REFERENCE = re.compile("«([^»]*)»")
_FIXED = {"sp": " ", "tab": "\t", "cr": "\r", "lf": "\n", "nul": "\0", "": ""}


class Template(NamedTuple):
    family: str
    shape: str  # "value" unless the file says otherwise: "body", "bracket", "url", …
    text: str


class Grammar(NamedTuple):
    kind: str
    places: list[str]
    names: list[str]  # parameters that such a value belongs in; empty: any
    words: dict[str, list[str]]
    templates: list[Template]

    def expand(self, text: str, rng: random.Random) -> str:
        def one(match: re.Match[str]) -> str:
            name = match[1]
            if name in _FIXED:
                return _FIXED[name]
            if name.startswith("k:"):
                return mixed(name[2:], rng)
            return self.expand(rng.choice(self.words[name]), rng)

        return _REFERENCE.sub(one, text)


def mixed(text: str, rng: random.Random) -> str:
    """The text as written, in capitals, or in a mixture of cases."""
    style = rng.random()
    if style < 0.4:
        return text
    if style < 0.8:
        return text.upper()
    return "".join(rng.choice((letter.lower(), letter.upper())) for letter in text)


def read(path: Path) -> Grammar:
    heads: dict[str, list[str]] = {"places": [], "names": []}
    words: dict[str, list[str]] = {}
    templates: list[Template] = []
    for section, line in _lines(path):
        if not section:
            key, _, value = line.partition(":")
            heads[key] = value.split()
        elif section.startswith("payloads"):
            shape, _, family = section.removeprefix("payloads").partition("/")
            templates.append(Template(family, shape.removeprefix("@") or "value", line))
        else:
            words.setdefault(section, []).append(line)
    return Grammar(heads["class"][0], heads["places"], heads["names"], words, templates)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    section = ""
    for line in path.read_text("utf-8").split("\n"):
        if line.startswith("== "):
            section = line[3:].strip()
        elif line and not line.startswith(";;"):
            yield section, line
