"""Gates: which rules a request's values could concern at all, found without running the rules.

Each link of a chain that looks at the request has a gate, a bit. A gate is open when the link *may* match, which the
`watches` say of each text of the message. A rule is run only when the gates of all its links are open. Most requests
open few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeAlias

from stockade.seclang import Rule as Tree
from stockade.seclang import Target
from stockade.waf.databases import verdicts
from stockade.waf.expressions import expressions_of
from stockade.waf.fingerprints import fingerprint
from stockade.waf.operators import Files, Test
from stockade.waf.places import AT_BODY, AT_HEAD, AT_RESPONSE, FILES, GROUPS, MOMENTS, PARTS, PAYLOAD, THERE
from stockade.waf.rule import Link
from stockade.waf.scanner import Expression, Scanner
from stockade.waf.targets import Exclusions, Fetch, fetcher, key_test
from stockade.waf.transaction import Transaction
from stockade.waf.values import Collection, Values
from stockade.waf.variants import Variants, is_wild, searched
from stockade.waf.watches import Look, Watch

_MOST_SETS = 8192  # of names of headers, that are remembered


class Asked(NamedTuple):
    """What a link's operator asks, where that is known at load."""

    argument: bytes
    test: Test
    files: Files


class Gates:
    """Built link by link with `add`, then `compile`d. `unsteady`: variables that rules change at any time."""

    def __init__(self, unsteady: frozenset[str] = frozenset()) -> None:
        self._unsteady = unsteady
        # By group and whether a chain makes something else of every value, as base64Decode does: what that makes of a
        # plain word would match what other rules look for.
        self._entries: dict[_Key, list[tuple[int, Expression]]] = {}
        self._chains: dict[_Key, set[tuple[str, ...]]] = {}
        self._watches: dict[str, Watch] = {}
        self._counts: dict[str, list[tuple[Look, Fetch]]] = {}  # by "headers", "request", "parts" or "response"
        self._xpaths: set[str] = set()

    # Building.

    def add(self, gate: int, link: Link, tree: Tree, phase: int, asked: Asked) -> bool:
        """Give the link that gate; False when there is no way to know beforehand whether it may match."""
        looked = [target for target in tree.targets if not target.excluded]
        if tree.operator is None or not all(self._is_there(target, phase) for target in looked):
            return False
        excluded = Exclusions(target for target in tree.targets if target.excluded)
        expressions = None if link.negated else expressions_of(tree.operator.name, asked.argument, asked.files)
        ways = [
            self._way(Look(1 << gate, link, asked.test, key_test(target)), target, excluded, expressions)
            for target in looked
        ]
        if not ways or any(way is None for way in ways):
            return False
        for way in ways:
            assert way is not None
            way()
        return True

    def _is_there(self, target: Target, phase: int) -> bool:
        return target.collection in THERE[phase] and target.collection not in self._unsteady

    def _way(
        self, look: Look, target: Target, excluded: Exclusions, expressions: list[Expression] | None
    ) -> Callable[[], None] | None:
        """How the target is looked through; None when it cannot be."""
        collection = target.collection
        if target.counted:
            moment = MOMENTS.get(collection, "request")
            return lambda: self._counts.setdefault(moment, []).append((look, fetcher(target, excluded)))
        if collection == "XML":
            if target.key is None:
                return None
            self._xpaths.add(target.key)
        group = GROUPS.get(collection)
        of_one_header = collection == "REQUEST_HEADERS" and target.key is not None
        if group is not None and expressions is not None and not of_one_header:
            return lambda: self._add_expressions(look, group, expressions)
        if collection == "REQUEST_HEADERS":
            return lambda: self._watch("headers").add(look)
        if collection in _LOOKED_AT:
            anywhere = Look(look.gate, look.link, look.test)
            return lambda: self._watch(group or collection).add(anywhere)
        return None

    def _watch(self, group: str) -> Watch:
        return self._watches.setdefault(group, Watch())

    def _add_expressions(self, look: Look, group: str, expressions: list[Expression]) -> None:
        self._watch(group).searched[look.gate] = look
        names, gate = look.link.transformations, look.gate.bit_length() - 1
        chains = [names[:number] for number in range(len(names) + 1)] if look.link.every_step else [names]
        for chain in chains:
            search = searched(chain)
            key = (group, is_wild(search.names))
            self._chains.setdefault(key, set()).add(search.names)
            for expression in expressions:
                caseless = expression.caseless or search.caseless
                self._entries.setdefault(key, []).append((gate, expression._replace(caseless=caseless)))

    def compile(self) -> None:
        for keys in _alike(self._entries):
            scanner = Scanner(entry for key in keys for entry in self._entries[key])
            for key in keys:
                self._watch(key[0]).scanners.append((Variants(self._chains[key]), scanner))
        verdicts.save()
        self._head = self._watched(AT_HEAD)
        self._body = self._watched(AT_BODY)
        self._names, self._values = self._watch("names"), self._watch("values")
        self._header_names, self._headers = self._watch("header names"), self._watch("headers")
        self._parts = self._watched((*FILES, *PARTS))
        self._response = self._watched(AT_RESPONSE - {"RESPONSE_BODY"})
        self._header_sets: dict[int, int] = {}
        self._without_parts: int | None = None

    def _watched(self, collections: Iterable[str]) -> tuple[tuple[str, Watch], ...]:
        groups = ((collection, GROUPS.get(collection, collection)) for collection in sorted(collections))
        return tuple((collection, self._watches[group]) for collection, group in groups if group in self._watches)

    # Looking.

    def at_head(self, transaction: Transaction) -> int:
        """The gates that the head of the request opens, for all phases."""
        values = transaction.values
        found = self._of_headers(transaction) | self._counted("request", transaction)
        found |= _seen(self._head, values)
        found |= self._of_pairs(values["REQUEST_COOKIES"])
        proofs = transaction.proofs
        if proofs is None:
            return found | self._of_pairs(values["ARGS_GET"])
        return found | self._of_unproved(values["ARGS_GET"], proofs.query.__contains__)

    def at_body(self, transaction: Transaction) -> int:
        """Those that the body opens."""
        values = transaction.values
        found = self._counted_in_body(transaction) | _seen(self._body, values)
        proofs = transaction.proofs
        if proofs is not None and values.processor == "JSON" and proofs.cover(values.body):
            found |= self._of_unproved(values.post, proofs.of_json)
        else:
            found |= self._of_pairs(values.post)
        if values.multipart is not None:
            found |= _seen(self._parts, values)
        if values.has_xml:
            of_value = self._values.of
            for xpath in self._xpaths:
                for _, value in values.xml(xpath):
                    found |= of_value(value)
        return found

    def at_response(self, transaction: Transaction) -> int:
        """Those that the head of the response opens."""
        found = self._counted("response", transaction) | _seen(self._response, transaction.values)
        watch = self._watches.get("response headers")
        if watch is not None:
            for name, value in transaction.values["RESPONSE_HEADERS"]:
                found |= watch.of(name) | watch.of(value)
        return found

    def at_response_body(self, transaction: Transaction) -> int:
        watch = self._watches.get("response body")
        return _seen([("RESPONSE_BODY", watch)], transaction.values) if watch is not None else 0

    def _of_pairs(self, pairs: Collection) -> int:
        return self._names.of_all([name for name, _ in pairs]) | self._values.of_all([value for _, value in pairs])

    def _of_unproved(self, pairs: Collection, is_proved: Callable[[bytes], bool]) -> int:
        """The same, without the values in which nothing can be."""
        unproved = [value for name, value in pairs if not is_proved(name)]
        return self._names.of_all([name for name, _ in pairs]) | self._values.of_all(unproved)

    def _of_headers(self, transaction: Transaction) -> int:
        pairs = transaction.values["REQUEST_HEADERS"]
        names = [name for name, _ in pairs]
        found = self._header_names.of_all(names)
        of_header = self._headers.of_named
        for name, value in pairs:
            found |= of_header(name, value)
        return found | self._counted_headers(transaction, fingerprint(tuple(names)))

    def _counted_headers(self, transaction: Transaction, names: int) -> int:
        if "headers" not in self._counts:
            return 0
        mask = self._header_sets.get(names)
        if mask is None:
            if len(self._header_sets) >= _MOST_SETS:
                self._header_sets.clear()
            mask = self._header_sets[names] = self._counted("headers", transaction)
        return mask

    def _counted_in_body(self, transaction: Transaction) -> int:
        """Where there are no parts, what counts them says the same for every request."""
        found = self._counted("request", transaction)
        if transaction.values.multipart is not None:
            return found | self._counted("parts", transaction)
        if self._without_parts is None:
            self._without_parts = self._counted("parts", transaction)
        return found | self._without_parts

    def _counted(self, kind: str, transaction: Transaction) -> int:
        found = 0
        for look, fetch in self._counts.get(kind, ()):
            if look.opens(fetch(transaction)[0][2]):
                found |= look.gate
        return found


_LOOKED_AT = frozenset({*AT_HEAD, *AT_BODY, *AT_RESPONSE, *PAYLOAD})


def _seen(watched: Iterable[tuple[str, Watch]], values: Values) -> int:
    found = 0
    for collection, watch in watched:
        for _, value in values[collection]:
            found |= watch.of(value)
    return found


_Key: TypeAlias = tuple[str, bool]
_Entries: TypeAlias = Mapping[_Key, list[tuple[int, Expression]]]
_ALIKE = 0.6  # of all expressions of two groups, how many must be common to both


def _alike(entries: _Entries) -> list[list[_Key]]:
    """Groups that look for nearly the same, which share a database: each takes Hyperscan seconds to compile."""
    found: list[tuple[set[Expression], list[_Key]]] = []
    for key, listed in sorted(entries.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        wanted = {expression for _, expression in listed}
        for together, keys in found:
            if len(wanted & together) >= _ALIKE * len(wanted | together):
                keys.append(key)
                together |= wanted
                break
        else:
            found.append((wanted, [key]))
    return [keys for _, keys in found]
