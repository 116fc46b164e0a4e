"""Where things of the finished document were written, however often they were moved on their way."""

from __future__ import annotations

from stockade.openapi.pointers import Tokens
from stockade.openapi.sources import Source


class Places:
    """From places in the document to files and lines.

    What is not registered stands where it stands in what is around it.
    """

    def __init__(self, root: Source) -> None:
        self._origins: dict[Tokens, tuple[Source, Tokens]] = {(): (root, ())}
        self._moves: list[dict[Tokens, Tokens]] = []

    def came_from(self, tokens: Tokens, source: Source, there: Tokens) -> None:
        """What is at `tokens` of the bundle was read from a file."""
        self._origins[tokens] = (source, there)

    def moved(self, moves: dict[Tokens, Tokens]) -> None:
        """The document was rebuilt: from each new place to the one before."""
        self._moves.append(moves)

    def where(self, tokens: Tokens) -> tuple[str, int]:
        """File and line (from 1)."""
        for moves in reversed(self._moves):
            tokens = _translate(moves, tokens)
        for length in range(len(tokens), -1, -1):
            origin = self._origins.get(tokens[:length])
            if origin is not None:
                source, there = origin
                return source.file, source.line((*there, *tokens[length:]))
        raise AssertionError("the root has an origin")


def _translate(moves: dict[Tokens, Tokens], tokens: Tokens) -> Tokens:
    for length in range(len(tokens), -1, -1):
        before = moves.get(tokens[:length])
        if before is not None:
            return (*before, *tokens[length:])
    return tokens
