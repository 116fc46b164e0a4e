"""What is wrong with a GraphQL request, in words that are fit for whoever sent it.

Nothing of the schema stands in them but what the client wrote itself: no suggestions, no types that it did not name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace


class Fault(Struct, frozen=True, gc=False):
    """One fault. rule: stable name, "depth". line, column: in the document, from 1; 0 where there is none.

    pointer: into the request (RFC 6901), "/variables/id".
    """

    rule: str
    message: str
    line: int = 0
    column: int = 0
    pointer: str = ""

    def error(self) -> dict[str, Any]:
        """The fault as an error of a GraphQL response (GraphQL, September 2025, section 7.1.7)."""
        told: dict[str, Any] = {"message": self.message}
        if self.line:
            told["locations"] = [{"line": self.line, "column": self.column}]
        extensions = {"code": _CODES.get(self.rule) or self.rule.upper().replace("-", "_")}
        if self.pointer:
            extensions["pointer"] = self.pointer[:_LONGEST]
        return {**told, "extensions": extensions}


_LONGEST = 256  # of a pointer, which may be made of names that clients chose
# The code and message by which clients of automatic persisted queries know that they must send the text.
_CODES = {"unknown-document": "PERSISTED_QUERY_NOT_FOUND"}
NOT_FOUND = "PersistedQueryNotFound"


class Refused(Exception):
    """A request that must not pass: `faults`, at least one, and the HTTP status (RFC 9110) that fits them."""

    def __init__(self, faults: Iterable[Fault], status: int = 400) -> None:
        self.faults = tuple(faults)
        self.status = status
        super().__init__("; ".join(fault.message for fault in self.faults))

    def within(self, pointer: str) -> Refused:
        """The same, of one request of a batch."""
        return Refused((replace(fault, pointer=pointer + fault.pointer) for fault in self.faults), self.status)


def refused(rule: str, message: str, status: int = 400, *, pointer: str = "") -> Refused:
    """A refusal for one reason."""
    return Refused((Fault(rule, message, pointer=pointer),), status)
