"""Borders of texts in a stream: the blank line after an event (server-sent events), the end of a line (NDJSON).

Nothing that is looked for crosses a border, so that what stands before one may leave at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from stockade.detectors.detector import pattern

_EVENTS = pattern(rb"\n\r?\n|\r\r|\r\n\r\n")
_LINES = pattern(rb"\n")
_TAIL = 3


class Borders:
    """kind: `events` or `lines`."""

    def __init__(self, kind: str) -> None:
        self._pattern = _EVENTS if kind == "events" else _LINES
        self._tail = b""  # of what came, as much as a border may begin in

    def split(self, data: bytes) -> Iterator[tuple[bytes, bool]]:
        """The pieces of `data` in order, and for each whether a border follows."""
        tail = len(self._tail)
        text = self._tail + data
        start, found_end = tail, 0
        for found in self._pattern.finditer(text):
            end = found_end = found.end()
            if end > tail:
                yield text[start:end], True
                start = end
        if start < len(text):
            yield text[start:], False
        self._tail = text[max(found_end, len(text) - _TAIL) :]
