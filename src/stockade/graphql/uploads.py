"""Files in a request for GraphQL: the multipart request specification, as Apollo Upload, Relay and others send it.

The part `operations` is the request, with null where a file belongs; the part `map` says which file goes where.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from stockade.graphql.faults import Refused, refused
from stockade.graphql.json_text import read_json

_MOST_DEPTH = 32


class Part(Struct, frozen=True, gc=False):
    """A part of a multipart body. name: of the field; is_file: whether it has a file name."""

    name: str
    is_file: bool
    content: bytes


class File:
    """What stands in a variable for a file: nothing that any scalar but one of the schema's own takes."""


FILE = File()


def read_uploads(parts: Iterable[Part], values: int) -> Any:
    """The value of `operations`, files in their places. Raises Refused."""
    listed = list(parts)
    names = [part.name for part in listed]
    if names[:2] != ["operations", "map"] or len(set(names)) < len(names) or listed[0].is_file or listed[1].is_file:
        raise _bad("The first parts are `operations` and `map`, and no two parts have one name.")
    operations, places = read_json(listed[0].content, values), read_json(listed[1].content, values)
    if not isinstance(places, dict) or places.keys() != set(names[2:]):
        raise _bad("`map` names all files, and nothing else.")
    if not all(part.is_file for part in listed[2:]):
        raise _bad("What `map` names are files.")
    for paths in places.values():
        if not isinstance(paths, list) or not paths:
            raise _bad("`map` gives the places of each file.")
        for path in paths:
            _put(operations, path)
    return operations


def _put(operations: Any, path: Any) -> None:
    """Put a file where there is null."""
    steps = path.split(".") if isinstance(path, str) else []
    if not 2 <= len(steps) <= _MOST_DEPTH or "variables" not in steps[:2]:
        raise _bad("A place of `map` is a path such as variables.file.")
    target = operations
    for step in steps[:-1]:
        target = _child(target, step)
    if _child(target, steps[-1]) is not None:
        raise _bad("Where `map` puts a file there is null.")
    target[int(steps[-1]) if isinstance(target, list) else steps[-1]] = FILE


def _child(value: Any, step: str) -> Any:
    if isinstance(value, Mapping) and step in value:
        return value[step]
    if isinstance(value, list) and step.isascii() and step.isdigit() and len(step) < 6 and int(step) < len(value):
        return value[int(step)]
    raise _bad("A place of `map` is not there.")


def _bad(message: str) -> Refused:
    return refused("upload", message)
