"""Questions of objects: whose they are, and that they changed hands."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from stockade.ownership import Confidence
from stockade.vocabulary.asks.question import Ask

Exclusive: TypeAlias = Literal["never", "confident", "always"]


class Owned(NamedTuple):
    """What is known of each id that was asked for, and whether it is certain enough to refuse by, where it matters.

    found: -1 it is the asker's, 0 nobody was ever given it, else to how many others it was given.
    """

    found: tuple[int, ...]
    confident: bool


class FindOwners(Ask[Owned], frozen=True, gc=False):
    """Whose objects are. kind: of objects, with their API. names: of the asker, the first being its own. keep: seconds
    that what was learned lasts."""

    kind: str
    ids: tuple[str, ...]
    names: tuple[str, ...]
    at: float
    keep: float
    wanted: Confidence


class Teach(Ask[tuple[str, ...]], frozen=True, gc=False):
    """Objects were handed to names, or taken away. The reply: ids that are another's, and so were not taught.

    how: hold (also theirs), move (theirs alone), drop (no longer theirs), forget (nobody's).
    """

    kind: str
    ids: tuple[str, ...]
    names: tuple[str, ...]
    at: float
    keep: float
    how: Literal["hold", "move", "drop", "forget"]
    source: str
    exclusive: Exclusive = "never"  # when to hold only what is not another's already
    wanted: Confidence = Confidence()
