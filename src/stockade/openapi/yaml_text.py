"""YAML texts as JSON-like values, with the line of everything.

The dialect is YAML 1.2's core schema, as the OpenAPI specification asks for: `off`, `no` and `2024-01-01` are text.
Merge keys (`<<`), which many descriptions use, are understood. Texts are read as events, on a stack of our own, so that
neither depth nor aliases (each counts as what it stands for) can take more than the bounds allow.
"""

from __future__ import annotations

import math
import re
from typing import Any

import yaml
from msgspec import Struct

from stockade.openapi.text import MOST_DEPTH, MOST_VALUES, BadText, Lines

_Parser: type[Any] = getattr(yaml, "CLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE, _FALSE = frozenset({"true", "True", "TRUE"}), frozenset({"false", "False", "FALSE"})
_MAYBE = frozenset("~nNtTfF+-.0123456789")  # what plain scalars that are no text begin with
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MOST_DIGITS = 400
_KINDS: dict[str, type] = {"null": type(None), "bool": bool, "int": int, "float": float}
_MERGE = object()  # stands for the key `<<`


class _Node(Struct):
    """A finished value. `lines`, when it is a mapping or a list; `size` and `height` with all that is in it."""

    value: Any
    lines: Lines | None = None
    size: int = 1
    height: int = 0


class _Open(Struct):
    """A mapping or list that is being read."""

    node: _Node
    anchor: str | None
    is_mapping: bool
    line: int
    key: Any = None
    key_line: int = 0
    has_key: bool = False
    merged: list[_Node] = []


def read_yaml(text: str) -> tuple[Any, Lines]:
    """The value, and its lines. Raises BadText."""
    loader = None
    try:
        loader = _Parser(text)
        return _Composer(loader).compose()
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise BadText(line, "not valid YAML: a character that is not allowed") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = ": ".join(part for part in (error.context, error.problem) if part)
        raise BadText(mark.line + 1 if mark else 0, f"not valid YAML: {what[:200]}") from None
    except (UnicodeError, RecursionError, yaml.YAMLError) as error:
        raise BadText(0, f"not valid YAML: {type(error).__name__}") from None
    finally:
        if loader is not None:
            loader.dispose()


class _Composer:
    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Node | None] = {}
        self._count = 0
        self._done: _Node | None = None

    def compose(self) -> tuple[Any, Lines]:
        documents = 0
        while True:
            event = self._loader.get_event()
            line = event.start_mark.line + 1
            match event:
                case yaml.ScalarEvent():
                    self._scalar(event, line)
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    self._open(event, line)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self._close()
                case yaml.AliasEvent():
                    self._alias(event.anchor, line)
                case yaml.DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        raise BadText(line, "a second document (---) begins; a description is one")
                case yaml.StreamEndEvent() | None:
                    break
        node = self._done or _Node(None)
        return node.value, node.lines or {}

    def _spend(self, values: int, line: int) -> None:
        self._count += values
        if self._count > MOST_VALUES:
            raise BadText(line, f"more than {MOST_VALUES} values (do aliases multiply?)")

    def _scalar(self, event: Any, line: int) -> None:
        self._spend(1, line)
        stack = self._stack
        if stack and stack[-1].is_mapping and not stack[-1].has_key:
            self._key(stack[-1], event, line)
            if event.anchor is not None:
                self._anchors[event.anchor] = _Node(event.value)
            return
        node = _Node(_value(event, line))
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        self._add(node, line)

    def _key(self, top: _Open, event: Any, line: int) -> None:
        """Keys are text, whatever they look like: 200, true and null as well."""
        key: Any = event.value
        top.key_line, top.has_key = line, True
        if key == "<<" and event.implicit[0] and event.tag is None:
            key = _MERGE
        elif key in top.node.value:
            first = (top.node.lines or {})[key][0]
            raise BadText(line, f"{key[:60]!r} is written twice (first in line {first})")
        top.key = key

    def _open(self, event: Any, line: int) -> None:
        self._spend(1, line)
        stack, is_mapping = self._stack, isinstance(event, yaml.MappingStartEvent)
        if len(stack) >= MOST_DEPTH:
            raise BadText(line, f"more than {MOST_DEPTH} levels deep")
        if stack and stack[-1].is_mapping and not stack[-1].has_key:
            raise BadText(line, "a key must be plain text")
        if event.tag not in (None, "!", f"{_TAG}map", f"{_TAG}seq"):
            raise BadText(line, f"the tag {event.tag[:60]!r} has no meaning in a description; remove it")
        if event.anchor is not None:
            self._anchors[event.anchor] = None  # not yet whole
        node = _Node({} if is_mapping else [], {})
        stack.append(_Open(node, event.anchor, is_mapping, line))

    def _close(self) -> None:
        top = self._stack.pop()
        if top.merged:
            _merge(top)
        if top.anchor is not None:
            self._anchors[top.anchor] = top.node
        self._add(top.node, top.line)

    def _alias(self, anchor: Any, line: int) -> None:
        node = self._anchors.get(anchor)
        if node is None:
            text = "stands in what it names itself" if anchor in self._anchors else "is defined nowhere above"
            raise BadText(line, f"the alias *{anchor[:60]} {text}")
        self._spend(node.size, line)
        if len(self._stack) + node.height > MOST_DEPTH:
            raise BadText(line, f"more than {MOST_DEPTH} levels deep (do aliases multiply?)")
        top = self._stack[-1]
        if top.is_mapping and not top.has_key:
            raise BadText(line, "a key must be plain text")
        self._add(node, line)

    def _add(self, node: _Node, line: int) -> None:
        """Put a finished value where it belongs."""
        if not self._stack:
            self._done = node
            return
        top = self._stack[-1]
        lines = top.node.lines
        assert lines is not None
        top.node.size += node.size
        top.node.height = max(top.node.height, node.height + 1)
        if not top.is_mapping:
            lines[str(len(top.node.value))] = (line, node.lines)
            top.node.value.append(node.value)
            return
        top.has_key = False
        if top.key is _MERGE:
            top.merged += _mergeable(node, line)
        else:
            lines[top.key] = (top.key_line, node.lines)
            top.node.value[top.key] = node.value


