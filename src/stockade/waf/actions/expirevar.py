"""expirevar: let a variable of a persistent collection end after so many seconds.

    expirevar:ip.blocked=600

In tx it has no effect: the transaction is over sooner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from stockade.seclang import parse_text
from stockade.waf.actions.initcol import PERSISTENT
from stockade.waf.actions.setvar import number
from stockade.waf.macros import Expand, expander

if TYPE_CHECKING:
    from stockade.waf.transaction import Transaction


class ExpireVar(Struct, frozen=True):
    collection: str
    name: Expand
    seconds: Expand

    def run(self, transaction: Transaction) -> None:
        name = self.name(transaction).decode("utf-8", "surrogateescape").lower()
        transaction.expire(self.collection, name, number(self.seconds(transaction)))


def parse_expirevar(argument: str) -> ExpireVar:
    """Raises ValueError."""
    left, equals, seconds = argument.partition("=")
    collection, dot, name = left.strip().partition(".")
    if not equals or not dot or collection.lower() not in (*PERSISTENT, "tx"):
        raise ValueError("expirevar needs COLLECTION.NAME=SECONDS")
    return ExpireVar(collection.lower(), expander(parse_text(name)), expander(parse_text(seconds.strip())))
