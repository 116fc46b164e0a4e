"""Targets, compiled: what a rule looks at → a function of the transaction that gives (name, value) pairs.

`ARGS` all of a collection, `ARGS:id` by key (case-insensitive), `ARGS:/^id/` by regular expression, `&ARGS` how many
there are, `!ARGS:token` not these, `XML://@*` by XPath.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import re2

from stockade.seclang import Target, to_bytes
from stockade.waf.values import compile_xpath

if TYPE_CHECKING:
    from stockade.waf.transaction import Transaction

Pair: TypeAlias = tuple[bytes, bytes]
Named: TypeAlias = tuple[bytes, bytes, bytes]  # collection, key, value
Fetch: TypeAlias = Callable[["Transaction"], list[Named]]
KeyTest: TypeAlias = Callable[[bytes], bool]

_OPTIONS = re2.Options()
_OPTIONS.encoding = re2.Options.Encoding.LATIN1
_OPTIONS.case_sensitive = False
_OPTIONS.log_errors = False
_PLAIN_XPATHS = frozenset({"/*", "//@*"})  # all that CRS asks for: lxml is not loaded to look at them


def key_test(target: Target) -> KeyTest | None:
    """Which keys a target means; None: all of them. Raises ValueError on a bad regular expression."""
    if target.pattern is not None:
        return _pattern_test(target.pattern)
    if target.key is None:
        return None
    wanted = to_bytes(target.key).lower()
    return lambda key: key == wanted or key.lower() == wanted


_BEGINNING = re.compile(r"\^([a-z0-9_-]+)(?![?*{|])", re.IGNORECASE)
_REMEMBERED = 4096  # keys per pattern: the names of headers and arguments, which are few


def beginning_of(pattern: str) -> str:
    """What every name that the pattern matches begins with, in lower case, as far as it is plain."""
    found = _BEGINNING.match(pattern) if "|" not in pattern else None
    return found[1].lower() if found else ""


def _pattern_test(pattern: str) -> KeyTest:
    try:
        search = re2.compile(to_bytes(pattern), _OPTIONS).search
    except re2.error as error:
        raise ValueError(f"bad regular expression /{pattern}/: {error}") from None
    prefix = beginning_of(pattern).encode()

    @lru_cache(_REMEMBERED)
    def test(key: bytes) -> bool:
        return key[: len(prefix)].lower() == prefix and search(key) is not None

    return test


class Exclusions:
    """What of the collections a rule shall not look at."""

    def __init__(self, targets: Iterable[Target]) -> None:
        self._tests: dict[bytes, list[KeyTest | None]] = {}
        for target in targets:
            self._tests.setdefault(target.collection.encode(), []).append(key_test(target))

    def __bool__(self) -> bool:
        return bool(self._tests)

    def concern(self, collection: bytes) -> bool:
        return collection in self._tests

    def hold(self, collection: bytes, key: bytes) -> bool:
        tests = self._tests.get(collection)
        return tests is not None and any(test is None or test(key) for test in tests)


def fetcher(target: Target, excluded: Exclusions) -> Fetch:
    if target.collection == "XML" and target.key is not None:
        return _xml(target)
    select = _selection(target, excluded)
    if not target.counted:
        return select
    name = b"&" + target.collection.encode()
    key = to_bytes(target.key or "")
    return lambda transaction: [(name, key, b"%d" % len(select(transaction)))]


def _selection(target: Target, excluded: Exclusions) -> Fetch:
    collection = target.collection
    name = collection.encode()
    test = key_test(target)
    if collection == "TX" and target.key is not None:
        return _tx_variable(target.key.lower())
    holds = excluded.hold
    if collection == "TX" and test is not None and not excluded.concern(name):
        return _tx_variables(test)
    if not excluded.concern(name):
        if test is None:
            return lambda transaction: [(name, key, value) for key, value in transaction.pairs(collection)]
        return lambda transaction: [(name, key, value) for key, value in transaction.pairs(collection) if test(key)]
    return lambda transaction: [
        (name, key, value)
        for key, value in transaction.pairs(collection)
        if (test is None or test(key)) and not holds(name, key)
    ]


def _tx_variable(key: str) -> Fetch:
    name = key.encode()

    def fetch(transaction: Transaction) -> list[Named]:
        value = transaction.tx.get(key)
        return [] if value is None else [(b"TX", name, value)]

    return fetch


def _tx_variables(test: KeyTest) -> Fetch:
    """Those whose names fit. Nearly all that there are never do, which is remembered."""
    others: set[str] = set()

    def fetch(transaction: Transaction) -> list[Named]:
        tx = transaction.tx
        if not tx.keys() - others:
            return []
        found: list[Named] = []
        for key, value in tx.items():
            name = key.encode("utf-8", "surrogateescape")
            if test(name):
                found.append((b"TX", name, value))
            elif len(others) < _REMEMBERED:
                others.add(key)
        return found

    return fetch


def _xml(target: Target) -> Fetch:
    """Raises ValueError on what is no XPath."""
    xpath = target.key or "/*"
    if xpath not in _PLAIN_XPATHS:
        compile_xpath(xpath)

    def fetch(transaction: Transaction) -> list[Named]:
        return [(b"XML", xpath.encode(), value) for _, value in transaction.values.xml(xpath)]

    if not target.counted:
        return fetch
    return lambda transaction: [(b"&XML", xpath.encode(), b"%d" % len(fetch(transaction)))]
