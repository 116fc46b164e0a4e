"""Regular expressions of descriptions (ECMA-262, as JSON Schema has it) in an engine of linear time.

Look-around and back-references need backtracking, which a hostile value can make take for ever: what uses them is
reported as not enforced, never run.
"""

from __future__ import annotations

import re
from functools import lru_cache

import jsonschema_rs

ENGINE = jsonschema_rs.RegexOptions(size_limit=4 << 20)
_MOST = 4096  # characters


@lru_cache(maxsize=4096)
def is_linear(pattern: str) -> bool:
    """Whether the linear engine can run it."""
    if len(pattern) > _MOST:
        return False
    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=ENGINE, offline=True)
    except (jsonschema_rs.ValidationError, ValueError):
        return False
    return True


_LITERAL = r"[A-Za-z0-9_:-]|\\[-._:dw]"
# A bare "-" between two characters would be a range, as in [9-_], which holds "<"; first or last it is itself.
_CLASS = r"\[-?(?:[A-Za-z0-9](?:-[A-Za-z0-9])?|[._:]|\\[-._:dw])+-?\]"
_TIMES = r"(?:[*+?]|\{[0-9]+(?:,[0-9]*)?\})?\??"
_atom = re.compile(rf"(?:{_CLASS}|{_LITERAL}){_TIMES}")
_is_range = re.compile(r"([A-Za-z0-9])-([A-Za-z0-9])").findall


def admits_only_words(pattern: str) -> bool:
    """Whether all that matches consists of letters and digits of ASCII and of "_", ".", ":" and "-".

    Told by its form alone: `^`, then atoms that can stand for nothing else, in groups or not, then `$`. False where
    that is not certain.

    >>> admits_only_words("^[A-Z]{2}-[0-9]+$"), admits_only_words("^[^<>]*$"), admits_only_words("[a-z]+")
    (True, False, False)
    """
    if not (pattern.startswith("^") and pattern.endswith("$")) or len(pattern) > _MOST:
        return False
    place, depth, end = 1, 0, len(pattern) - 1
    while place < end:
        if pattern[place] == "(":
            depth += 1
            place += 3 if pattern.startswith("(?:", place) else 1
            continue
        if pattern[place] == ")":
            depth -= 1
            place = _past_times(pattern, place + 1)
            continue
        if pattern[place] == "|" and depth > 0:
            place += 1
            continue
        found = _atom.match(pattern, place, end)
        if found is None or not _has_true_ranges(found[0]):
            return False
        place = found.end()
    return depth == 0 and place == end


_times = re.compile(_TIMES)


def _past_times(pattern: str, place: int) -> int:
    found = _times.match(pattern, place)
    return found.end() if found is not None else place


def _has_true_ranges(atom: str) -> bool:
    """A range from "Z" to "a" would also hold "[", "^" and their like."""
    return all(
        (one.isdigit() and other.isdigit())
        or (one.islower() and other.islower())
        or (one.isupper() and other.isupper())
        for one, other in _is_range(atom)
    )
