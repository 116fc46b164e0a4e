"""Where in a JSON value: the part of JSONPath (RFC 9535) that can be followed without looking at values.

    $.user.email      $.items[*].email      $..email      $['odd name']      $.*.secret

Not taken, because what they mean depends on the value: indexes, slices, filters, lists of names.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from msgspec import Struct

_LONGEST = 512  # characters
_DEEPEST = 32  # steps
_step = re.compile(
    r"""(?:(?P<deep>\.\.)|\.(?!\[)|(?=\[))(?:
        (?<=\.)(?P<name>[A-Za-z_\u0080-\U0010ffff][\w\u0080-\U0010ffff]*)
        |(?<=\.)(?P<any>\*)
        |\[(?P<every>\*)\]
        |\['(?P<single>(?:[^'\\\x00-\x1f]|\\['\\])*)'\]
        |\["(?P<double>(?:[^"\\\x00-\x1f]|\\["\\])*)"\]
    )""",
    re.VERBOSE,
).match
_unescaped = re.compile(r"\\(.)")


class BadPath(ValueError):
    """Text that is no path of ours; the message says why."""


class Step(Struct, frozen=True, gc=False):
    """name: of a member; None: every member of an object and every item of an array. deep: at any depth from here."""

    name: str | None
    deep: bool = False


Path: TypeAlias = tuple[Step, ...]


def parse_path(text: str) -> Path:
    """The steps of "$.items[*].email". Raises BadPath."""
    if not text.startswith("$"):
        raise BadPath("a path begins with $, as in $.items[*].email")
    return parse_steps(text[1:])


def parse_steps(text: str) -> Path:
    """The same without its `$`. Raises BadPath; a path leads somewhere, so it has a step."""
    if len(text) > _LONGEST:
        raise BadPath(f"a path has at most {_LONGEST} characters")
    steps: list[Step] = []
    at = 0
    while at < len(text):
        found = _step(text, at)
        if found is None:
            raise BadPath(
                f"{text[at : at + 20]!r} is no step of a path: .name, ['name'], [*], .* and ..name are"
                " (indexes, slices and filters are not)"
            )
        at = found.end()
        quoted = found["single"] if found["single"] is not None else found["double"]
        name = found["name"] if quoted is None else _unescaped.sub(r"\1", quoted)
        steps.append(Step(name, found["deep"] is not None))
    if not steps:
        raise BadPath("the path means the whole value: name a member, as in $.email")
    if len(steps) > _DEEPEST:
        raise BadPath(f"a path has at most {_DEEPEST} steps")
    return tuple(steps)
