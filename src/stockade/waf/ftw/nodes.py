"""YAML read as text with places: a scalar is what stands in the file, whatever type it looks like."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import yaml

from stockade.problems import Problem

_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off"})
_TAG = "tag:yaml.org,2002:"
NULL = f"{_TAG}null"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the first is libyaml's: ten times as fast


class Nodes:
    """Reads the nodes of one file. What is not as it should be becomes a problem, and its default."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def compose(self, text: str) -> yaml.Node | None:
        """The root; None where there is none, as in a file in which all is commented out."""
        try:
            node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
        except yaml.reader.ReaderError as error:
            self.problem(text.count("\n", 0, error.position) + 1, f"not valid YAML: {error.reason}")
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            self.problem(line, f"not valid YAML: {error.problem or error.context}")
        else:
            return node
        return None

    def problem(self, place: yaml.Node | int, text: str) -> None:
        line = place if isinstance(place, int) else place.start_mark.line + 1
        self.problems.append(Problem(self.file, line, text))

    def mapping(self, node: yaml.Node, what: str, known: Iterable[str] = ()) -> dict[str, yaml.Node]:
        """The values by key, those that are null left out. With `known`, other keys are problems."""
        if not isinstance(node, yaml.MappingNode):
            self.problem(node, f"{what} must be a mapping")
            return {}
        found = {}
        names = tuple(known)
        for key, value in node.value:
            if names and key.value not in names:
                self.problem(key, f"unknown key {str(key.value)[:60]!r} in {what}{_hint(str(key.value), names)}")
            elif value.tag != NULL:
                found[str(key.value)] = value
        return found

    def items(self, node: yaml.Node | None, what: str) -> list[yaml.Node]:
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.problem(node, f"{what} must be a list")
            return []
        return list(node.value)

    def text(self, node: yaml.Node | None, what: str, default: str = "") -> str:
        if node is None:
            return default
        if not isinstance(node, yaml.ScalarNode):
            self.problem(node, f"{what} must be text")
            return default
        return str(node.value)

    def octets(self, node: yaml.Node | None, what: str, default: bytes = b"") -> bytes:
        """Text as UTF-8; `!!binary` as what it stands for; a list of lines joined by CRLF."""
        if isinstance(node, yaml.SequenceNode):
            return b"\r\n".join(self.octets(line, what) for line in node.value)
        if isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}binary":
            return self.decoded(node, what)
        return self.text(node, what).encode("utf-8", "surrogatepass") if node is not None else default

    def decoded(self, node: yaml.Node, what: str) -> bytes:
        """Base64, which may be wrapped."""
        try:
            return base64.b64decode("".join(self.text(node, what).split()), validate=True)
        except (binascii.Error, ValueError) as error:
            self.problem(node, f"{what} is not base64: {error}")
            return b""

    def number(self, node: yaml.Node | None, what: str, default: int = 0) -> int:
        if node is None:
            return default
        text = self.text(node, what)
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            self.problem(node, f"{what} must be a number, not {text[:60]!r}")
            return default
        return int(text)

    def numbers(self, node: yaml.Node | None, what: str) -> tuple[int, ...]:
        """One number, or a list of them."""
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node] if node is not None else []
        return tuple(self.number(item, what) for item in nodes)

    def flag(self, node: yaml.Node | None, what: str, *, default: bool) -> bool:
        if node is None:
            return default
        text = self.text(node, what).lower()
        if text not in _TRUE | _FALSE:
            self.problem(node, f"{what} must be true or false, not {text[:60]!r}")
            return default
        return text in _TRUE


def _hint(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else f"; there are {', '.join(known)}"
