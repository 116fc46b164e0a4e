"""Payment card numbers (ISO/IEC 7812): digits of a brand's range and length whose Luhn check digit is right.

Brands: Visa (4; 13, 16, 19), Mastercard (51–55, 2221–2720; 16), American Express (34, 37; 15), Diners Club (300–305,
3095, 36, 38–39; 14–19), Discover (6011, 644–649, 65; 16–19), JCB (3528–3589; 16–19), UnionPay (62; 16–19),
Maestro (50, 56–58, 6304, 6759, 676; 16–19). Written without separators, or in groups by one kind of separator,
a space or a hyphen. What stands in a longer number, a decimal fraction, a UUID or a word is none, nor one digit
repeated. One in ten numbers of a brand's range passes Luhn by chance: no detector can tell those from cards.
"""

from __future__ import annotations

from stockade.detectors.detector import ALNUM, Detector, Span, Trigger, Window, shape

_SHAPE = shape(
    rb"(?:\d{4}(?:-\d{4}){3}(?:-\d{3})?"
    rb"|\d{4}(?: \d{4}){3}(?: \d{3})?|\d{4}-\d{6}-\d{4,5}|\d{4} \d{6} \d{4,5}|\d{13,19})"
)
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")
_DIGITS = frozenset(b"0123456789")
_HEX = frozenset(b"0123456789abcdefABCDEF")
_LONG = frozenset({16, 17, 18, 19})
_SIXTEEN = frozenset({16})

# First and last prefix of six digits, and the lengths of the numbers that begin so.
BRANDS: tuple[tuple[str, int, int, frozenset[int]], ...] = (
    ("visa", 400000, 499999, frozenset({13, 16, 19})),
    ("mastercard", 510000, 559999, _SIXTEEN),
    ("mastercard", 222100, 272099, _SIXTEEN),
    ("amex", 340000, 349999, frozenset({15})),
    ("amex", 370000, 379999, frozenset({15})),
    ("diners", 300000, 305999, frozenset({14, 16, 19})),
    ("diners", 309500, 309599, frozenset({14, 16, 19})),
    ("diners", 360000, 369999, frozenset({14, 16, 19})),
    ("diners", 380000, 399999, frozenset({14, 16, 19})),
    ("discover", 601100, 601199, frozenset({16, 19})),
    ("discover", 644000, 659999, frozenset({16, 19})),
    ("jcb", 352800, 358999, _LONG),
    ("unionpay", 620000, 629999, _LONG),
    ("maestro", 500000, 509999, _LONG),
    ("maestro", 560000, 589999, _LONG),
    ("maestro", 630400, 630499, _LONG),
    ("maestro", 675900, 676999, _LONG),
)


def brand(digits: bytes) -> str:
    """The brand of a number by its range and length; empty: none."""
    prefix, length = int(digits[:6]), len(digits)
    for name, first, last, lengths in BRANDS:
        if first <= prefix <= last and length in lengths:
            return name
    return ""


def luhn(digits: bytes) -> bool:
    """Whether the last digit is right (ISO/IEC 7812-1, annex B)."""
    return (sum(digits[::-2]) + sum(digits[-2::-2].translate(_DOUBLED)) - 48 * len(digits)) % 10 == 0


def _confirm(window: Window) -> Span | None:
    data, low, at, stop = window
    for start in (at - 12, at - 13, at - 14):  # twelve digits with up to two separators
        if start < low or data[start] not in _DIGITS or _continues(data, start, low):
            continue
        found = _SHAPE.match(data, start, stop)
        if found is None or _goes_on(data, found.end(), stop):
            return None
        digits = found[0].replace(b" ", b"").replace(b"-", b"")
        if brand(digits) and luhn(digits) and len(set(digits)) > 1:
            return start, found.end()
        return None
    return None


def _continues(data: bytes, start: int, low: int) -> bool:
    """Whether the digits are the rest of something longer: a word, a fraction, a group of a UUID."""
    if start == low:
        return False
    before = data[start - 1]
    if before in ALNUM:
        return not (data[start - 1] in b"nrt" and start - 2 >= low and data[start - 2] == 0x5C)
    if before in b"._":
        return True
    return before == 0x2D and start - 2 >= low and data[start - 2] in _HEX


def _goes_on(data: bytes, end: int, stop: int) -> bool:
    if end >= stop:
        return False
    after = data[end]
    if after in ALNUM or after == 0x5F:
        return True
    return after in b".-" and end + 1 < stop and data[end + 1] in _HEX


CARDS = Detector(
    "cards",
    (
        Trigger(
            rb"(?:^|[^0-9A-Za-z_.]|\\[nrt])(?:[245]\d{3}|3[0689]\d{2}|35\d{2}|6[02-7]\d{2})[ -]?\d{4}[ -]?\d{4}",
            _confirm,
            after=16,
        ),
        Trigger(rb"(?:^|[^0-9A-Za-z_.]|\\[nrt])3[04-9]\d{2}[ -]\d{6}[ -]\d{2}", _confirm, after=16),
        Trigger(rb"(?:^|[^0-9A-Za-z_.]|\\[nrt])3[47]\d{10}", _confirm, after=16),
    ),
    "critical",
    "mask",
    "payment card numbers",
)
