"""A transaction: one request and its response as the rules see them, and what the rules have made of it so far."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from stockade.waf.inspection import Decision, Match
from stockade.waf.persistent import Collections, Record, Variables
from stockade.waf.targets import Exclusions, Pair

if TYPE_CHECKING:
    from stockade.waf.actions.ctl import Selector
    from stockade.waf.proofs import Proofs
    from stockade.waf.rule import Note, Rule
    from stockade.waf.secrecy import Secrecy, Veil
    from stockade.waf.values import Values


class Transaction:
    """`values` is what came, `tx` what rules have set. The other fields are what actions change."""

    __slots__ = (
        "_open",
        "_veil",
        "allowed",
        "astray",
        "body_limit",
        "collection_timeout",
        "collections",
        "decided_by",
        "decision",
        "force_body",
        "gates",
        "has_notes",
        "matched",
        "matches",
        "mode",
        "noted",
        "phase",
        "processor",
        "proofs",
        "reached",
        "reads_body",
        "reads_response",
        "redirect",
        "removed_rules",
        "removed_targets",
        "response_limit",
        "rule",
        "rules",
        "secrecy",
        "severity",
        "state",
        "status",
        "touched",
        "tx",
        "values",
    )

    def __init__(self, values: Values, tx: Variables, mode: str, collections: Collections, timeout: float) -> None:
        self.values = values
        self.tx = tx
        self.mode = mode  # "On", "Off", "DetectionOnly"
        self.collections = collections
        self.collection_timeout = timeout
        self.rules: list[int] = []
        self.matches: list[Match] = []
        self.noted: list[Note] = []  # of the rule that is being evaluated
        self.reached = 0  # how many of its links have matched
        self.matched: list[Pair] = []  # its MATCHED_VARS: name and value
        self.rule: Rule | None = None
        self.severity = ""
        self.removed_rules: list[Selector] = []
        self.removed_targets: list[tuple[Selector, Exclusions]] = []
        self._open: dict[str, tuple[bytes, Record]] = {}
        self.decision: Decision = "allow"
        self.status = 200
        self.redirect = ""
        self.decided_by = 0
        self.allowed = ""  # "phase", "request" or "all": what an `allow` lets pass from here on
        self.gates = 0  # those that are open; see `gates`
        self.phase = 0  # the one that runs, or ran last
        self.touched = False  # whether what quiet rules read has changed
        self.astray = False  # whether the rules no longer run as was foreseen; see `program`
        self.has_notes = False  # whether anything has been written to `tx` at all
        self.state = 0  # the known state that `tx` was made of
        self.processor: str | None = None
        self.proofs: Proofs | None = None
        self.force_body = False
        self.reads_body = True
        self.reads_response = True
        self.body_limit = 0
        self.response_limit = 0
        self.secrecy: Secrecy | None = None  # what must not be logged; None: all may be
        self._veil: Veil | None = None

    # Variables.

    def pairs(self, collection: str) -> list[Pair]:
        """Everything in a collection; a plain variable has one pair, whose key is empty."""
        own = _OWN.get(collection)
        return own(self) if own is not None else self.values[collection]

    def variables(self, collection: str) -> Variables | None:
        """Those of a collection that can be written; None when it is not open. `env` is written to nowhere."""
        if collection == "tx":
            return self.tx
        opened = self._open.get(collection)
        return opened[1].variables if opened is not None else None

    def open_collection(self, collection: str, key: bytes) -> None:
        if collection not in self._open:
            self._open[collection] = key, self.collections.open(collection, key, self.at)

    def expire(self, collection: str, name: str, seconds: int) -> None:
        opened = self._open.get(collection)
        if opened is not None and name in opened[1].variables:
            opened[1].expires[name] = self.at + seconds

    def close(self) -> None:
        for collection, (key, record) in self._open.items():
            self.collections.keep(collection, key, record, self.at + self.collection_timeout)

    @property
    def at(self) -> float:
        return self.values.request.at

    # Rules.

    def begin_rule(self, rule: Rule) -> None:
        self.rule = rule
        self.matched = []
        self.noted = []
        self.reached = 0

    @property
    def veil(self) -> Veil | None:
        """What may be logged of what is known by now; made where there is something to log."""
        veil, secrecy = self._veil, self.secrecy
        if secrecy is not None and (veil is None or veil.phase != self.phase):
            veil = self._veil = secrecy.over(self)
        return veil

    def is_removed(self, rule: Rule) -> bool:
        return any(selects(part, rule) for part in self.removed_rules)

    def exclusions_for(self, rule: Rule) -> tuple[Exclusions, ...]:
        """The targets that `ctl` took away from the rule."""
        return tuple(targets for selector, targets in self.removed_targets if selects(selector, rule))


@lru_cache(maxsize=1 << 16)
def selects(selector: Selector, rule: Rule) -> bool:
    """Whether the rule is one of those that are meant. Remembered: the same few are asked for at every request."""
    return selector.matches(rule.id, rule.plain_tags, rule.plain_message)


def _tx(transaction: Transaction) -> list[Pair]:
    return [(name.encode("utf-8", "surrogateescape"), value) for name, value in transaction.tx.items()]


def _persistent(collection: str) -> Callable[[Transaction], list[Pair]]:
    def pairs(transaction: Transaction) -> list[Pair]:
        variables = transaction.variables(collection)
        if variables is None:
            return []
        return [(name.encode("utf-8", "surrogateescape"), value) for name, value in variables.items()]

    return pairs


def _last_value(transaction: Transaction) -> list[Pair]:
    return [(b"", transaction.matched[-1][1])] if transaction.matched else []


def _last_name(transaction: Transaction) -> list[Pair]:
    return [(b"", transaction.matched[-1][0])] if transaction.matched else []


def _matched_names(transaction: Transaction) -> list[Pair]:
    return [(name, name) for name, _ in transaction.matched]


def _of_rule(transaction: Transaction) -> list[Pair]:
    rule = transaction.rule
    if rule is None:
        return []
    fields: dict[str, Any] = {
        "id": rule.id,
        "severity": rule.severity,
        "msg": rule.plain_message,
        "ver": rule.version,
    }
    return [(name.encode(), str(value).encode()) for name, value in fields.items()]


def _highest_severity(transaction: Transaction) -> list[Pair]:
    ranks = [SEVERITIES.index(match.severity) for match in transaction.matches if match.severity in SEVERITIES]
    return [(b"", b"%d" % min(ranks, default=255))]


SEVERITIES = ("EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG")
_OWN: dict[str, Callable[[Transaction], list[Pair]]] = {
    "TX": _tx,
    "IP": _persistent("ip"),
    "GLOBAL": _persistent("global"),
    "SESSION": _persistent("session"),
    "USER": _persistent("user"),
    "RESOURCE": _persistent("resource"),
    "MATCHED_VAR": _last_value,
    "MATCHED_VAR_NAME": _last_name,
    "MATCHED_VARS": lambda transaction: transaction.matched.copy(),
    "MATCHED_VARS_NAMES": _matched_names,
    "RULE": _of_rule,
    "HIGHEST_SEVERITY": _highest_severity,
}
