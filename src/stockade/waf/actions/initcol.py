"""initcol: open a persistent collection for the rest of the transaction.

    initcol:ip=%{REMOTE_ADDR}          its variables are then IP:name, and setvar:ip.name=… changes them
    initcol:global=global   initcol:session=…   initcol:user=…   initcol:resource=…

Whose record it is, the key says. A record that is not used for SecCollectionTimeout seconds (3,600) is forgotten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from stockade.seclang import parse_text
from stockade.waf.macros import Expand, expander

if TYPE_CHECKING:
    from stockade.waf.transaction import Transaction

PERSISTENT = ("ip", "global", "session", "user", "resource")


class InitCol(Struct, frozen=True):
    collection: str
    key: Expand

    def run(self, transaction: Transaction) -> None:
        transaction.open_collection(self.collection, self.key(transaction))


def parse_initcol(argument: str) -> InitCol:
    """Raises ValueError."""
    collection, equals, key = argument.partition("=")
    collection = collection.strip().lower()
    if not equals or collection not in PERSISTENT:
        raise ValueError(f"initcol needs COLLECTION=KEY, the collection one of {', '.join(PERSISTENT)}")
    return InitCol(collection, expander(parse_text(key.strip())))
