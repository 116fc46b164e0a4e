"""What an operation is called in limits, logs and metrics: of few values, whatever clients write.

A client's own name counts only where the operator knows it. Else whoever is held back by the limit of `mutation login`
would call the same thing something new each time; so the field that is asked for gives the name.
"""

from __future__ import annotations

from collections.abc import Iterable

from stockade.graphql.documents import Operation

_MOST_GUESSED = 500  # without a schema anything may be called a field


class Names:
    """known: the names of operations that the operator trusts. has_schema: whether fields are among a finite number.

    Of them the names of persisted documents are trusted only with the document that has them.
    """

    def __init__(self, known: Iterable[str] = (), *, has_schema: bool) -> None:
        self._known = frozenset(known)
        self._has_schema = has_schema
        self._guessed: set[str] = set()

    def of(self, operation: Operation, *, trusted: bool) -> str:
        """ "query Orders" of a trusted one; else "mutation login", or "query {several}" of more than one field."""
        kind, name = operation.kind, operation.name
        if name and (trusted or name in self._known):
            return f"{kind} {name}"
        fields = operation.roots.keys() - {"__typename"}
        if len(fields) != 1:
            return f"{kind} {{several}}" if fields else f"{kind} __typename"
        return self._bounded(f"{kind} {next(iter(fields))}", kind)

    def together(self, names: list[str]) -> str:
        """What a batch is called."""
        return names[0] if len(set(names)) == 1 else "{batch}"

    def _bounded(self, name: str, kind: str) -> str:
        if self._has_schema or name in self._guessed:
            return name
        if len(self._guessed) >= _MOST_GUESSED:
            return f"{kind} {{other}}"
        self._guessed.add(name)
        return name
