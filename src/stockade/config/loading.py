"""From text to `Config`, with the line of everything.

YAML is composed into nodes (which know their lines), nodes into plain data (duplicate keys refused, `${NAME}` filled
in), data into models. What is wrong at any step is collected, not raised at the first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from msgspec import Struct, field
from pydantic import ValidationError

from stockade.config.base import FromEnvironment
from stockade.config.defaults import with_defaults
from stockade.config.errors import BadConfig, Problem, did_you_mean
from stockade.config.models import Config

Place: TypeAlias = tuple[str | int, ...]
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_MOST_NODES = 100_000
_MOST_BYTES = 4 << 20


class Loaded(Struct, frozen=True):
    """A valid policy file. `lines` maps each place in it to its line."""

    config: Config
    path: Path
    text: str
    lines: dict[Place, int] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """What relative paths in the file are relative to."""
        return self.path.absolute().parent

    def line(self, *place: str | int) -> int:
        """The line of the place, or of the nearest that is written around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def where(self, *place: str | int) -> str:
        return f"{self.path}:{self.line(*place)}"

    def problem(self, text: str, *place: str | int) -> Problem:
        return Problem(str(self.path), self.line(*place), text)


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Loaded:
    """Read and validate a policy file. Raises BadConfig with all that is wrong."""
    try:
        data = path.read_bytes()
    except OSError as error:
        hint = "; make one with `stockade init`" if isinstance(error, FileNotFoundError) else ""
        raise BadConfig([Problem(str(path), 0, f"cannot be read: {error.strerror}{hint}")]) from None
    return load_text(data, path, environment)


def load_text(data: bytes | str, path: Path, environment: Mapping[str, str] = os.environ) -> Loaded:
    """The same for text that is at hand; `path` names it in errors and anchors relative paths."""
    reader = _Reader(str(path), environment)
    raw = reader.read(data)
    if reader.problems:
        raise BadConfig(reader.problems)
    if not isinstance(raw, dict):
        raise BadConfig([Problem(str(path), 1, "the policy must be a mapping that begins with `version: 1`")])
    apis = raw.get("apis")
    if isinstance(apis, list):
        raw["apis"] = [with_defaults(api) if isinstance(api, dict) else api for api in apis]
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        raise BadConfig(_explain(str(path), reader.lines, error)) from None
    return Loaded(config, path, data.decode() if isinstance(data, bytes) else data, reader.lines)


class _Reader:
    """Composes YAML and turns its nodes into plain data, noting lines and problems."""

    def __init__(self, file: str, environment: Mapping[str, str]) -> None:
        self._file = file
        self._environment = environment
        self._seen = 0
        self.lines: dict[Place, int] = {}
        self.problems: list[Problem] = []

    def read(self, data: bytes | str) -> Any:
        if len(data) > _MOST_BYTES:
            self._problem(0, "is too large for a policy (4 MiB at most)")
            return None
        try:
            node = yaml.compose(data, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark is not None else 0
            self._problem(line, f"not valid YAML: {error.problem}")
            return None
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
            self._problem(0, f"not valid YAML: {str(error).splitlines()[0]}")
            return None
        return self._value(node, ()) if node is not None else None

    def _problem(self, line: int, text: str) -> None:
        self.problems.append(Problem(self._file, line, text))

    def _value(self, node: yaml.Node, place: Place) -> Any:
        self._seen += 1
        if self._seen > _MOST_NODES or len(place) > 32:
            if self._seen == _MOST_NODES + 1 or len(place) > 32:
                self._problem(node.start_mark.line + 1, "too many or too deeply nested values")
            return None
        self.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*place, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key, line = key_node.value, key_node.start_mark.line + 1
            if not isinstance(key, str):
                self._problem(line, "a key must be plain text")
                continue
            if key in mapping:
                self._problem(line, f"{key!r} is written twice (first in line {self.lines[(*place, key)]})")
                continue
            self.lines[(*place, key)] = line
            mapping[key] = self._value(value_node, (*place, key))
        return mapping

    def _scalar(self, node: yaml.Node) -> Any:
        if node.tag == "tag:yaml.org,2002:str":
            return self._fill_in(node)
        try:
            return _CONSTRUCTOR.construct_object(node)  # type: ignore[no-untyped-call]
        except yaml.YAMLError as error:
            self._problem(node.start_mark.line + 1, f"not a value that a policy can hold: {str(error).splitlines()[0]}")
            return None

    def _fill_in(self, node: yaml.Node) -> str:
        text: str = node.value
        if "${" not in text:
            return text
        for name in _VARIABLE.findall(text):
            if name not in self._environment:
                self._problem(node.start_mark.line + 1, f"the environment variable {name} is not set")
        return FromEnvironment(_VARIABLE.sub(lambda match: self._environment.get(match[1], ""), text))


_CONSTRUCTOR = yaml.constructor.SafeConstructor()


def _explain(file: str, lines: Mapping[Place, int], error: ValidationError) -> list[Problem]:
    """Pydantic's errors in our words, each with its line."""
    return [
        Problem(file, _line_of(lines, tuple(item["loc"])), _words(dict(item)))
        for item in error.errors(include_url=False, include_input=False)
    ]


def _line_of(lines: Mapping[Place, int], place: Place) -> int:
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


def _words(item: dict[str, Any]) -> str:
    place: Place = tuple(item["loc"])
    name = ".".join(str(part) for part in place if not isinstance(part, int))
    if item["type"] == "extra_forbidden":
        return f"unknown key {str(place[-1])!r}{did_you_mean(str(place[-1]), _known_keys(place[:-1]))}"
    if item["type"] == "missing":
        return f"{name} is missing"
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"{name}: {message[0].lower()}{message[1:]}"


def _known_keys(place: Place) -> list[str]:
    """The keys that may stand at a place: walk down the models."""
    import typing

    from pydantic import BaseModel

    def models_in(annotation: Any) -> list[type[BaseModel]]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return [annotation]
        return [model for part in typing.get_args(annotation) for model in models_in(part)]

    current: list[type[BaseModel]] = [Config]
    for part in place:
        if isinstance(part, str):
            fields = [model.model_fields[part] for model in current if part in model.model_fields]
            current = [model for found in fields for model in models_in(found.annotation)] or current
    return [key for model in current for key in model.model_fields]
