"""`Stream`: a body on its way past the detectors, in pieces of any size.

    passed, findings = stream.feed(piece)
    passed, findings = stream.finish()

What may leave is what nothing that is yet to come can change: the last REACH bytes are held, and more only where a
candidate cannot be confirmed yet (a private key 16 KiB at most, most others a few hundred bytes). Any division into
pieces gives the same bytes and the same findings.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from stockade.detectors.detector import REACH, Action, Severity
from stockade.detectors.masking import Mark, Place, mark, rendered
from stockade.detectors.scanner import Hit, Scanner

_RIGHT = 80  # bytes right of a span that its masking looks at
_LARGEST = 256 << 10  # bytes that are searched at once


class Leak(Struct, frozen=True, gc=False):
    """Something that was found. offset: in the body, bytes. Never the value itself."""

    detector: str
    action: Action
    severity: Severity
    offset: int
    size: int


class Stream:
    """actions: of each detector of `scanner`. json: whether the body must stay JSON. One response's, or one event's."""

    __slots__ = (
        "_actions",
        "_buffer",
        "_ends",
        "_json",
        "_marks",
        "_offset",
        "_pending",
        "_place",
        "_placed",
        "_scanner",
        "_seen",
        "_sent",
    )

    def __init__(self, scanner: Scanner, actions: Mapping[str, Action], *, json: bool) -> None:
        self._scanner = scanner
        self._actions = actions
        self._json = json
        self._offset = 0  # of the buffer in the body
        self._forget()

    def _forget(self) -> None:
        self._buffer = b""  # what has left, as far back as it matters, and what has not
        self._sent = 0  # of the buffer, has left
        self._seen = 0  # of the buffer, has been searched
        self._pending: list[Hit] = []  # to be confirmed, in order
        self._marks: list[Mark] = []
        self._ends: dict[str, int] = {}  # of each detector's last find
        self._place, self._placed = Place(), 0  # in JSON, at a place of the buffer that no mark will begin before

    def feed(self, data: bytes) -> tuple[bytes, list[Leak]]:
        """What of this, and of what is held, may leave; and what was found."""
        if len(data) <= _LARGEST:
            return self._take(data, ends=False)
        parts, leaks = [], []
        for start in range(0, len(data), _LARGEST):
            passed, found = self._take(data[start : start + _LARGEST], ends=False)
            parts.append(passed)
            leaks += found
        return b"".join(parts), leaks

    def finish(self) -> tuple[bytes, list[Leak]]:
        """The rest. The stream may be fed again after that, as a new text."""
        passed, leaks = self._take(b"", ends=True)
        self._offset += len(self._buffer)
        self._forget()
        return passed, leaks

    def whole(self, data: bytes) -> tuple[bytes, list[Leak]]:
        """A text that is all there."""
        passed, leaks = self._take(data, ends=True)
        self._offset += len(self._buffer)
        self._forget()
        return passed, leaks

    def rest(self) -> bytes:
        """What was fed and has not left, as it came."""
        return self._buffer[self._sent :]

    def _take(self, data: bytes, *, ends: bool) -> tuple[bytes, list[Leak]]:
        buffer = self._buffer = self._buffer + data if self._buffer else data
        if data:
            self._search(buffer)
        leaks = self._confirm(buffer, ends) if self._pending else []
        limit = len(buffer)
        if not ends:
            held = self._pending[0][0] if self._pending else limit
            limit = max(self._sent, min(limit, held) - REACH)
        sent, self._sent = self._sent, limit
        if not self._marks:
            passed = buffer[sent:limit] if sent or limit != len(buffer) else buffer
        else:
            passed = rendered(buffer, sent, limit, self._marks)
            self._marks = [one for one in self._marks if one.end > limit]
        if not ends:
            self._shift(limit - REACH)
        return passed, leaks

    def _search(self, buffer: bytes) -> None:
        base = max(0, self._seen - REACH)
        seen = self._seen - base
        hits = self._scanner.hits(buffer[base:] if base else buffer)
        if hits:
            self._pending += sorted({(at + base, number) for at, number in hits if at > seen})
        self._seen = len(buffer)

    def _confirm(self, buffer: bytes, ends: bool) -> list[Leak]:
        leaks: list[Leak] = []
        triggers, size = self._scanner.triggers, len(buffer)
        done = 0
        for hit in self._pending:
            right = hit[0] + triggers[hit[1]][1].after + _RIGHT
            if right > size and not ends:
                break
            done += 1
            found = self._scanner.confirm(buffer, hit)
            if found is None:
                continue
            detector, start, end = found
            action = self._actions[detector.name]
            last = self._ends.get(detector.name, -1)
            place = self._place_of(buffer, hit[0], start) if self._json else None
            one = mark(buffer, start, end, min(right, size), action, place)
            if one is None:
                continue
            start, end = one.start, one.end
            if action != "report" and end > last:
                self._marks.append(one)
            if start >= last:
                leaks.append(Leak(detector.name, action, detector.severity, self._offset + start, end - start))
            self._ends[detector.name] = max(last, end)
        del self._pending[:done]
        return leaks

    def _place_of(self, buffer: bytes, at: int, start: int) -> Place:
        """Where in JSON `start` is, of what a trigger at `at` found."""
        self._go_to(buffer, at - REACH)
        return self._place.after(buffer[self._placed : start])

    def _go_to(self, buffer: bytes, at: int) -> None:
        if at > self._placed:
            self._place, self._placed = self._place.after(buffer[self._placed : at]), at

    def _shift(self, start: int) -> None:
        """Forget what lies before `start`."""
        if start <= 0:
            return
        if self._json:
            self._go_to(self._buffer, start)
            self._placed -= start
        self._buffer = self._buffer[start:]
        self._offset += start
        self._sent -= start
        self._seen -= start
        self._pending = [(at - start, number) for at, number in self._pending]
        self._marks = [Mark(one.start - start, one.end - start, one.action, one.bare) for one in self._marks]
        self._ends = {name: end - start for name, end in self._ends.items()}
