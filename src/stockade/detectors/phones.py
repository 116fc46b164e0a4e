"""Telephone numbers: the international form (ITU-T E.164, written as E.123 has it) with a country code that exists
and 8 to 15 digits, `tel:` URIs (RFC 3966), and North American numbers with the area code in brackets or after a name
such as `phone`. A bare run of digits is none: order numbers, timestamps and identifiers look the same.
"""

from __future__ import annotations

from stockade.detectors.detector import Detector, Span, Trigger, Window, shape

# fmt: off
_CODES = frozenset(map(str, (
    1, 7, 20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58,
    60, 61, 62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98, 211, 212, 213, 216, 218, 220, 221, 222,
    223, 224, 225, 226, 227, 228, 229, 230, 231, 232, 233, 234, 235, 236, 237, 238, 239, 240, 241, 242, 243, 244,
    245, 246, 247, 248, 249, 250, 251, 252, 253, 254, 255, 256, 257, 258, 260, 261, 262, 263, 264, 265, 266, 267,
    268, 269, 290, 291, 297, 298, 299, 350, 351, 352, 353, 354, 355, 356, 357, 358, 359, 370, 371, 372, 373, 374,
    375, 376, 377, 378, 379, 380, 381, 382, 383, 385, 386, 387, 389, 420, 421, 423, 500, 501, 502, 503, 504, 505,
    506, 507, 508, 509, 590, 591, 592, 593, 594, 595, 596, 597, 598, 599, 670, 672, 673, 674, 675, 676, 677, 678,
    679, 680, 681, 682, 683, 685, 686, 687, 688, 689, 690, 691, 692, 800, 808, 850, 852, 853, 855, 856, 870, 878,
    880, 881, 882, 883, 886, 888, 960, 961, 962, 963, 964, 965, 966, 967, 968, 970, 971, 972, 973, 974, 975, 976,
    977, 979, 992, 993, 994, 995, 996, 998,
)))
# fmt: on
_INTERNATIONAL = shape(rb"\d{1,4}(?:[ .\-/]?\(?\d{1,5}\)?){1,7}")
_AMERICAN = shape(rb"\(?[2-9]\d{2}\)?[ .-]?[2-9]\d{2}[ .-]?\d{4}")


def _confirm_international(window: Window) -> Span | None:
    data, low, at, stop = window
    plus = data.rfind(b"+", low, at)
    sign = plus
    if plus < max(low, at - 8):  # written \u002b, as .NET does
        sign = data.rfind(b"\\u002", low, at)
        plus = sign + 5
    found = _INTERNATIONAL.match(data, plus + 1, stop)
    if found is None or sign < 0:
        return None
    end, text = found.end(), found[0]
    if text.endswith(b")") and b"(" not in text:
        end -= 1
    digits = text.translate(None, b" .-/()").decode("ascii")
    if not 8 <= len(digits) <= 15 or len(set(digits)) < 3 or not _has_code(digits) or text.count(b"(") > 1:
        return None
    after = data[end : end + 2] if end < stop else b""
    if after[:1].isalpha() or (after[:1] in (b".", b"_", b"-") and after[1:].isalnum()):
        return None
    return sign, end


def _has_code(digits: str) -> bool:
    return digits[:1] in _CODES or digits[:2] in _CODES or digits[:3] in _CODES


def _confirm_american(window: Window) -> Span | None:
    data, low, at, stop = window
    start = max(data.rfind(b"(", max(low, at - 12), at), low)
    if data[start : start + 1] != b"(":
        start = at - 3
    found = _AMERICAN.match(data, start, stop)
    if found is None or data[found.end() : found.end() + 1].isalnum():
        return None
    return start, found.end()


PHONES = Detector(
    "phones",
    (
        Trigger(rb"(?:^|[^0-9A-Za-z+/=_]|\\[nrt]|[Tt][Ee][Ll]:)\+[1-9][0-9 ().-]{5}", _confirm_international, after=24),
        Trigger(rb"\\u002[bB][1-9][0-9 ().-]{5}", _confirm_international, after=24),
        Trigger(rb"(?:^|[^0-9A-Za-z)\]])\([2-9]\d{2}\) ?[2-9]\d{2}[ .-]\d", _confirm_american, after=24),
        Trigger(
            rb"""(?:phone|mobile|tel|telephone|cell|fax|phone_?number)[\\"']{0,2} ?[:=] ?[\\"']{0,2}[2-9]\d{2}""",
            _confirm_american,
            after=24,
            caseless=True,
        ),
    ),
    "medium",
    "report",
    "telephone numbers",
)
