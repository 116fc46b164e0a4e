"""What something else has proved of a request's arguments: that no injection can be in them.

An API's description says that `page` is an integer and `items/*/sku` a word; whoever has checked a request against it
need not look there for injections. Names are still looked at, and so is every argument that is not named here.

Arguments of JSON are flattened, so that {"a.b": 1} and {"a": {"b": 1}} give the same name. A body in which a key could
be taken for several is not proved anything of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_INDEX = re.compile(rb"\.array_[0-9]+(?=\.|\Z)")
_AMBIGUOUS = re.compile(rb'"(?:[^"]*[.\\][^"]*|array_[^"]*|empty-key|)"[ \t\r\n]*:')
_MOST_REMEMBERED = 4096
_LONGEST_REMEMBERED = 256


class Proofs:
    """query: names of parameters. json: JSON pointers (RFC 6901) into the body, with "*" for every item of an array."""

    def __init__(self, query: Iterable[str] = (), json: Iterable[str] = ()) -> None:
        self.query = frozenset(name.encode() for name in query)
        names = (_argument(pointer) for pointer in json)
        self._json = frozenset(name for name in names if name is not None)
        self._known: dict[bytes, bool] = {}

    def __bool__(self) -> bool:
        return bool(self.query or self._json)

    def cover(self, body: bytes) -> bool:
        """Whether each name of an argument of this JSON body stands for one place."""
        return bool(self._json) and _AMBIGUOUS.search(body) is None

    def of_json(self, name: bytes) -> bool:
        """Whether the argument with that name is proved."""
        if name in self._json:
            return True
        known = self._known.get(name)
        if known is None:
            known = _INDEX.sub(b".*", name) in self._json
            if len(name) <= _LONGEST_REMEMBERED:
                if len(self._known) >= _MOST_REMEMBERED:
                    self._known.clear()
                self._known[name] = known
        return known


def _argument(pointer: str) -> bytes | None:
    """The name that the WAF gives to what is at a pointer; None where others could have that name."""
    keys = [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:]]
    if any(not key or "." in key or "\\" in key or '"' in key or key.startswith("array_") for key in keys):
        return None
    return ".".join(("json", *keys)).encode("utf-8", "surrogatepass")
