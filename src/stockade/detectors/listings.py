"""Directory listings: the pages that Apache, nginx, IIS, Python and others make, and the long form of `ls`."""

from __future__ import annotations

from stockade.detectors.detector import Detector, Span, Trigger, Window, line_span, pattern

_MOST = 1024
_MODE = pattern(rb"[d-](?:[r-][w-][xsS-]){2}[r-][w-][xtT-]")


def _confirm(window: Window) -> Span | None:
    data, low, at, _ = window
    start = max(low, data.rfind(b"\n", low, at - 1) + 1, at - 40)
    return line_span(window, start, _MOST)


def _confirm_mode(window: Window) -> Span | None:
    for found in _MODE.finditer(window.data, max(window.low, window.at - 16), window.at):
        return line_span(window, found.start(), _MOST)
    return None


LISTINGS = Detector(
    "listings",
    (
        Trigger(rb"<(?:title|h1)>\s?Index of /", _confirm, after=_MOST, caseless=True),
        Trigger(rb"<(?:title|h1)>\s?Directory listing for /", _confirm, after=_MOST, caseless=True),
        Trigger(rb"\[To Parent Directory\]", _confirm, after=_MOST),
        Trigger(rb"> ?Parent Directory</a>", _confirm, after=_MOST),
        Trigger(rb"<(?:title|h1)>\s?listing directory /", _confirm, after=_MOST, caseless=True),
        Trigger(rb"<a href=\\?\"\.\./?\\?\">\.\./?</a>", _confirm, after=_MOST),
        Trigger(rb"(?:^|[\n\">]|\\n)[d-](?:[r-][w-][xsS-]){2}[r-][w-][xtT-][ .+@] {0,3}\d", _confirm_mode, after=_MOST),
    ),
    "medium",
    "block",
    "directory listings",
)
