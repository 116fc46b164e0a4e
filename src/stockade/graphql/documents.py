"""A document once: parsed, bounded, validated, measured, and then kept by its digest as a few numbers and functions.

The same few documents come again and again, with other variables; who sends one that is known pays for a look-up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, TypeAlias

from graphql import GraphQLError, parse
from graphql.language import DocumentNode, FragmentDefinitionNode, OperationDefinitionNode
from msgspec import Struct

from stockade.graphql.costs import Cost
from stockade.graphql.faults import Fault, Refused, refused
from stockade.graphql.limits import Limits
from stockade.graphql.measuring import Measure, Measuring, Rules, at
from stockade.graphql.scanning import scan
from stockade.graphql.schema import Schema
from stockade.graphql.texts import Text, literals
from stockade.graphql.validating import invalidity
from stockade.graphql.variables import Checks, Variables


class Operation(Struct, frozen=True):
    """One operation of a document. kind: query, mutation, subscription. name: the client's, perhaps empty.

    scopes: all that its fields need; guarded: the fields that need them. roots: how often it has each outermost field.
    """

    kind: str
    name: str
    variables: Variables
    cost: Cost
    fragments: tuple[tuple[str, Cost], ...]  # whose costs vary, each after those that it needs
    scopes: frozenset[str]
    guarded: tuple[str, ...]
    roots: dict[str, int]

    def total(self, given: Mapping[str, Any]) -> int:
        """What it costs with these variables, which must have passed `variables.faults`."""
        if not self.cost.varies:
            return self.cost.fixed
        complete = self.variables.complete(given)
        fragments: dict[str, int] = {}
        for name, cost in self.fragments:
            fragments[name] = cost.total(complete, fragments)
        return self.cost.total(complete, fragments)


class Document(Struct, frozen=True):
    """operations: by name, "" where it has none. texts: the literals that stand in it."""

    digest: str  # SHA-256 of the text in UTF-8, lower-case hex
    operations: dict[str, Operation]
    texts: tuple[Text, ...]

    def operation(self, name: str | None) -> Operation:
        """The operation that a server would run. Raises Refused where servers could differ."""
        if name:
            found = self.operations.get(name)
            if found is None:
                raise refused("operation-name", "The document has no such operation.", pointer="/operationName")
            return found
        if len(self.operations) > 1:
            text = "The document has several operations: operationName must say which."
            raise refused("operation-name", text, pointer="/operationName")
        return next(iter(self.operations.values()))


class Compiler:
    """From text to Document, within limits and against a schema."""

    def __init__(self, schema: Schema, rules: Rules, limits: Limits, *, introspection: bool) -> None:
        self._schema = schema
        self._rules = rules
        self._limits = limits
        self._introspection = introspection
        self._checks = Checks(schema)

    def compile(self, text: str, digest: str) -> Document:
        """Raises Refused with all that is wrong, as far as it could be looked at."""
        scan(text, self._limits)
        document = _parse(text)
        operations, fragments = _definitions(document)
        measuring = Measuring(self._schema, self._rules, fragments)
        measures = [measuring.operation(node) for node in operations]
        faults = [fault for measure in measures for fault in self._excesses(measure)]
        if faults:
            raise Refused(dict.fromkeys(faults))
        self._validate(document)
        varying = tuple(measuring.varying.items())
        pairs = zip(operations, measures, strict=True)
        made = [self._operation(node, measure, varying) for node, measure in pairs]
        return Document(digest, {operation.name: operation for operation in made}, literals(document))

    def _excesses(self, measure: Measure) -> Iterable[Fault]:
        limits = self._limits
        counts = (
            ("depth", measure.depth, limits.depth, "Fields may stand {} deep at most."),
            ("fields", measure.fields, limits.fields, "There may be {} fields at most, those of fragments included."),
            ("aliases", measure.aliases, limits.aliases, "There may be {} aliases at most."),
            ("directives", measure.directives, limits.directives, "There may be {} directives at most."),
            ("roots", measure.roots.total(), limits.roots, "An operation may have {} outermost fields at most."),
        )
        for rule, count, most, message in counts:
            if count > most:
                yield Fault(rule, message.format(most))
        if not measure.cost.varies and measure.cost.fixed > limits.complexity:
            yield too_complex(limits)
        if measure.telling is not None and not self._introspection:
            yield at(measure.telling, "introspection", "Introspection is off.")

    def _validate(self, document: DocumentNode) -> None:
        faults = invalidity(self._schema.types, document, self._limits.errors, open_schema=self._introspection)
        if faults:
            raise Refused(faults)

    def _operation(
        self, node: OperationDefinitionNode, measure: Measure, varying: tuple[tuple[str, Cost], ...]
    ) -> Operation:
        return Operation(
            kind=node.operation.value,
            name=node.name.value if node.name is not None else "",
            variables=self._checks.variables(node),
            cost=measure.cost,
            fragments=varying if measure.cost.varies else (),
            scopes=measure.scopes,
            guarded=tuple(sorted(measure.guarded)),
            roots=dict(measure.roots),
        )


def too_complex(limits: Limits) -> Fault:
    return Fault("complexity", f"A request may cost {limits.complexity} at most; ask for less at once.")


def _parse(text: str) -> DocumentNode:
    try:
        return parse(text)
    except GraphQLError as error:
        place = error.locations[0] if error.locations else None
        fault = Fault("syntax", error.message[:256], place.line if place else 0, place.column if place else 0)
        raise Refused((fault,)) from None


def _definitions(document: DocumentNode) -> tuple[list[OperationDefinitionNode], list[FragmentDefinitionNode]]:
    operations: list[OperationDefinitionNode] = []
    fragments: list[FragmentDefinitionNode] = []
    names: set[str] = set()
    for node in document.definitions:
        if isinstance(node, FragmentDefinitionNode):
            fragments.append(node)
            continue
        if not isinstance(node, OperationDefinitionNode):
            raise Refused((at(node, "syntax", "Only operations and fragments may stand here."),))
        name = node.name.value if node.name is not None else ""
        if name in names or (operations and (not name or "" in names)):
            raise Refused((at(node, "operation-name", "Of several operations each has a name of its own."),))
        names.add(name)
        operations.append(node)
    if not operations:
        raise refused("operation-name", "The document has no operation.")
    return operations, fragments


Result: TypeAlias = "Document | Refused"


class Documents:
    """Documents and refusals by the digest of their text. `pinned` ones stay, of the others the recent ones.

    A document lives in two generations: when the young are many they become the old, and what nobody asked for in the
    meantime is gone. Refusals have a place of their own, so that garbage drives out nothing but garbage.
    """

    def __init__(self, compiler: Compiler, most: int = 1000) -> None:
        self._compiler = compiler
        self._most = most
        self.pinned: dict[str, Document] = {}
        self._young: dict[str, Result] = {}
        self._old: dict[str, Result] = {}
        self._bad: dict[str, Refused] = {}

    def pin(self, text: str) -> Document:
        """Compile and never forget. Raises Refused."""
        digest = digest_of(text)
        document = self.pinned[digest] = self._compiler.compile(text, digest)
        return document

    def known(self, digest: str) -> Document | None:
        """The document of that digest, if it passed before and is still known."""
        found = self.pinned.get(digest) or self._young.get(digest) or self._old.get(digest)
        return found if isinstance(found, Document) else None

    def of(self, text: str, digest: str) -> Document:
        """The document of a text whose digest this is. Raises Refused."""
        found = self.pinned.get(digest) or self._young.get(digest)
        if found is None:
            found = self._old.pop(digest, None) or self._bad.get(digest) or self._compiled(text, digest)
            self._keep(digest, found)
        if isinstance(found, Refused):
            raise Refused(found.faults, found.status)
        return found

    def _compiled(self, text: str, digest: str) -> Result:
        try:
            return self._compiler.compile(text, digest)
        except Refused as error:
            return Refused(error.faults, error.status)  # without the frames that the raised one holds

    def _keep(self, digest: str, result: Result) -> None:
        if isinstance(result, Refused):
            if len(self._bad) >= self._most:
                self._bad.clear()
            self._bad[digest] = result
            return
        if len(self._young) >= self._most:
            self._old, self._young = self._young, {}
        self._young[digest] = result


def digest_of(text: str) -> str:
    """SHA-256 of the text in UTF-8, lower-case hex. Raises Refused on half a surrogate pair."""
    try:
        return sha256(text.encode()).hexdigest()
    except UnicodeEncodeError:
        raise refused("syntax", "The document holds half a surrogate pair.") from None
