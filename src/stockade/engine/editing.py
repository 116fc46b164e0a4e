"""The edits that several controls made of one message, as one."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from stockade.vocabulary import Edits
from stockade.wire import Headers, Response


def joined(edits: Iterable[Edits]) -> Edits:
    """All of them as one: what a later one says of a name holds."""
    sets: tuple[tuple[str, str], ...] = ()
    removes: tuple[str, ...] = ()
    replacement: Response | None = None
    body: bytes | None = None
    for edit in edits:
        if sets:
            changed = {*(name for name, _ in edit.set), *edit.remove}
            sets = tuple(pair for pair in sets if pair[0] not in changed)
        sets += edit.set
        removes += edit.remove
        replacement = replacement or edit.replace
        body = edit.body if edit.body is not None else body
    return Edits(sets, removes, replacement, body)


def merged(edits: list[Edits]) -> Edits:
    """All of them as one. What one control sends instead carries what the others have set."""
    if len(edits) == 1:
        return edits[0]
    one = joined(edits)
    return one if one.replace is None else replace(one, replace=with_headers(one.replace, one.set))


def with_headers(response: Response, extra: tuple[tuple[str, str], ...]) -> Response:
    present = response.headers.names()
    pairs = [*response.headers, *(pair for pair in extra if pair[0] not in present)]
    return replace(response, headers=Headers.of(pairs))
