"""Rules whose outcome follows from a few headers, so that it can be remembered.

CRS looks at the names of headers, at the content type, at the method with chains that begin to match for every honest
request. What such a chain reads is the same from request to request, and if it came to nothing once, or only to a
`ctl`, it will again.
"""

from __future__ import annotations

from stockade.waf.actions import Ctl
from stockade.waf.folding import Folded
from stockade.waf.macros import macros_of
from stockade.waf.rule import Deed
from stockade.waf.targets import Exclusions, Fetch, fetcher
from stockade.waf.transaction import Transaction

_SMALL = frozenset(
    {"REQUEST_HEADERS", "REQUEST_HEADERS_NAMES", "REQUEST_METHOD", "REQUEST_PROTOCOL", "REQBODY_PROCESSOR"}
)
_OWN = frozenset({"TX", "RULE", "MATCHED_VAR", "MATCHED_VAR_NAME", "MATCHED_VARS", "MATCHED_VARS_NAMES"})
_MOST = 1024  # outcomes per rule


class Memory:
    """What a rule came to, by the hash of what it looked at: None where it did not match, else its deeds."""

    __slots__ = ("_fetches", "_known", "_worth")

    def __init__(self, fetches: tuple[Fetch, ...], *, worth: bool) -> None:
        self._fetches = fetches
        self._known: dict[int, tuple[Deed, ...] | None] = {}
        self._worth = worth  # whether a match may be remembered, too

    def key(self, transaction: Transaction) -> int:
        return hash(tuple([tuple(fetch(transaction)) for fetch in self._fetches]))

    def knows(self, key: int) -> bool:
        return key in self._known

    def deeds(self, key: int) -> tuple[Deed, ...]:
        return self._known[key] or ()

    def note(self, key: int, deeds: tuple[Deed, ...] | None) -> None:
        if deeds is None or self._worth:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = deeds


def memory_for(folded: Folded) -> Memory | None:
    """For a rule that has no variables in common with others; None where the outcome depends on more than headers."""
    rule, trees = folded.rule, (folded.tree, *folded.tree.links)
    fetches: list[Fetch] = []
    for target in (target for tree in trees for target in tree.targets):
        if target.excluded or target.collection not in (*_SMALL, *_OWN):
            return None
        if target.collection in _SMALL:
            fetches.append(fetcher(target, Exclusions(())))
    setvars = [setvar for link in rule.links for setvar in link.setvars]
    macros = [macro for tree in trees if tree.operator is not None for macro in macros_of(tree.operator.argument)]
    macros += [macro for setvar in setvars for macro in setvar.reads]
    if not fetches or any(macro.collection not in _OWN for macro in macros):
        return None
    deeds = [deed for link in rule.links for deed in link.deeds]
    if any(not isinstance(deed, Ctl) for deed in deeds) or any(setvar.collection != "tx" for setvar in setvars):
        return None
    return Memory(tuple(fetches), worth=not rule.logs)
