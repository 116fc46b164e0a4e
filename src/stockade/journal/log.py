"""The decision log: one JSON object a line, written by a thread of its own.

Under pressure (a full disk, a slow one) lines are lost rather than requests held up; every lost line is counted,
and a line that says how many follows as soon as writing works again.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from itertools import islice
from pathlib import Path

import msgspec

from stockade.vocabulary import Record

_MOST_WAITING = 20_000  # records; about 20 MB
_BATCH = 64  # records encoded at a time: about 0.1 ms in which no request can run
_PAUSE = 0.1  # seconds between writes


class DecisionLog:
    """Appends records to a file ("-" for standard output). `write` never blocks and never raises."""

    def __init__(self, path: str, most_waiting: int = _MOST_WAITING) -> None:
        """Raises OSError when the file cannot be opened for appending."""
        self.path = path
        self.dropped = 0
        self.trouble = ""  # why the last write failed; empty when it did not
        self._said = 0
        self._torn = False
        self._most = most_waiting
        self._waiting: deque[Record] = deque()
        self._encode = msgspec.json.Encoder().encode
        self._stop = threading.Event()
        self._file = self._open()
        self._thread = threading.Thread(target=self._run, name="decision-log", daemon=True)
        self._thread.start()

    def write(self, record: Record) -> None:
        if len(self._waiting) >= self._most:
            self.dropped += 1
        else:
            self._waiting.append(record)

    def close(self) -> None:
        """Write what is waiting, then stop."""
        self._stop.set()
        self._thread.join(5.0)
        if self.path != "-":
            os.close(self._file)

    def _open(self) -> int:
        if self.path == "-":
            return sys.stdout.fileno()
        return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def _run(self) -> None:
        while not self._stop.wait(_PAUSE):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        self._reopen_if_rotated()
        while self._waiting:
            lines = [self._encode(record) + b"\n" for record in islice(self._waiting, _BATCH)]
            written = self._append(b"".join(lines))
            for line in lines:
                written -= len(line)
                if written < 0:  # this line is not, or not wholly, on disk: it comes again
                    return
                self._waiting.popleft()
        self._confess()

    def _append(self, data: bytes) -> int:
        """How many bytes reached the file; fewer than all when the disk refused."""
        prefix = b"\n" if self._torn else b""  # ends the half line that a full disk left
        written = -len(prefix)
        try:
            while written < len(data):
                written += os.write(self._file, (prefix + data)[len(prefix) + written :])
        except OSError as error:
            self.trouble = f"{self.path}: {error.strerror}"
        else:
            self.trouble = ""
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
            if Path(self.path).stat().st_ino == os.fstat(self._file).st_ino:
                return
        except FileNotFoundError:
            pass
        except OSError as error:
            self.trouble = f"{self.path}: {error.strerror}"
            return
        try:
            fresh = self._open()
        except OSError as error:
            self.trouble = f"{self.path}: {error.strerror}"
            return
        os.close(self._file)
        self._file = fresh
