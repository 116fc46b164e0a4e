"""setuid, setsid, setrsc: say who the user, the session or the resource is, and open its collection.

setsid:%{REQUEST_COOKIES.PHPSESSID}     SESSIONID is set, and SESSION is open
setuid:%{ARGS.username}                 USERID and USER
setrsc:%{REQUEST_FILENAME}              RESOURCE
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from stockade.seclang import parse_text
from stockade.waf.macros import Expand, expander

if TYPE_CHECKING:
    from stockade.waf.transaction import Transaction

_WHAT = {"setuid": ("user", "USERID"), "setsid": ("session", "SESSIONID"), "setrsc": ("resource", "RESOURCE")}


class SetId(Struct, frozen=True):
    collection: str
    variable: str
    key: Expand

    def run(self, transaction: Transaction) -> None:
        key = self.key(transaction)
        transaction.values[self.variable] = [(b"", key)]
        transaction.open_collection(self.collection, key)


def parse_setid(name: str, argument: str) -> SetId:
    collection, variable = _WHAT[name]
    return SetId(collection, variable, expander(parse_text(argument)))
