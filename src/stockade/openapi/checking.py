"""What makes a description contradict itself, looked for in the finished document, whatever version it was.

Where a part is already known to be broken it is not judged again: one mistake is told once.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from stockade.openapi.check_cycles import check_cycles
from stockade.openapi.check_parameters import check_parameters
from stockade.openapi.check_paths import check_paths
from stockade.openapi.check_security import check_security
from stockade.openapi.document import Document
from stockade.openapi.grammar.version3 import METHODS
from stockade.openapi.merge_paths import merge_paths
from stockade.openapi.places import Places
from stockade.openapi.pointers import Tokens
from stockade.openapi.report import Report

Json: TypeAlias = dict[str, Any]


def check(document: Json, report: Report, places: Places, broken: set[Tokens]) -> None:
    """Report what is wrong. Path parameters that do not say so are made required, which is what they are."""
    whole = Document(document, report, places, broken)
    places.moved(merge_paths(whole))
    _check_operation_ids(whole)
    check_paths(whole)
    check_parameters(whole)
    check_security(whole)
    check_cycles(whole)
    _remark_on_outgoing(whole)


def _check_operation_ids(whole: Document) -> None:
    seen: dict[str, Tokens] = {}
    for place, operation in whole.operations():
        name = operation.get("operationId")
        if not name:
            continue
        if name in seen:
            line = whole.places.where((*seen[name], "operationId"))
            whole.problem(
                (*place, "operationId"), f"operationId {name[:60]!r} is taken ({line[0]}:{line[1]}): rename one"
            )
        seen.setdefault(name, place)


def _remark_on_outgoing(whole: Document) -> None:
    """Requests that the API makes, which do not pass here."""
    if whole.document.get("webhooks"):
        whole.remark(("webhooks",), "webhooks are requests that the API makes: they are not checked")
    number, first = 0, None
    for path, item in whole.items():
        for method in METHODS:
            if item.get(method, {}).get("callbacks"):
                number, first = number + 1, first or ("paths", path, method, "callbacks")
    if first is not None:
        whole.remark(first, f"callbacks (of {number} operations) are requests that the API makes: they are not checked")
