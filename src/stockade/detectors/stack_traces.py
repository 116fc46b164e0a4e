"""Stack traces of Python, Java and Kotlin, .NET, JavaScript, PHP, Ruby, Go and Rust: their first line, and each frame.

A trace is masked from its first line to the end of the string or of the text, 4 KiB at most; frames that come after
that are found one by one. A word such as Traceback or Exception alone is none.
"""

from __future__ import annotations

from typing import Any

from stockade.detectors.detector import Detector, Span, Trigger, Window, pattern

_MOST = 4096
_STRING_END = pattern(rb"""[^\\]"|</""")


def _to_the_end(window: Window, start: int) -> Span:
    """To the end of the JSON string or of the element, else as far as the window goes."""
    data, low, at, stop = window
    quoted = _in_string(data, start, low)
    if not quoted:
        blank = data.find(b"\n\n\n", at, stop)
        return start, blank if blank >= 0 else stop
    found = _STRING_END.search(data, at - 1, stop)
    return start, found.start() + 1 if found is not None and found[0] != b"</" else found.start() if found else stop


def _in_string(data: bytes, start: int, low: int) -> bool:
    """Whether the line that begins at `start` stands in a string of JSON or in markup: there are no real line ends."""
    line = data.rfind(b"\n", low, start) + 1
    return b'"' in data[max(line, low) : start] or b">" in data[max(line, low) : start]


def _first(text: bytes) -> Any:
    def confirm(window: Window) -> Span | None:
        start = window.data.rfind(text, window.low, window.at)
        return _to_the_end(window, start) if start >= 0 else None

    return confirm


def _frame(shape: bytes) -> Any:
    """A frame that fits the shape, which may go on right of the trigger."""
    whole = pattern(shape)

    def confirm(window: Window) -> Span | None:
        data, low, at, stop = window
        for found in whole.finditer(data, max(low, at - 300), stop):
            if found.start() < at <= found.end():
                return found.start(), found.end()
        return None

    return confirm


_JAVA = rb"\bat [\w.$/@<>]{3,200}\([\w$-]{1,80}\.(?:java|kt|scala|groovy|clj):\d{1,6}\)"
_DOTNET = rb"\bat [\w.<>$`\[\], +]{3,160}\([^()\r\n]{0,160}\) in (?:[A-Za-z]:\\|/)[^\r\n\"<]{1,160}:line \d{1,6}"
_SCRIPT = rb"\bat (?:[\w.$<>\[\] ]{1,120} \()?(?:file://|node:|/|[A-Za-z]:\\|webpack|https?://)[^\r\n()\"<\s]{1,180}:\d{1,6}:\d{1,6}\)?"
_PHP = rb"#\d{1,3} (?:/|[A-Za-z]:\\)[^\r\n\"<]{1,160}\(\d{1,6}\): [\w\\>:-]{1,120}\("
_PYTHON = rb'File \\?"[^"\r\n]{1,200}", line \d{1,6}(?:, in [\w<>.]{1,80})?'
_RUBY = rb"/?[\w./-]{1,160}\.rb:\d{1,6}:in [`'][\w<>?!= :.#]{1,80}'"
_GO = rb"(?:\\t|\t)/?[\w./@~-]{1,200}\.go:\d{1,6}(?: \+0x[0-9a-f]+)?"
_RUST = rb"thread '[\w<>: -]{1,80}' (?:\(\d+\) )?panicked at [^\r\n\"<]{1,300}"

STACK_TRACES = Detector(
    "stack_traces",
    (
        Trigger(rb"Traceback \(most recent call last\)", _first(b"Traceback"), after=_MOST),
        Trigger(rb"goroutine \d{1,8} \[[a-z ]{2,24}\]:", _first(b"goroutine"), after=_MOST),
        Trigger(rb"PHP (?:Fatal|Parse) error: ", _first(b"PHP "), after=_MOST),
        Trigger(rb"Fatal error(?:</b>)?: +Uncaught ", _first(b"Fatal error"), after=_MOST),
        Trigger(rb"\.(?:java|kt|scala|groovy|clj):\d", _frame(_JAVA), after=16),
        Trigger(rb"\) in (?:[A-Z]:\\|/)", _frame(_DOTNET), after=200),
        Trigger(rb"\bat [^\r\n]{1,200}\.[cm]?[jt]sx?:\d{1,6}:\d", _frame(_SCRIPT), after=16),
        Trigger(rb"#\d{1,3} (?:/|[A-Z]:\\)[^\r\n\"<]{1,160}\(\d{1,6}\): ", _frame(_PHP), after=130),
        Trigger(rb'", line \d', _frame(_PYTHON), after=100),
        Trigger(rb"\.rb:\d{1,6}:in [`']", _frame(_RUBY), after=100),
        Trigger(rb"\.go:\d{1,6} \+0x", _frame(_GO), after=32),
        Trigger(rb"' (?:\(\d{1,9}\) )?panicked at ", _frame(_RUST), after=310),
    ),
    "high",
    "block",
    "stack traces",
)
