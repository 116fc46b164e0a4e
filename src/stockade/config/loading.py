"""From the policy file to `Loaded`: text is read (`reading`), completed (`defaults`) and validated (`models`).

What is wrong at any step is collected, not raised at the first.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from pydantic import ValidationError

from stockade.config.defaults import with_defaults
from stockade.config.errors import BadConfig, Problem
from stockade.config.models import Config
from stockade.config.reading import MOST_BYTES, Place, Reader, decode, nearest_line
from stockade.config.sections.identity import api_of
from stockade.config.wording import explain


class Loaded(Struct, frozen=True):
    """A valid policy file. `lines` maps each place in it to its line.

    would_make: None, or where it is noted which files (keys, log, database) would be made, none of which then is.
    """

    config: Config
    path: Path
    text: str
    lines: dict[Place, int] = field(default_factory=dict)
    would_make: list[Path] | None = None

    @property
    def passive(self) -> bool:
        """Whether it was loaded by who only looks."""
        return self.would_make is not None

    @property
    def folder(self) -> Path:
        """What relative paths in the file are relative to."""
        return self.path.absolute().parent

    def line(self, *place: str | int) -> int:
        """The line of the place, or of the nearest that is written around it."""
        return nearest_line(self.lines, place)

    def where(self, *place: str | int) -> str:
        return f"{self.path}:{self.line(*place)}"

    def problem(self, text: str, *place: str | int) -> Problem:
        return Problem(str(self.path), self.line(*place), text)


def load(path: Path, environment: Mapping[str, str] = os.environ, *, passive: bool = False) -> Loaded:
    """Read and validate a policy file. Raises BadConfig with all that is wrong.

    passive: for who only looks: nothing is made or changed for it, and what is missing is noted in `would_make`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)  # what is too large is refused by its first bytes: /dev/zero has no last
    except OSError as error:
        hint = "; make one with `stockade init`" if isinstance(error, FileNotFoundError) else ""
        raise BadConfig([Problem(str(path), 0, f"cannot be read: {error.strerror}{hint}")]) from None
    return load_text(data, path, environment, passive=passive)


def load_text(
    data: bytes | str, path: Path, environment: Mapping[str, str] = os.environ, *, passive: bool = False
) -> Loaded:
    """The same for text that is at hand; `path` names it in errors and anchors relative paths."""
    reader = Reader(str(path), environment)
    raw = reader.read(data)
    problems = reader.problems
    if not isinstance(raw, dict):
        problems = problems or [Problem(str(path), 1, "the policy must be a mapping that begins with `version: 1`")]
        raise BadConfig(problems)
    apis = raw.get("apis")
    if isinstance(apis, list):
        _add_identity(raw, apis, reader.lines)
        raw["apis"] = [with_defaults(api) if isinstance(api, dict) else api for api in apis]
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        # A line that could not be read needs no second reproach for what it then lacks.
        told = {problem.line for problem in problems}
        found = explain(str(path), reader.lines, Config, error)
        problems = problems + [problem for problem in found if problem.line not in told]
    if problems:
        raise BadConfig(problems)
    text = decode(data) if isinstance(data, bytes) else data
    return Loaded(config, path, text, reader.lines, [] if passive else None)


def _add_identity(raw: dict[str, Any], apis: list[Any], lines: dict[Place, int]) -> None:
    """The token service is an API like the others; what is wrong with it is told at `identity`."""
    api = api_of(raw.get("identity"))
    if api is not None:
        place: Place = ("apis", len(apis))
        lines[place] = nearest_line(lines, ("identity",))
        for key in ("firewall", "limits"):
            at = len(("identity", key))
            lines |= {(*place, key, *each[at:]): line for each, line in lines.items() if each[:at] == ("identity", key)}
        apis.append(api)
