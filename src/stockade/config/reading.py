"""From YAML text to plain data with the line of everything.

The dialect is YAML 1.2's core schema, which editors and JSON Schema go by: `off`, `no` and `08:30` are text, not false,
false and 510. Text is composed into nodes, which know their lines, and nodes into data: duplicate keys, empty values,
tags and too much of anything are refused, `${NAME}` is filled in from the environment. All problems are collected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import yaml

from stockade.config.base import FromEnvironment
from stockade.config.errors import Problem

Place: TypeAlias = tuple[str | int, ...]
"""Where a value stands in the policy, from the outermost key inwards: ("apis", 0, "name")."""

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_CONTROL = re.compile(r"[\0-\x08\x0b-\x1f\x7f\ud800-\udfff]")
MOST_BYTES = 1 << 20
_MOST_VALUES = 100_000  # aliases count as what they stand for
_DEEPEST = 32
_TAG = "tag:yaml.org,2002:"


def nearest_line(lines: Mapping[Place, int], place: Place) -> int:
    """The line of the place, or of the nearest that is written around it."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


class Reader:
    """Reads one text. `lines` and `problems` are filled by `read`."""

    def __init__(self, file: str, environment: Mapping[str, str]) -> None:
        self._file = file
        self._environment = environment
        self._seen = 0
        self.lines: dict[Place, int] = {}
        self.problems: list[Problem] = []

    def read(self, data: bytes | str) -> Any:
        """The data, as far as it could be read; None when there is nothing, or nothing readable."""
        text = self._decode(data)
        try:
            node = yaml.compose(text, Loader=_Loader)
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            self._problem(line, f"not valid YAML: the character #x{error.character:04x} is not allowed")
        except yaml.MarkedYAMLError as error:
            self._problem(error.problem_mark.line + 1 if error.problem_mark else 0, _teach(error))
        else:
            value = self._value(node, ()) if node is not None else None
            return value if self._seen <= _MOST_VALUES else None
        return None

    def _decode(self, data: bytes | str) -> str:
        if len(data) > MOST_BYTES:
            self._problem(0, "too large for a policy (1 MiB at most); long lists of networks are for firewall.feeds")
            return ""
        if isinstance(data, str):
            return data
        try:
            return decode(data)
        except UnicodeDecodeError as error:
            self._problem(data.count(b"\n", 0, error.start) + 1, "not UTF-8; save the file in that encoding")
            return ""

    def _problem(self, line: int, text: str) -> None:
        self.problems.append(Problem(self._file, line, text))

    def _value(self, node: yaml.Node, place: Place) -> Any:
        line = node.start_mark.line + 1
        self._seen += 1
        if self._seen > _MOST_VALUES:
            return None
        if self._seen == _MOST_VALUES or len(place) > _DEEPEST:
            self._problem(line, "too many or too deeply nested values (do aliases multiply?)")
            self._seen = _MOST_VALUES + 1  # whatever follows is left unread
            return None
        self.lines.setdefault(place, line)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, place)
        if node.tag not in (f"{_TAG}map", f"{_TAG}seq"):
            self._problem(line, f"the tag {_short(node.tag)} has no meaning in a policy; remove it")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        return [self._value(item, (*place, index)) for index, item in enumerate(node.value)]

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key, line = key_node.value, key_node.start_mark.line + 1
            if not isinstance(key, str):
                self._problem(line, "a key must be plain text")
            elif key == "<<":
                self._problem(line, "merge keys (<<) are not supported; write the keys out")
            elif key in mapping:
                self._problem(line, f"{key!r} is written twice (first in line {self.lines[(*place, key)]})")
            else:
                self.lines[(*place, key)] = line
                mapping[key] = self._value(value_node, (*place, key))
        return mapping

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> Any:
        line = node.start_mark.line + 1
        make = _SCALARS.get(node.tag)
        if node.tag == f"{_TAG}null":
            name = ".".join(part for part in place if isinstance(part, str))
            if name:
                self._problem(self.lines[place], f"{name} is empty: give it a value, or remove the line")
        elif make is None:
            self._problem(
                line, f"{_short(node.tag)} is no type that a policy knows; it holds text, numbers, true and false"
            )
        else:
            try:
                return make(node.value) if make is not str else self._text(node.value, line)
            except ValueError:
                self._problem(line, f"{node.value[:40]!r} is no {_short(node.tag).removeprefix('!!')}")
        return None

    def _text(self, text: str, line: int) -> str:
        filled = self._fill_in(text, line) if "${" in text else text
        if _CONTROL.search(filled):
            self._problem(line, "a text holds a control character")
        return filled

    def _fill_in(self, text: str, line: int) -> str:
        for name in dict.fromkeys(_VARIABLE.findall(text)):
            if name not in self._environment:
                self._problem(line, f"the environment variable {name} is not set")
        if "${" in _VARIABLE.sub("", text):
            self._problem(line, "${ begins the name of an environment variable: letters, digits, _ and then }")
        return FromEnvironment(_VARIABLE.sub(lambda match: self._environment.get(match[1], ""), text), text)


class _Loader(yaml.SafeLoader):
    """YAML 1.2's core schema, and a bound on depth that holds before Python's own."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - filled by add_implicit_resolver
    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > _DEEPEST:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "too deeply nested", mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


for _kind, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(f"{_TAG}{_kind}", re.compile(rf"(?:{_pattern})\Z"), _first)


def _bool(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


_SCALARS: dict[str, Callable[[str], Any]] = {
    f"{_TAG}str": str,
    f"{_TAG}bool": _bool,
    f"{_TAG}int": int,
    f"{_TAG}float": float,
}
_HINTS = (
    ("found character '\\t'", "a tab; YAML is indented with spaces"),
    ("found character ", "{problem}; put the text in quotes"),
    (
        "mapping values are not allowed",
        "a ':' that no key fits; is the indentation right, or must the text be in quotes?",
    ),
    ("but found another document", "a second document (---) begins; a policy is one"),
    ("expected <block end>", "the indentation fits neither the lines above nor a new entry"),
    ("could not find expected ':'", "a line without ':' stands where a key must"),
    ("expected ',' or", "{context}: {problem}; is a bracket or a comma missing?"),
    ("found unexpected end of stream", "{context}: the file ends; is a closing quote missing?"),
)


def _teach(error: yaml.MarkedYAMLError) -> str:
    problem, context = error.problem or "unreadable", error.context or ""
    for beginning, hint in _HINTS:
        if problem.startswith(beginning):
            return f"not valid YAML: {hint.format(problem=problem, context=context)}"
    return f"not valid YAML: {problem}"


def _short(tag: str) -> str:
    return f"!!{tag.removeprefix(_TAG)}"[:60] if tag.startswith(_TAG) else repr(tag[:60])


def decode(data: bytes) -> str:
    """The text of a policy file: UTF-8, with or without a byte order mark."""
    return data.decode("utf-8-sig")