def _mergeable(node: _Node, line: int) -> list[_Node]:
    """The mappings of `<<: *one` or `<<: [*one, *two]`."""
    if isinstance(node.value, dict):
        return [node]
    if not isinstance(node.value, list) or not all(isinstance(part, dict) for part in node.value):
        raise BadText(line, "what is merged (<<) must be a mapping, or a list of them")
    lines = node.lines or {}
    return [_Node(part, lines[str(index)][1]) for index, part in enumerate(node.value)]


def _merge(top: _Open) -> None:
    """What the mapping has itself wins, then what was named first."""
    lines = top.node.lines
    assert lines is not None
    for node in top.merged:
        for key, value in node.value.items():
            if key not in top.node.value:
                top.node.value[key] = value
                lines[key] = (node.lines or {}).get(key, (top.line, None))


def _value(event: Any, line: int) -> Any:
    tag, text = event.tag, event.value
    if tag is None or tag == "!":
        return _plain(text, line) if event.implicit[0] and event.style in (None, "") else text
    kind = tag.removeprefix(_TAG)
    if kind == "str":
        return text
    value = _plain(text, line)
    if kind == "float" and type(value) is int:
        value = float(value)
    if type(value) is _KINDS.get(kind):
        return value
    raise BadText(line, f"the tag {tag[:60]!r} has no meaning in a description; remove it")


def _plain(text: str, line: int) -> Any:
    """What a scalar without quotes is by YAML 1.2's core schema (section 10.3.2)."""
    if text and text[0] not in _MAYBE:
        return text
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if len(text) > _MOST_DIGITS:
        return text
    if _INT.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if not math.isfinite(number):
            raise BadText(line, f"the number {text[:40]} is too large")
        return number
    if _NO_NUMBER.fullmatch(text):
        raise BadText(line, f"{text} is no number that JSON knows")
    return text
