"""No input makes reading costly: the work, counted in calls, grows with the body and no faster."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import pytest

from stockade.waf.values import MAKERS, Limits
from tests.waf.values.probe import request, values

SIZE = 8192
NO_ARGUMENTS = Limits(arguments=0)
FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=B"
FILE = b'--B\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\n'
LONG_NAME = b'Content-Disposition: form-data; name="%b"; x=1\n' % (b"a" * 3900)

# (processor, Content-Type, beginning, unit, end)
HOSTILE = {
    "form of separators": ("URLENCODED", FORM, b"", b"&", b""),
    "form of escapes": ("URLENCODED", FORM, b"", b"%41", b""),
    "form of broken escapes": ("URLENCODED", FORM, b"", b"%", b""),
    "form of escaped pairs": ("URLENCODED", FORM, b"", b"%25=%25&", b""),
    "JSON of open arrays": ("JSON", "", b"", b"[", b""),
    "JSON of open objects": ("JSON", "", b"", b'{"a":', b""),
    "JSON of empty arrays": ("JSON", "", b"[", b"[],", b"[]]"),
    "JSON of empty arrays that breaks off": ("JSON", "", b"[", b"[],", b"[]"),
    "JSON of numbers": ("JSON", "", b"[", b"1,", b"1]"),
    "JSON of equal keys": ("JSON", "", b"{", b'"a":1,', b'"a":1}'),
    "JSON of lone surrogates": ("JSON", "", b'"', b"\\ud800", b'"'),
    "JSON of overlong characters": ("JSON", "", b'"', b"\xc0\xaf", b'"'),
    "JSON of long paths": ("JSON", "", (b'{"' + b"k" * 100 + b'":') * 40 + b"[", b"1,", b"1]" + b"}" * 40),
    "multipart of boundaries": ("MULTIPART", PARTS, b"", b"--B\n", b""),
    "multipart of parts": ("MULTIPART", PARTS, b"", b"--B\nContent-Disposition: form-data;name=a\n\n\n", b"--B--\n"),
    "multipart of hyphens": ("MULTIPART", PARTS, FILE, b"\n--", b"\r\n--B--\r\n"),
    "multipart of hyphens and spaces": ("MULTIPART", PARTS, FILE, b"\n-- ", b"\r\n--B--\r\n"),
    "multipart of stray boundaries": ("MULTIPART", PARTS, FILE, b"x--B", b"\r\n--B--\r\n"),
    "multipart of late stray boundaries": (
        "MULTIPART",
        PARTS,
        FILE,
        b"x" * 4100 + b"--B" * 99 + b"\n",
        b"\r\n--B--\r\n",
    ),
    "multipart of blank lines": ("MULTIPART", PARTS, b"--B\n" + LONG_NAME, b"\n", b""),
    "multipart of folded lines": ("MULTIPART", PARTS, b"--B\nA: b\n", b" c\n", b""),
    "XML of elements": ("XML", "", b"<r>", b"<a/>", b"</r>"),
    "XML of open elements": ("XML", "", b"", b"<a>", b""),
    "XML of references": ("XML", "", b"<!DOCTYPE r [<!ENTITY e 'f'>]><r>", b"&e;", b"</r>"),
}


def work(size: int, processor: str, content_type: str, begin: bytes, unit: bytes, end: bytes) -> tuple[int, int]:
    """Calls of functions, and bytes of names, for a body of about that size."""
    body = begin + unit * (size // len(unit)) + end
    of = request("/?a=1", headers=[("content-type", content_type), ("cookie", "a=b; c")], body=body)
    calls = 0

    def count(frame: FrameType, event: str, arg: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        made = values(of, processor, NO_ARGUMENTS)
        for name in MAKERS:
            made[name]
        made.xml("/*")
    finally:
        sys.setprofile(None)
    return calls, sum(len(name) for name, _ in made["ARGS"])


@pytest.mark.parametrize("name", HOSTILE)
def test_work_grows_with_the_body(name):
    once, names = work(SIZE, *HOSTILE[name])
    twice, names_of_twice = work(2 * SIZE, *HOSTILE[name])
    assert twice <= 2.2 * once + 200, "calls"
    assert names_of_twice <= 2.2 * names + 8192, "bytes of names"
    assert once <= 15 * SIZE, "calls per byte"


@pytest.mark.parametrize("name", HOSTILE)
def test_the_limit_on_arguments_bounds_what_is_made(name):
    processor, content_type, begin, unit, end = HOSTILE[name]
    body = begin + unit * (100_000 // len(unit)) + end
    made = values(request(headers=[("content-type", content_type)], body=body), processor, Limits(arguments=50))
    assert len(made["ARGS"]) <= 50
    assert sum(len(key) for key, _ in made["ARGS"]) <= 65536 + 8 * len(body)
