"""What an inspection found."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from stockade.seclang import Place
from stockade.secret_names import withheld

Decision = Literal["allow", "deny", "redirect", "drop"]


class Match(Struct, frozen=True, gc=False):
    """A rule that matched, and the last value on which it did."""

    rule: int
    place: Place
    variable: str  # e.g. "ARGS:comment"
    value: bytes  # as the operator saw it; see `masked`
    offset: int  # of the match in `value`
    length: int
    message: str = ""
    logdata: str = ""
    tags: tuple[str, ...] = ()
    severity: str = ""  # "CRITICAL", …; empty where the rule has none
    version: str = ""
    secret: bool = False  # whether the value must not be shown at all; `message`, `logdata` and `tags` do not

    @property
    def masked(self) -> str:
        """A few bytes around the match, the rest withheld; of what is secret, the length alone."""
        if self.secret:
            return withheld(self.value)
        start, end = max(0, self.offset - 4), min(self.offset + max(self.length, 1) + 4, self.offset + 48)
        shown = self.value[start:end].decode("utf-8", "replace")
        text = "".join(letter if letter.isprintable() else "�" for letter in shown)
        return f"{'…' if start else ''}{text}{'…' if end < len(self.value) else ''}"


class Inspection(Struct, frozen=True):
    """`rules`: the ids of the rules that matched and log (`nolog` ones do not), in the order in which they did."""

    rules: tuple[int, ...] = ()
    matches: tuple[Match, ...] = ()
    score: int = 0
    action: Decision = "allow"
    status: int = 200  # to answer with, where `action` is not "allow"
    redirect: str = ""  # where to, where `action` is "redirect"
    decided_by: int = 0  # id of the rule that decided so
