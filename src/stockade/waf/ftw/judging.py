"""What was seen against what was expected."""

from __future__ import annotations

import re

from msgspec import Struct

from stockade.waf.ftw.model import Expected

_REFUSALS = 400  # the least status that tells a client no


class Seen(Struct, frozen=True, gc=False):
    """What one stage led to."""

    ids: tuple[int, ...] = ()  # of the rules that matched, in their order
    log: tuple[str, ...] = ()  # a line for each, as `log_line` writes them
    statuses: tuple[int, ...] = ()  # that the client got, or would get were the engine not only to detect
    response: bytes = b""
    error: str = ""  # why there is no answer
    refused: str = ""  # why the request was refused before any rule looked at it


def shortcomings(expected: Expected, seen: Seen, *, refusal_protects: bool = False) -> list[str]:
    """In words, each expectation that was not met; none: the stage succeeded.

    `refusal_protects`: being refused before any rule looked is as good as what a rule would have caught.
    """
    if expected.error:
        return [] if seen.error or seen.refused else ["expected no answer"]
    if seen.error:
        return [f"expected an answer: {seen.error}"]
    if refusal_protects and seen.refused and _wants_a_block(expected):
        return []
    return [*_of_ids(expected, seen), *_of_log(expected, seen), *_of_answer(expected, seen)]


def _wants_a_block(expected: Expected) -> bool:
    refusals = bool(expected.statuses) and min(expected.statuses) >= _REFUSALS
    return bool(expected.ids or expected.log) or refusals


def _of_ids(expected: Expected, seen: Seen) -> list[str]:
    missing = [rule for rule in expected.ids if rule not in seen.ids]
    unwanted = [rule for rule in expected.no_ids if rule in seen.ids]
    said = []
    if missing:
        said.append(f"expected {_list(missing)} to match")
    if unwanted:
        said.append(f"expected {_list(unwanted)} not to match")
    if expected.isolated and len(set(seen.ids)) != 1:
        said.append(f"expected {_list(expected.ids)} alone to match")
    return said


def _of_log(expected: Expected, seen: Seen) -> list[str]:
    said = []
    if expected.log and not any(re.search(expected.log, line) for line in seen.log):
        said.append(f"expected a log line with /{expected.log}/")
    if expected.no_log:
        found = next((line for line in seen.log if re.search(expected.no_log, line)), None)
        if found is not None:
            said.append(f"expected no log line with /{expected.no_log}/, not {found!r}")
    return said


def _of_answer(expected: Expected, seen: Seen) -> list[str]:
    said = []
    if expected.statuses and not set(expected.statuses) & set(seen.statuses):
        wanted, got = (" or ".join(map(str, statuses)) for statuses in (expected.statuses, seen.statuses))
        said.append(f"expected status {wanted}, not {got or 'none'}")
    if expected.response and not re.search(expected.response, seen.response.decode("latin-1")):
        said.append(f"expected a response with /{expected.response}/")
    return said


def _list(rules: list[int] | tuple[int, ...]) -> str:
    return ", ".join(map(str, rules))
