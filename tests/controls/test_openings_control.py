"""Sealed request bodies as a control: what those after it see, and what never gets to them."""

from __future__ import annotations

from typing import Any

import pytest

from stockade.controls.exposure.envelopes import JOSE, Openings
from stockade.engine import Binding
from stockade.operations import OperationTable
from stockade.sealing import Envelope, Opening, Seal, Signed, keys_of_secret
from stockade.vocabulary import PASS, Control, Pass, Stop
from tests.exchanges import Door, make_control, make_exchange, make_request, make_route

KEYS = keys_of_secret(b"s" * 32)
SEALED = Envelope(signing=Seal(KEYS, "HS256"))
OPENING = Opening(None, Signed(KEYS, frozenset({"HS256"})))
BODY = b'{"amount":7}'
TYPE = ("content-type", JOSE)


def guarded(seen: list[Any], **fields: Any) -> Door:
    def look(exchange: Any) -> Any:
        seen.append((dict(exchange.request.headers), exchange.request_body))
        return PASS

    reader: Control = make_control("reader", on_request=look, on_request_body=look)
    control = Openings(OPENING, "application/json", fields.pop("operations", None))
    return Door(make_route(Binding(control, **fields), reader))


def sent(door: Door, body: bytes, *headers: tuple[str, str], method: str = "POST") -> Any:
    length = ("content-length", str(len(body)))
    return door.send(make_request(method, "/payments", [length, *headers], has_body=bool(body)), body)


def test_those_after_it_and_the_upstream_get_what_was_in_it():
    seen: list[Any] = []
    sealed = SEALED.seal(BODY)
    verdict = sent(guarded(seen), sealed, TYPE, ("content-digest", "sha-256=:x:"))
    assert isinstance(verdict, Pass)
    assert verdict.edits is not None
    assert verdict.edits.body == BODY
    (head, nothing), (later, body) = seen
    assert (nothing, body) == (b"", BODY)
    assert head == {
        "content-length": str(len(sealed)),
        "content-type": "application/json",
        "content-digest": "sha-256=:x:",
    }
    assert later["content-length"] == str(len(BODY))


def test_the_upstream_hears_nothing_of_the_envelope():
    request = make_request("POST", "/payments", [TYPE, ("digest", "x"), ("content-length", "9")], has_body=True)
    verdict = Openings(OPENING, "application/json").on_request(make_exchange(request))
    assert isinstance(verdict, Pass)
    assert verdict.edits is not None
    assert verdict.edits.set == (("content-type", "application/json"),)
    assert {"digest", "content-digest", "content-md5"} <= {*verdict.edits.remove}


REFUSED: dict[str, tuple[bytes, list[tuple[str, str]], int, str]] = {
    "plain": (BODY, [("content-type", "application/json")], 415, "unsealed"),
    "without a type": (BODY, [], 415, "unsealed"),
    "plain under the sealed type": (BODY, [TYPE], 400, "bad-envelope"),
    "two types": (SEALED.seal(BODY), [TYPE, ("content-type", "application/json")], 415, "unsealed"),
    "sealed under another type": (SEALED.seal(BODY), [("content-type", "text/plain")], 415, "unsealed"),
    "compressed": (SEALED.seal(BODY), [TYPE, ("content-encoding", "gzip")], 415, "unsealed"),
    "changed": (SEALED.seal(BODY)[:-4] + b"AAAA", [TYPE], 400, "bad-envelope"),
    "another serialisation": (b'{"payload":""}', [("content-type", "application/jose+json")], 415, "unsealed"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_must_be_sealed_is(name):
    body, headers, status, rule = REFUSED[name]
    door = guarded([])
    verdict = sent(door, body, *headers)
    assert isinstance(verdict, Stop)
    assert (verdict.response.status, verdict.findings[-1].rule) == (status, rule)
    assert b"amount" not in verdict.response.body


def test_a_declared_length_of_nothing_hides_no_body():
    """HTTP/2 frames may come all the same: what came is judged, whatever was declared."""
    request = make_request("POST", "/payments", [("content-length", "0")], has_body=True)
    verdict = guarded([]).send(request, BODY)
    assert isinstance(verdict, Stop)
    assert verdict.findings[-1].rule == "bad-envelope"


def test_without_a_body_there_is_nothing_to_open():
    seen: list[Any] = []
    assert isinstance(sent(guarded(seen), b"", method="GET"), Pass)
    assert seen[-1][1] == b""


def test_other_operations_are_left_alone():
    seen: list[Any] = []
    door = guarded(seen, operations=OperationTable(["POST /transfers"]))
    assert isinstance(sent(door, BODY, ("content-type", "application/json")), Pass)
    assert seen[-1][1] == BODY


def test_who_only_watches_opens_nothing():
    seen: list[Any] = []
    sealed = SEALED.seal(BODY)
    verdict = sent(guarded(seen, monitor=True), sealed, TYPE)
    assert isinstance(verdict, Pass)
    assert seen[-1][1] == sealed
    assert seen[-1][0]["content-type"] == JOSE
