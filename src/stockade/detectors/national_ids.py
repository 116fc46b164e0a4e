"""National identification and tax numbers, checked by `python-stdnum` (NINO, which has no check digit, by
its prefixes): those whose leak is an identity's.

By their shape alone: United States SSN (with hyphens), United Kingdom NINO, Spain DNI and NIE, Italy codice fiscale,
Mexico CURP, Brazil CPF (with its punctuation), Finland HETU, Sweden personnummer and Denmark CPR (with their
hyphens), Korea RRN, India PAN, China resident identity, Chile RUT (with its punctuation), Canada SIN (in groups).
Plain digits only after a word that names them (pesel, bsn, steuer-id, nir, tckn, aadhaar, cpf, sin, …), for an order
number passes one check digit in ten: Poland, Netherlands, Germany, France, Turkey, Norway, Belgium, India, South
Africa.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from stockade.detectors.detector import ALNUM, Detector, Span, Trigger, Window, pattern

_Check = Callable[[str], bool]


# Prefixes of the United Kingdom's that are never given out.
_NO_NINO = frozenset({"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"})


@cache
def _check(module: str) -> _Check:
    """The check of one family, loaded when first needed."""
    if module == "gb.nino":
        return lambda number: number[:2] not in _NO_NINO
    checked: _Check = import_module(f"stdnum.{module}").is_valid
    return checked


# What each looks like, and who checks it. The first part of a trigger keeps its end in one place.
_BEFORE = rb"(?:^|[^0-9A-Za-z_.-]|\\[nrt])"
_SHAPED: tuple[tuple[str, bytes, bytes], ...] = (
    ("us.ssn", rb"\d{3}-\d{2}-\d{4}", rb"\d{3}-\d{2}-\d{4}"),
    (
        "gb.nino",
        rb"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]",
        rb"[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]",
    ),
    ("es.dni", rb"\d{8}-?[A-HJ-NP-TV-Z]", rb"\d{8}-?[A-HJ-NP-TV-Z]"),
    ("es.nie", rb"[XYZ]-?\d{7}-?[A-HJ-NP-TV-Z]", rb"[XYZ]-?\d{7}-?[A-HJ-NP-TV-Z]"),
    ("it.codicefiscale", rb"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", rb"[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]"),
    ("mx.curp", rb"[A-Z]{4}\d{6}[HMX][A-Z]{5}[0-9A-Z]\d", rb"[A-Z]{4}\d{6}[HMX][A-Z]{5}[0-9A-Z]\d"),
    ("br.cpf", rb"\d{3}\.\d{3}\.\d{3}-\d{2}", rb"\d{3}\.\d{3}\.\d{3}-\d{2}"),
    ("fi.hetu", rb"\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]", rb"\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]"),
    ("se.personnummer", rb"(?:19|20)?\d{6}[-+]\d{4}", rb"\d{6}[-+]\d{4}"),
    ("kr.rrn", rb"\d{6}-[1-8]\d{6}", rb"\d{6}-[1-8]\d{6}"),
    ("in_.pan", rb"[A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z]", rb"[A-Z]{3}[ABCFGHLJPT][A-Z]\d{4}[A-Z]"),
    ("cn.ric", rb"[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])[0-3]\d\d{3}[0-9X]", rb"[1-9]\d{5}(?:19|20)\d{9}[0-9X]"),
    ("cl.rut", rb"\d{1,2}\.\d{3}\.\d{3}-[0-9K]", rb"\d{1,2}\.\d{3}\.\d{3}-[0-9K]"),
)
# Weak shapes want a date's or an area's plausibility, which stdnum checks; these have one check digit or none, and are
# common shapes of order numbers: believed only where the same line names a person's number.
_NAMED: tuple[tuple[str, bytes, int, int], ...] = (
    ("pl.pesel", rb"pesel", 11, 11),
    ("nl.bsn", rb"bsn|burgerservicenummer|sofinummer", 9, 9),
    ("de.idnr", rb"steuer[_ -]?id(?:nr|entifikationsnummer)?|idnr|tax[_ -]?id|steuernummer", 11, 11),
    ("fr.nir", rb"nir|insee|s.{0,2}curit.{1,2}[_ -]sociale|num[_ -]?secu", 15, 15),
    ("tr.tckimlik", rb"tckn|tc[_ -]?kimlik(?:[_ -]?no)?|kimlik[_ -]?no", 11, 11),
    ("no.fodselsnummer", rb"f(?:\xc3\xb8|o)dselsnummer|personnummer", 11, 11),
    ("be.nn", rb"rijksregisternummer|nrn|niss|insz|registre[_ -]national", 11, 11),
    ("in_.aadhaar", rb"aadha+r(?:[_ -]?(?:no|number))?", 12, 14),
    ("za.idnr", rb"id[_ -]?number|sa[_ -]?id", 13, 13),
    ("br.cpf", rb"cpf", 11, 14),
    ("us.ssn", rb"ssn|social[_ -]?security(?:[_ -]?(?:no|number))?", 9, 11),
    ("ca.sin", rb"sin|social[_ -]?insurance(?:[_ -]?(?:no|number))?", 9, 11),
    ("dk.cpr", rb"cpr(?:[_ -]?(?:nr|nummer))?", 10, 11),
    ("ch.ssn", rb"ahv(?:[_ -]?(?:nr|nummer))?|avs", 13, 16),
)


def _shaped(module: str, shape: bytes, trigger: bytes) -> Trigger:
    whole = pattern(shape + rb"$")

    def confirm(window: Window) -> Span | None:
        data, low, at, stop = window
        if at < stop and (data[at] in ALNUM or (data[at] in b"-._/" and data[at + 1 : at + 2].isalnum())):
            return None
        found = whole.search(data[max(low, at - 24) : at])
        if found is None or _continues(data, at - len(found[0]), low):
            return None
        return (at - len(found[0]), at) if _check(module)(found[0].decode("ascii")) else None

    return Trigger(_BEFORE + trigger, confirm, after=4)


def _continues(data: bytes, start: int, low: int) -> bool:
    if start <= low or data[start - 1] not in ALNUM | set(b"_.-/"):
        return False
    return not (start - 2 >= low and data[start - 2] == 0x5C and data[start - 1] in b"nrt")


_NUMBER = pattern(rb"\d[\d .-]{6,20}\d")
_NOT_DIGITS = bytes(char for char in range(256) if char not in b"0123456789")


def _named(module: str, words: bytes, least: int, most: int) -> Trigger:
    def confirm(window: Window) -> Span | None:
        data, _, at, stop = window
        found = _NUMBER.match(data, at - 1, stop)
        if found is None:
            return None
        text = found[0].rstrip(b" .-")
        end = at - 1 + len(text)
        if not least <= len(text) <= most + 4 or (end < stop and data[end] in ALNUM):
            return None
        digits = text.translate(None, _NOT_DIGITS).decode("ascii")
        return (at - 1, end) if _check(module)(digits) else None

    expression = rb"(?:^|[^a-z])(?:" + words + rb""")[\\"']{0,2}(?: ?[:=#] ?| (?:is |no\.? |nr\.? )?)[\\"']{0,2}\d"""
    return Trigger(expression, confirm, after=32, caseless=True)


def _all() -> tuple[Trigger, ...]:
    shaped: list[Any] = [_shaped(*entry) for entry in _SHAPED]
    return (*shaped, *(_named(*entry) for entry in _NAMED))


NATIONAL_IDS = Detector("national_ids", _all(), "high", "mask", "national identification numbers")
