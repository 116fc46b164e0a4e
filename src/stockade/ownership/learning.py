"""When what was learned is certain enough to refuse by, and how large a table is."""

from __future__ import annotations

from typing import NamedTuple

from stockade.ownership._edges import Edges, size_of

MINE, UNKNOWN = -1, 0  # of what `Edges.find` says
_SET = 5  # entries
_FULL = 0.75  # of the room, when it has what was asked for; up to there next to nothing gives way


class Confidence(NamedTuple):
    """When what was learned is certain enough to refuse by.

    after: seconds since the first handing. owners: principals that used what is theirs, at least. others: principals
    that were found at what is not theirs, at most, as a share of those. All zero: at once.
    """

    after: float = 86400.0
    owners: int = 20
    others: float = 0.05


def is_confident(edges: Edges, kind: str, wanted: Confidence, at: float) -> bool:
    if not wanted.after and not wanted.owners:
        return True
    since, owners, others = edges.learned(kind)
    return bool(since) and at - since >= wanted.after and owners >= wanted.owners and others <= wanted.others * owners


def table_size(objects: int) -> int:
    """Bytes of a table for that many objects with one owner each: 34 apiece."""
    return size_of(max(16, int(objects / (_SET * _FULL)) + 1))
