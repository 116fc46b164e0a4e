"""What no body may be where nobody describes the API, and which bodies nobody waits for."""

from __future__ import annotations

import pytest

from stockade.controls.structure import Structure
from stockade.payloads import Limits
from stockade.vocabulary import PASS, Stop
from tests.exchanges import Door, make_exchange, make_request, make_route

JSON, FORM, XML = "application/json", "application/x-www-form-urlencoded", "text/xml; charset=utf-8"
PARTS = "multipart/form-data; boundary=b"
LIMITS = Limits(depth=5, members=10, items=10, string=20, fields=3, parts=2)
FILE = b'--b\r\nContent-Disposition: form-data; name="a"; filename="a.bin"\r\n\r\n%b\r\n--b--\r\n'

BAD: dict[str, tuple[str, bytes, str]] = {
    "no JSON": (JSON, b"{", "syntax"),
    "two names": (JSON, b'{"a":1,"a":2}', "duplicate-name"),
    "deep": (JSON, b"[" * 10 + b"]" * 10, "depth"),
    "very deep": ("application/vnd.x+json", b"[" * 500_000, "depth"),
    "many names": (JSON, b"{" + b",".join(b'"%d":1' % number for number in range(20)) + b"}", "members"),
    "a long text": (JSON, b'["%b"]' % (b"x" * 30), "string-length"),
    "a huge number": (JSON, b"[1e999999999]", "number-range"),
    "many fields": (FORM, b"a=1&b=2&c=3&d=4", "fields"),
    "a document type": (XML, b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document-type"),
    "many parts": (PARTS, b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 3 + b"--b--\r\n", "parts"),
    "a program": (PARTS, FILE % (b"MZ" + b"\0" * 100), "executable"),
}  # fmt: skip


def sent(body: bytes, kind: str, *headers: tuple[str, str], files: bool = True) -> tuple[bool, Stop | None]:
    """Whether the door was to hold the body, and what became of it."""
    door = Door(make_route(Structure(LIMITS, files=files)))
    request = make_request("POST", headers=[("content-type", kind), *headers] if kind else headers, has_body=True)
    verdict = door.send(request, body)
    held = bool(door.session.exchange.request_body)
    return held, verdict if isinstance(verdict, Stop) else None


@pytest.mark.parametrize("name", BAD)
def test_refused(name: str) -> None:
    kind, body, rule = BAD[name]
    held, stop = sent(body, kind)
    assert held
    assert stop is not None
    assert stop.response.status == 400
    assert rule in {finding.rule for finding in stop.findings}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JSON, b'{"a": [1, {"b": null}]}'),
        (FORM, b"a=1&b=2"),
        (XML, b"<a><b/></a>"),
        (PARTS, FILE % b"hello"),
        (JSON, b""),
    ],
)
def test_honest_bodies_pass(kind: str, body: bytes) -> None:
    assert sent(body, kind)[1] is None


def test_files_are_looked_into_where_that_is_asked() -> None:
    program = FILE % (b"MZ" + b"\0" * 100)
    assert sent(program, PARTS, files=False)[1] is None


@pytest.mark.parametrize("kind", ["application/octet-stream", "image/png", "text/plain", ""])
def test_nobody_waits_for_the_end_of_other_bodies(kind: str) -> None:
    assert sent(b"{" * 100, kind) == (False, None)


def test_compressed_bodies_are_left_to_others() -> None:
    assert sent(b"{", JSON, ("content-encoding", "gzip")) == (False, None)


def test_another_control_may_want_it_all_the_same() -> None:
    exchange = make_exchange(make_request("POST", headers=[("content-type", "text/plain")]), request_body=b"{")
    assert Structure(LIMITS).on_request_body(exchange) is PASS


def test_paths_of_others_are_left_to_them() -> None:
    control = Structure(LIMITS, elsewhere=lambda path: path == "/graphql")
    for path, wanted in (("/graphql", False), ("/orders", True)):
        request = make_request("POST", path, headers=[("content-type", JSON)], has_body=True)
        assert control.wants_request_body(make_exchange(request)) is wanted


@pytest.mark.parametrize(
    "kind", [JSON + "; " + "a" * 10_000, " Application/JSON ;x=1", "application/" + "x" * 500 + "+json"]
)
@pytest.mark.parametrize("encoding", ["", " ", "identity", " Identity "])
def test_no_way_of_writing_the_type_hides_a_body(kind: str, encoding: str) -> None:
    held, stop = sent(b"{", kind, ("content-encoding", encoding))
    assert held
    assert stop is not None
