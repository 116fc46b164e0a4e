"""`Contract`: all operations of a description, compiled once, found by method and path.

contract = Contract.compile(description.document, strict=True)
found = contract.match("POST", "/orders")
if isinstance(found, Match):
    faults = found.check_head(query, headers) or found.operation.check_body(content_type, body)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from msgspec import Struct

from stockade.openapi.compiling import Compiler, Trouble
from stockade.openapi.faults import Fault
from stockade.openapi.operations import Operation
from stockade.openapi.paths import PathTable
from stockade.operations import OVERRIDES
from stockade.payloads import Limits
from stockade.wire import Headers

_DEFAULT = Limits()


class BadContract(Exception):
    """A description that cannot be enforced: every reason, each with its JSON pointer into the document."""

    def __init__(self, troubles: Iterable[Trouble]) -> None:
        self.troubles = tuple(troubles)
        super().__init__("; ".join(f"{trouble.pointer}: {trouble.text}" for trouble in self.troubles))


class Match(Struct, frozen=True, gc=False):
    """The operation of a request. `captured` are the parameters of its path, as sent."""

    operation: Operation
    captured: tuple[str, ...]

    def check_head(self, query: str, headers: Headers) -> tuple[Fault, ...]:
        return self.operation.check_head(self.captured, query, headers)


class UnknownPath(Struct, frozen=True, gc=False):
    """No path of the description fits."""


class WrongMethod(Struct, frozen=True, gc=False):
    """The path is known, but not with this method. allow: the value of an Allow field (RFC 9110, section 10.2.1)."""

    allow: str


Outcome: TypeAlias = Match | UnknownPath | WrongMethod
UNKNOWN_PATH = UnknownPath()


class Contract:
    """partial: what the description asks for and is not enforced, as (JSON pointer, text)."""

    def __init__(self, operations: Iterable[tuple[Operation, str]], partial: Iterable[Trouble] = ()) -> None:
        """operations: each with the path that it is found under. Raises BadTemplate."""
        self._table: PathTable[Operation] = PathTable()
        kept = []
        for operation, template in operations:
            self._table.add(operation.method, template, operation)
            kept.append(operation)
        self.operations = tuple(kept)
        self.partial = tuple(sorted(partial))

    @classmethod
    def compile(
        cls,
        document: dict[str, Any],
        *,
        strict: bool = False,
        limits: Limits = _DEFAULT,
        refused_headers: Iterable[str] = OVERRIDES,
    ) -> Contract:
        """document: one OpenAPI 3.1 document whose references are local. refused_headers: where `strict`.

        Raises BadContract.
        """
        compiler = Compiler(document, strict=strict, limits=limits, refused_headers=refused_headers)
        operations = compiler.operations()
        if compiler.troubles:
            raise BadContract(sorted(compiler.troubles))
        return cls(operations, compiler.partial())

    def match(self, method: str, path: str) -> Outcome:
        """path: normal, absolute, without query (`stockade.wire.parse_target`). HEAD goes where GET does."""
        found = self._table.find(method, path)
        if found is None and method == "HEAD":
            found = self._table.find("GET", path)
        if found is not None:
            return Match(found.value, found.captured)
        methods = self._table.methods(path)
        if not methods:
            return UNKNOWN_PATH
        return WrongMethod(", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods)))
