"""setvar: create, change or delete a variable.

    setvar:tx.seen                set to 1
    setvar:tx.score=5             set; macros are expanded: setvar:'tx.name_%{tx.0}=%{matched_var}'
    setvar:tx.score=+5            add; what is no number counts as 0
    setvar:tx.score=-%{tx.less}   subtract
    setvar:!tx.seen               delete

Collections: tx (this transaction), and ip, global, session, user, resource, which last (see initcol). Runs for every
value that the rule matches, also where a later link of the chain does not match.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from stockade.seclang import Macro, Text, parse_text
from stockade.waf.macros import Expand, expander, macros_of

if TYPE_CHECKING:
    from stockade.waf.transaction import Transaction

_COLLECTIONS = frozenset({"tx", "ip", "global", "session", "user", "resource", "env"})
_INTEGER = re.compile(rb"[ \t\n\v\f\r]*([+-]?[0-9]+)")
_MOST_DIGITS = 18


def number(text: bytes) -> int:
    """As strtol reads it: the digits at the beginning; 0 where there are none."""
    found = _INTEGER.match(text)
    return int(found[1][: _MOST_DIGITS + 1]) if found else 0


class SetVar(Struct, frozen=True):
    collection: str  # lower case
    name: Text
    change: Literal["=", "+", "-", "!"]
    value: Text
    expand_name: Expand
    expand_value: Expand

    @property
    def reads(self) -> list[Macro]:
        return [*macros_of(self.name), *macros_of(self.value)]

    @property
    def prefix(self) -> tuple[str, bool]:
        """The name, lower case, up to its first macro, and whether that is all of it."""
        first = self.name[0] if self.name else ""
        return (first.lower() if isinstance(first, str) else ""), len(self.name) == 1 and isinstance(first, str)

    def run(self, transaction: Transaction) -> None:
        variables = transaction.variables(self.collection)
        if variables is None:  # a persistent collection that was not initialized
            return
        name = self.expand_name(transaction).decode("utf-8", "surrogateescape").lower()
        if self.change == "!":
            variables.pop(name, None)
            return
        value = self.expand_value(transaction)
        if self.change == "=":
            variables[name] = value
        else:
            amount = number(value)
            before = number(variables.get(name, b""))
            variables[name] = b"%d" % (before + amount if self.change == "+" else before - amount)


def parse_setvar(argument: str) -> SetVar:
    """Raises ValueError."""
    text = argument.strip()
    delete = text.startswith("!")
    left, equals, right = text.removeprefix("!").partition("=")
    collection, dot, name = left.partition(".")
    if not dot:
        collection, dot, name = left.partition(":")
    if not dot or not name or collection.lower() not in _COLLECTIONS:
        raise ValueError(f"setvar needs COLLECTION.NAME, the collection one of {', '.join(sorted(_COLLECTIONS))}")
    change: Literal["=", "+", "-", "!"] = "!" if delete else "="
    if not delete and right[:1] in ("+", "-"):
        change = "+" if right[0] == "+" else "-"
        right = right[1:]
    parsed, value = parse_text(name), parse_text(right if equals else "1")
    return SetVar(collection.lower(), parsed, change, value, expander(parsed), expander(value))
