"""What is known of a request that has been found valid, for those who look for injections after us."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from urllib.parse import unquote_plus

from stockade.openapi.bodies.media import is_json, media_type
from stockade.openapi.operations import Operation
from stockade.openapi.unknown import undescribed
from stockade.payloads import Limits, read_fields, read_form, read_json
from stockade.vocabulary import PASS, Exchange, Pass, Proofs

_FORM, _PARTS = "application/x-www-form-urlencoded", "multipart/form-data"


class Lessons:
    """By operation: what has been proved once its head, or its body, has been found valid.

    A control that only watches passes nothing of a head that it would refuse; so the body's hook, which does not know
    of that, goes by what the head's has said.
    """

    def __init__(self, operations: Iterable[Operation], limits: Limits) -> None:
        self._limits = limits
        self._lessons = {id(operation): _Lesson(operation) for operation in operations}

    def of_head(self, operation: Operation) -> Pass:
        return self._lessons[id(operation)].head

    def of_body(self, operation: Operation, exchange: Exchange) -> Pass:
        lesson = self._lessons[id(operation)]
        covered = operation.covered and _is_json(exchange)
        if exchange.proofs is lesson.head.proofs:
            proved = lesson.covered if covered else lesson.whole
        else:
            proved = lesson.covered_body if covered else lesson.body
        query = exchange.request.query
        has_query = bool(query) and operation.known_query and not _names(query) <= operation.query_names
        has_body = bool(exchange.request_body) and not operation.known_body.open
        if operation.strict or not (has_query or has_body):
            return proved
        return Pass(proofs=proved.proofs, unknown=partial(_unknown, operation, exchange, self._limits))


def _is_json(exchange: Exchange) -> bool:
    return bool(exchange.request_body) and is_json(media_type(exchange.request.headers.get("content-type")))


class _Lesson:
    def __init__(self, operation: Operation) -> None:
        query = tuple(sorted(name for place, name in operation.harmless if place == "query"))
        json = tuple(sorted(pointer for place, pointer in operation.harmless if place == "body"))
        self.head = Pass(proofs=Proofs(query)) if query else PASS
        self.whole = Pass(proofs=Proofs(query, json)) if query or json else PASS
        self.body = Pass(proofs=Proofs((), json)) if json else PASS
        # Of a body of JSON that holds nothing else.
        self.covered = Pass(proofs=Proofs(query, json, all_of_body=True))
        self.covered_body = Pass(proofs=Proofs((), json, all_of_body=True))


def _names(query: str) -> set[str]:
    """As they stand there: one that is escaped is looked at more closely."""
    return {pair.partition("=")[0] for pair in query.split("&")}


def _pairs(query: str) -> Iterator[tuple[str, str]]:
    """Of a query that may be broken, where the control only watches."""
    for pair in query.split("&"):
        name, _, text = pair.partition("=")
        if pair:
            yield unquote_plus(name), unquote_plus(text)


def _is_known(operation: Operation, name: str) -> bool:
    return name in operation.query_names or any(reader.claims(name) for reader in operation.query)


def _unknown(operation: Operation, exchange: Exchange, limits: Limits) -> list[tuple[str, str]]:
    """Of a valid request, the arguments that nobody describes."""
    request, body = exchange.request, exchange.request_body
    found: list[tuple[str, str]] = []
    if request.query and operation.known_query:
        found += [(name, text) for name, text in _pairs(request.query) if not _is_known(operation, name)]
    if not body or operation.known_body.open:
        return found
    field = request.headers.get("content-type")
    kind = media_type(field)
    if is_json(kind):
        found += undescribed(read_json(body, limits), operation.known_body)
    elif kind in (_FORM, _PARTS):
        members = operation.known_body.members
        fields = read_form(body, limits) if kind == _FORM else read_fields(body, field or "", limits)
        found += [
            (name, text) for name, text in fields if name.partition("[")[0] not in members and name not in members
        ]
    return found
