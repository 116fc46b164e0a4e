"""The syntax tree of SecLang: what a rule file says, in order, each part with its place.

Names are canonical (lower case, aliases resolved, but variables upper case); texts may hold macros. Nothing is
evaluated and nothing is applied here: that SecRuleRemoveById takes a rule away is the reader's business (`waf`).
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct


class Place(Struct, frozen=True, gc=False):
    """Where something is written; lines count from 1, and 0 is for what concerns no line."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class Macro(Struct, frozen=True, gc=False):
    """`%{tx.score}`: a variable to be put in when the text is used."""

    collection: str  # upper case: "TX", "REQUEST_HEADERS", "UNIQUE_ID"
    key: str = ""  # as written; empty for a variable without keys


Text: TypeAlias = tuple[str | Macro, ...]
"""Literal parts and macros by turns. No part is empty, so the empty text is ()."""


class Target(Struct, frozen=True, gc=False):
    """One entry of a rule's list of variables: `ARGS`, `!ARGS:x`, `&ARGS`, `ARGS:/^x/`, `XML://@*`."""

    collection: str  # upper case
    key: str | None = None  # as written, without quotes
    pattern: str | None = None  # the regular expression between slashes, in place of `key`
    counted: bool = False  # &
    excluded: bool = False  # !


class Operator(Struct, frozen=True, gc=False):
    name: str  # lower case, without @: "rx" where none is written
    argument: Text = ()
    negated: bool = False


class Action(Struct, frozen=True, gc=False):
    """`setvar:'tx.a=+1'` is Action("setvar", "tx.a=+1"). Quotes are gone, macros are not yet read."""

    name: str  # lower case
    argument: str | None = None


class Rule(Struct, frozen=True, gc=False):
    """SecRule, or SecAction, which has no operator and no targets. `links` are the rules chained to it, in order."""

    place: Place
    targets: tuple[Target, ...]
    operator: Operator | None
    actions: tuple[Action, ...]
    links: tuple[Rule, ...] = ()
    id: int = 0  # 0 in a link, and where none is given

    def all(self, name: str) -> list[str]:
        """The arguments of every action of that name; "" for one without."""
        return [action.argument or "" for action in self.actions if action.name == name]


class Marker(Struct, frozen=True, gc=False):
    """SecMarker: where `skipAfter` leads."""

    place: Place
    name: str


class Directive(Struct, frozen=True, gc=False):
    """Every other directive, its name canonical ("SecRuleEngine"), its arguments unquoted and checked by the table."""

    place: Place
    name: str
    arguments: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()  # SecDefaultAction, SecRuleUpdateActionById
    targets: tuple[Target, ...] = ()  # SecRuleUpdateTargetBy…


Statement: TypeAlias = Rule | Marker | Directive
