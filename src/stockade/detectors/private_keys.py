"""Private keys: PEM (RFC 7468: PKCS #1, PKCS #8, SEC 1, encrypted or not), OpenSSH, PGP (RFC 9580), PuTTY, age.

From the first line to the last, 16 KiB at most; a key without its last line ends with the last that looks like one.
In JSON, line ends are escapes; they belong to the key. Public keys, certificates and requests are none.
"""

from __future__ import annotations

from stockade.detectors.detector import LONGEST, Detector, Span, Trigger, Window, pattern, start_at

_END = pattern(rb"-----END [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----")
_BODY = pattern(rb"(?:[A-Za-z0-9+/=:,. \r\n-]|\\[nr/tu])*")
_PUTTY = pattern(rb"(?:[A-Za-z0-9+/=:,. \r\n_-]|\\[nr/])*?Private-MAC: [0-9a-f]+")
_AGE = pattern(rb"[A-Z0-9]{58}")


def _confirm(window: Window) -> Span | None:
    data, _, at, stop = window
    start = start_at(window, b"-----BEGIN ")
    if start < 0:
        return None
    body = _BODY.match(data, at, stop).end()
    found = _END.search(data, at, stop)
    if found is None:
        return start, body
    return (start, found.end()) if body >= found.start() else (start, max(body, at))


def _confirm_putty(window: Window) -> Span | None:
    start = start_at(window, b"PuTTY-User-Key-File-")
    found = _PUTTY.match(window.data, window.at, window.stop)
    return (start, found.end()) if found is not None else None


def _confirm_age(window: Window) -> Span | None:
    found = _AGE.match(window.data, window.at, window.stop)
    return (start_at(window, b"AGE-SECRET-KEY-1"), found.end()) if found is not None else None


PRIVATE_KEYS = Detector(
    "private_keys",
    (
        Trigger(rb"-----BEGIN [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----", _confirm, after=LONGEST),
        Trigger(rb"PuTTY-User-Key-File-[23]: ", _confirm_putty, after=LONGEST),
        Trigger(rb"AGE-SECRET-KEY-1", _confirm_age, after=64),
    ),
    "critical",
    "block",
    "private keys",
)
