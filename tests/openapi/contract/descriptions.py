"""Small documents for the tests of the contract."""

from __future__ import annotations

from typing import Any

from stockade.openapi.contract import Contract, Match
from stockade.openapi.faults import Fault
from stockade.wire import Headers

JSON = "application/json"


def body_of(schema: Any, kind: str = JSON, **more: Any) -> dict[str, Any]:
    """An operation that takes a body of that kind; `encoding` goes to its media type."""
    entry = {"schema": schema, **{key: more.pop(key) for key in ("encoding",) if key in more}}
    return {"requestBody": {"required": True, "content": {kind: entry}, **more}}


def document_of(operation: dict[str, Any], schemas: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A document whose one operation is POST /x."""
    return {"openapi": "3.1.0", "paths": {"/x": {"post": operation}}, "components": {"schemas": schemas or {}}, **more}


def found_in(contract: Contract, method: str = "POST", path: str = "/x") -> Match:
    found = contract.match(method, path)
    assert isinstance(found, Match)
    return found


def judged(document: dict[str, Any], body: bytes, kind: str | None = JSON, **settings: Any) -> tuple[Fault, ...]:
    """The faults of a body sent to POST /x."""
    return found_in(Contract.compile(document, **settings)).operation.check_body(kind, body)


def told(faults: tuple[Fault, ...]) -> list[tuple[str, str]]:
    """Pointer and rule of each."""
    return [(fault.pointer, fault.rule) for fault in faults]


def asked(document: dict[str, Any], query: str = "", headers: Any = (), **settings: Any) -> list[tuple[str, str]]:
    """Where and rule of each fault in the head of a request to POST /x."""
    found = found_in(Contract.compile(document, **settings)).check_head(query, Headers.of(headers))
    return [(fault.where, fault.rule) for fault in found]
