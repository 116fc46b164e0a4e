"""The decision log: one JSON object a line, written by a thread of its own.

Under pressure (a full disk, a slow one) lines are lost rather than requests held up; every lost line is counted,
and a line that says how many follows as soon as writing works again.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import deque
from pathlib import Path

import msgspec

from stockade.vocabulary import Record

_MOST_WAITING = 20_000  # records; about 20 MB
_BATCH = 64  # records encoded at a time: about 0.1 ms in which no request can run
# Seconds between writes: short while there is something to write, because a long queue is a long time in which requests
# share the core with this thread; longer while there is nothing.
_PAUSE, _REST = 0.02, 0.1
_FAREWELL = 5.0  # seconds that `close` waits for a slow disk


class DecisionLog:
    """Appends records to a file ("-" for standard output). `write` never blocks and never raises."""

    def __init__(self, path: str, most_waiting: int = _MOST_WAITING) -> None:
        """Raises OSError when the file cannot be opened for appending."""
        self.path = path
        self.dropped = 0
        self._failure = ""  # why the last write failed
        self._astray = ""  # why the file that now has the name cannot be opened
        self._said = 0
        self._torn = False
        self._most = most_waiting
        self._waiting: deque[Record] = deque()
        self._encoder = msgspec.json.Encoder()
        self._stop = threading.Event()
        self._file = self._open()
        self._thread = threading.Thread(target=self._run, name="decision-log", daemon=True)
        self._thread.start()

    def write(self, record: Record) -> None:
        if len(self._waiting) >= self._most:
            self.dropped += 1
        else:
            self._waiting.append(record)

    @property
    def trouble(self) -> str:
        """Why lines are not where they should be; empty when they are."""
        return self._failure or self._astray

    def close(self) -> None:
        """Write what is waiting, then stop."""
        self._stop.set()
        self._thread.join(_FAREWELL)
        # A thread that still hangs in a write keeps its file: another would soon have the number.
        if self.path != "-" and not self._thread.is_alive():
            os.close(self._file)

    def _open(self) -> int:
        if self.path == "-":
            return sys.stdout.fileno()
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self._torn = _ends_torn(self.path, file)
        return file

    def _run(self) -> None:
        busy = False
        while not self._stop.wait(_PAUSE if busy else _REST):
            busy = bool(self._waiting)
            self._flush()
        self._flush()

    def _flush(self) -> None:
        self._reopen_if_rotated()
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
            lines = self._lines(batch)
            written = self._append(lines)
            if written < len(lines):  # what is not, or not wholly, on disk comes again
                self._waiting.extendleft(reversed(batch[lines.count(b"\n", 0, written) :]))
                return
        self._confess()

    def _lines(self, batch: list[Record]) -> bytes:
        try:
            return self._encoder.encode_lines(batch)
        except UnicodeEncodeError:  # half a surrogate pair somewhere: no reason to lose a record, or this thread
            texts = (json.dumps(msgspec.to_builtins(record), ensure_ascii=False) for record in batch)
            return b"".join(text.encode("utf-8", "replace") + b"\n" for text in texts)

    def _append(self, data: bytes) -> int:
        """How many bytes reached the file; fewer than all when the disk refused."""
        prefix = b"\n" if self._torn else b""  # ends the half line that a full disk left
        written = -len(prefix)
        try:
            while written < len(data):
                written += os.write(self._file, (prefix + data)[len(prefix) + written :])
        except OSError as error:
            self._failure = f"{self.path}: {error.strerror}"
        else:
            self._failure = ""
        if written >= 0:
            self._torn = written > 0 and data[written - 1 : written] != b"\n"
        return max(0, written)

    def _confess(self) -> None:
        """Say in the log itself how many lines it lacks."""
        dropped = self.dropped
        if dropped > self._said:
            line = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "dropped": dropped - self._said}
            data = msgspec.json.encode(line) + b"\n"
            if self._append(data) == len(data):
                self._said = dropped

    def _reopen_if_rotated(self) -> None:
        """Follow the name when the file was moved away (logrotate)."""
        if self.path == "-":
            return
        try:
            if not self._is_there():
                fresh = self._open()
                os.close(self._file)
                self._file = fresh
        except OSError as error:
            self._astray = f"{self.path}: {error.strerror}"
        else:
            self._astray = ""

    def _is_there(self) -> bool:
        """Whether the file that has the name is the one that we write to."""
        try:
            return os.path.samestat(Path(self.path).stat(), os.fstat(self._file))
        except FileNotFoundError:
            return False


def _ends_torn(path: str, file: int) -> bool:
    """Whether the last line lacks its end: whoever wrote it died, or found no room."""
    if os.fstat(file).st_size == 0:  # empty, or no file but a pipe or a device
        return False
    try:
        with Path(path).open("rb") as reading:
            reading.seek(-1, os.SEEK_END)
            return reading.read(1) != b"\n"
    except OSError:  # ours to append to, not to read
        return False
