"""The endpoint of an API: from an HTTP request to what it would run, or to why it must not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from stockade.graphql.documents import Compiler, Document, Documents, Operation, digest_of, too_complex
from stockade.graphql.faults import NOT_FOUND, Refused, refused
from stockade.graphql.limits import Limits
from stockade.graphql.measuring import Rules
from stockade.graphql.names import Names
from stockade.graphql.persisted import BadDocuments
from stockade.graphql.requests import PARTS, Asked, Message, media_type, read_get, read_post, read_value
from stockade.graphql.schema import Schema
from stockade.graphql.texts import Text, values
from stockade.graphql.uploads import Part, read_uploads

ReadParts: TypeAlias = Callable[[bytes, str], Iterable[Part]]
"""From a multipart body and its content type to its parts. Raises Refused."""


class Settings(Struct, frozen=True):
    """What may pass. get: queries may come by GET. only: nothing but persisted documents. known: names of operations.

    parts: reads multipart bodies, where files may be sent.
    """

    limits: Limits = Limits()
    introspection: bool = False
    get: bool = True
    only: bool = False
    known: frozenset[str] = frozenset()
    parts: ReadParts | None = None


class Checked(Struct, frozen=True, gc=False):
    """One operation that may run. total: what it costs with these variables."""

    document: Document
    operation: Operation
    variables: Mapping[str, Any]
    extensions: Mapping[str, Any]
    total: int
    pointer: str

    def texts(self) -> tuple[Text, ...]:
        """Every text that the client chose: literals of the document, and what its variables and extensions hold."""
        found = list(self.document.texts)
        if self.variables:
            found += values(self.variables, "variables")
        if self.extensions:
            found += values(self.extensions, "extensions")
        return tuple(found)


class Endpoint:
    """Checks the requests of one endpoint. persisted: documents by id. Raises BadDocuments where one cannot pass.

    files: where the operator has the documents of these ids, for the error.
    """

    def __init__(
        self,
        schema: Schema,
        rules: Rules,
        settings: Settings,
        persisted: Mapping[str, str] | None = None,
        files: Mapping[str, str] | None = None,
    ) -> None:
        self.settings = settings
        self._documents = Documents(Compiler(schema, rules, settings.limits, introspection=settings.introspection))
        self._names = Names(settings.known, has_schema=schema.types is not None)
        self._persisted = _pinned(self._documents, persisted or {}, files or {})

    def check(self, message: Message) -> tuple[Checked, ...]:
        """What the request would run. Raises Refused with all that is wrong with the first part of it that is."""
        asked = self._read(message)
        checked = tuple(self._check(each, message.method) for each in asked)
        self._count_repeats(checked)
        if sum(each.total for each in checked) > self.settings.limits.complexity:
            raise Refused((too_complex(self.settings.limits),))
        return checked

    def name(self, checked: tuple[Checked, ...]) -> str:
        """What the request is called in limits and logs; see `Names`."""
        pinned = self._documents.pinned
        return self._names.together(
            [self._names.of(each.operation, trusted=each.document.digest in pinned) for each in checked]
        )

    @property
    def methods(self) -> tuple[str, ...]:
        return ("GET", "HEAD", "POST") if self.settings.get else ("POST",)

    def _read(self, message: Message) -> tuple[Asked, ...]:
        settings = self.settings
        if message.method not in self.methods:
            raise refused("method", "This method is not GraphQL's.", 405)
        if message.method != "POST":
            return read_get(message, settings.limits.values)
        if settings.parts is None or media_type(message.content_type) != PARTS:
            return read_post(message, settings.limits.values, settings.limits.batch)
        parts = settings.parts(message.body, message.content_type)
        return read_value(read_uploads(parts, settings.limits.values), settings.limits.batch)

    def _check(self, asked: Asked, method: str) -> Checked:
        try:
            return self._check_one(asked, method)
        except Refused as error:
            if asked.pointer:
                raise error.within(asked.pointer) from None
            raise

    def _check_one(self, asked: Asked, method: str) -> Checked:
        document = self._document(asked)
        operation = document.operation(asked.operation)
        if method != "POST" and operation.kind != "query":
            raise refused("method", "By GET there are only queries.", 405)
        faults = operation.variables.faults(asked.variables)
        if faults:
            raise Refused(faults)
        total = operation.total(asked.variables)
        if total > self.settings.limits.complexity:
            raise Refused((too_complex(self.settings.limits),))
        return Checked(document, operation, asked.variables, asked.extensions, total, asked.pointer)

    def _document(self, asked: Asked) -> Document:
        if asked.id is not None:
            known = self._persisted.get(asked.id)
            if asked.text is None:
                # Who sent the text before had it checked: that is what the id of automatic persisted queries is for.
                known = known or (None if self.settings.only else self._documents.known(asked.id))
                if known is None:
                    raise refused("unknown-document", NOT_FOUND, 404)
                return known
            if (known.digest if known is not None else asked.id) != digest_of(asked.text):
                raise refused("ambiguous", "The id is another document's than the query.", pointer="/extensions")
        assert asked.text is not None
        digest = digest_of(asked.text)
        if self.settings.only and digest not in self._documents.pinned:
            raise refused("not-persisted", "Only documents that are known beforehand may be run.", 403)
        return self._documents.of(asked.text, digest)

    def _count_repeats(self, checked: tuple[Checked, ...]) -> None:
        """A mutation that is tried again and again within one request would go round limits of requests."""
        most = self.settings.limits.repeats
        if most_calls(each for each in checked if each.operation.kind == "mutation") > most:
            raise refused("repeats", f"A request may call one mutation {most} time(s) at most.")


def most_calls(checked: Iterable[Checked]) -> int:
    """How often the field is called that is called most often, of the outermost ones; 1 at least."""
    counts = Counter[str]()
    for each in checked:
        counts.update(each.operation.roots)
    counts.pop("__typename", None)
    return max(counts.values(), default=1)


def _pinned(documents: Documents, persisted: Mapping[str, str], files: Mapping[str, str]) -> dict[str, Document]:
    found, problems = {}, []
    for name, text in persisted.items():
        try:
            found[name] = documents.pin(text)
        except Refused as error:
            fault = error.faults[0]
            where = files.get(name, f"the document {name[:16]}") + (f":{fault.line}" if fault.line else "")
            problems.append(f"{where} would never pass: {error}")
    if problems:
        raise BadDocuments(*dict.fromkeys(problems))
    return found
