"""Bounds before the parser: bytes, tokens, nesting, in one pass over the text that never goes back.

The parser is recursive and takes microseconds for each token, so it must never meet a document without bounds.
"""

from __future__ import annotations

import re

from stockade.graphql.faults import Fault, Refused
from stockade.graphql.limits import NESTING, Limits

# GraphQL, September 2025, section 2.1. Every repetition is possessive: what it took it keeps.
_token = re.compile(
    r"[ \t\n\r,\ufeff]*+(?:([{\[(])|([}\])])|("
    r'"""(?:[^"\\]++|"[^"\\]|""[^"\\]|"\\"""|""\\"""|\\"""|"\\|""\\|\\)*+"""|""(?!")'
    r'|"(?:[^"\\\n\r]++|\\[^\n\r])++"|#[^\n\r]*+|[_A-Za-z][_0-9A-Za-z]*+|-?[0-9][0-9A-Za-z_.+-]*+|\.\.\.|[!$&:=@|]))'
)
_OPENING, _CLOSING = 1, 2
_is_blank = re.compile(r"[ \t\n\r,\ufeff]*+").fullmatch


def scan(text: str, limits: Limits) -> None:
    """Raises Refused where the text is too long, too deep, or holds what is no token of GraphQL."""
    if len(text) > limits.size or (not text.isascii() and len(text.encode("utf-8", "replace")) > limits.size):
        fault = Fault("document-size", f"A document may have {limits.size} bytes at most.")
        raise Refused((fault,), 413)
    depth, count, end = 0, 0, 0
    match = _token.match
    while found := match(text, end):
        count += 1
        if count > limits.tokens:
            raise _at(text, end, "tokens", f"A document may have {limits.tokens} tokens at most.")
        end = found.end()
        if found.lastindex == _OPENING:
            depth += 1
            if depth > NESTING:
                raise _at(text, end - 1, "nesting", f"Brackets may stand {NESTING} deep at most.")
        elif found.lastindex == _CLOSING:
            depth -= 1
    if not _is_blank(text, end):
        raise _at(text, end, "syntax", "The document holds what is no GraphQL.")


def _at(text: str, offset: int, rule: str, message: str) -> Refused:
    before = text[:offset].replace("\r\n", "\n").replace("\r", "\n")
    return Refused((Fault(rule, message, before.count("\n") + 1, offset_in_line(before)),))


def offset_in_line(before: str) -> int:
    """The column, from 1, of what follows this text."""
    return len(before) - before.rfind("\n")
