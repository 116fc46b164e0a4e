"""Rules whose outcome follows from a few headers, so that it can be remembered.

CRS looks at the names of headers, at the content type, at the method with chains that begin to match for every honest
request, and take notes in TX for their later links. What such a chain reads is the same from request to request, and
what it came to once, and wrote, it will come to again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from stockade.waf.actions import Ctl
from stockade.waf.fingerprints import fingerprint
from stockade.waf.folding import Folded
from stockade.waf.macros import macros_of
from stockade.waf.persistent import Variables
from stockade.waf.rule import Deed, Rule
from stockade.waf.targets import Exclusions, Fetch, fetcher
from stockade.waf.transaction import Transaction

_SMALL = frozenset(
    {"REQUEST_HEADERS", "REQUEST_HEADERS_NAMES", "REQUEST_METHOD", "REQUEST_PROTOCOL", "REQBODY_PROCESSOR"}
)
_OWN = frozenset({"TX", "RULE", "MATCHED_VAR", "MATCHED_VAR_NAME", "MATCHED_VARS", "MATCHED_VARS_NAMES"})
_MOST = 1024  # outcomes per rule


class Outcome(NamedTuple):
    """What running a rule came to."""

    matched: bool
    reached: int  # how many links matched
    written: Variables  # to TX
    deeds: tuple[Deed, ...]

    def repeat(self, transaction: Transaction) -> bool:
        transaction.reached = self.reached
        transaction.tx.update(self.written)
        for deed in self.deeds:
            deed.run(transaction)
        return self.matched


class Memory:
    """Outcomes of a rule, by the hash of what it looked at."""

    __slots__ = ("_fetches", "_known")

    def __init__(self, fetches: tuple[Fetch, ...]) -> None:
        self._fetches = fetches
        self._known: dict[int, Outcome] = {}

    def key(self, transaction: Transaction) -> int:
        return fingerprint(tuple([tuple(fetch(transaction)) for fetch in self._fetches]))

    def outcome(self, key: int) -> Outcome | None:
        return self._known.get(key)

    def evaluate(self, rule: Rule, transaction: Transaction, key: int) -> bool:
        """Whether the rule matches; remembered, unless it has something to say or takes variables away."""
        tx = transaction.tx = _Noting(transaction.tx)
        matched = rule.evaluate(transaction)
        transaction.tx = dict(tx)
        if not tx.lost and not (matched and rule.logs):
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = Outcome(matched, transaction.reached, tx.written, rule.deeds if matched else ())
        return matched


class _Noting(dict[str, bytes]):
    """Variables that keep account of what is written to them."""

    def __init__(self, variables: Variables) -> None:
        super().__init__(variables)
        self.written: Variables = {}
        self.lost = False  # whether any was taken away

    def __setitem__(self, name: str, value: bytes) -> None:
        super().__setitem__(name, value)
        self.written[name] = value

    def update(self, other: Mapping[str, bytes]) -> None:  # type: ignore[override]
        super().update(other)
        self.written.update(other)

    def pop(self, name: str, default: bytes | None = None) -> bytes | None:  # type: ignore[override]
        self.lost = True
        return super().pop(name, default)


def memory_for(folded: Folded) -> Memory | None:
    """For a rule that reads nothing which depends on others; None where the outcome depends on more than headers."""
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
    return Memory(tuple(fetches))
