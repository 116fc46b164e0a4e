"""Gates: which rules a request's values could concern at all, found without running the rules.

Each link of a chain that looks at the request has a gate, a bit. A gate is open when the link *may* match: one pass of
Hyperscan over all values says so for patterns, for the rest the operator itself, whose answer for a header or a method
is remembered, since the next request is likely to bring the same again. A rule is run only when the gates of all its
links are open. Most requests open few.

Values are remembered by their hash, which is keyed anew in each process: no secret stays in memory, and nobody can
make one value pass for another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from msgspec import Struct

from stockade.seclang import Rule as Tree
from stockade.seclang import Target
from stockade.waf.databases import verdicts
from stockade.waf.expressions import expressions_of
from stockade.waf.operators import Files, Test
from stockade.waf.rule import Link
from stockade.waf.scanner import Expression, Scanner
from stockade.waf.targets import Exclusions, Fetch, KeyTest, fetcher, key_test
from stockade.waf.transaction import Transaction
from stockade.waf.variants import Variants, is_wild, searched

# Where each collection is looked through. What stands here together is scanned together.
_LINE = (
    "REQUEST_URI",
    "REQUEST_URI_RAW",
    "REQUEST_FILENAME",
    "REQUEST_BASENAME",
    "REQUEST_LINE",
    "QUERY_STRING",
    "PATH_INFO",
)
_COOKIES = ("REQUEST_COOKIES", "REQUEST_COOKIES_NAMES")
_ARGS = ("ARGS", "ARGS_NAMES", "ARGS_GET", "ARGS_GET_NAMES", "ARGS_POST", "ARGS_POST_NAMES")
_FILES = ("FILES", "FILES_NAMES", "MULTIPART_FILENAME", "MULTIPART_NAME", "MULTIPART_PART_HEADERS", "FILES_TMP_CONTENT")
_BODY = ("REQUEST_BODY",)
_HEADERS = ("REQUEST_HEADERS",)
_HEADER_NAMES = ("REQUEST_HEADERS_NAMES",)
_RESPONSE_HEADERS = ("RESPONSE_HEADERS", "RESPONSE_HEADERS_NAMES")
_RESPONSE_BODY = ("RESPONSE_BODY",)
_PAYLOAD = (*_COOKIES, *_ARGS, *_FILES, "XML")
_SCANNED: dict[str, str] = {
    **{name: name for name in _LINE},
    **dict.fromkeys(_PAYLOAD, "payload"),
    **dict.fromkeys(_BODY, "body"),
    **dict.fromkeys(_HEADERS, "headers"),
    **dict.fromkeys(_HEADER_NAMES, "headers"),
    **dict.fromkeys(_RESPONSE_HEADERS, "response headers"),
    **dict.fromkeys(_RESPONSE_BODY, "response body"),
}
# Those with one value, which an operator that cannot be scanned for looks at itself. The first cannot change once the
# head of the request is there, the second are there with its body, the third with the response.
_AT_HEAD = frozenset(
    {
        *_LINE,
        "REQUEST_METHOD",
        "REQUEST_PROTOCOL",
        "REMOTE_ADDR",
        "REMOTE_HOST",
        "SERVER_NAME",
        "SERVER_ADDR",
        "AUTH_TYPE",
    }
)
_AT_BODY = frozenset(
    {
        "REQBODY_PROCESSOR", "REQBODY_ERROR", "REQBODY_ERROR_MSG", "REQBODY_PROCESSOR_ERROR", "REQUEST_BODY_LENGTH",
        "ARGS_COMBINED_SIZE", "FILES_COMBINED_SIZE", "MULTIPART_STRICT_ERROR", "MULTIPART_UNMATCHED_BOUNDARY",
        "INBOUND_DATA_ERROR", "REQUEST_BODY", "URLENCODED_ERROR", "MULTIPART_CRLF_LF_LINES", "FULL_REQUEST_LENGTH",
    }
)  # fmt: skip
_AT_RESPONSE = frozenset({"RESPONSE_STATUS", "RESPONSE_CONTENT_TYPE", "RESPONSE_CONTENT_LENGTH", "RESPONSE_BODY"})
# What is known, before a phase, to hold in it what it holds; what rules write to is not.
_LASTING = frozenset({*_AT_HEAD, *_COOKIES, *_HEADERS, *_HEADER_NAMES, "ARGS_GET", "ARGS_GET_NAMES"})
_OF_REQUEST = frozenset({*_LASTING, *_PAYLOAD, *_BODY, *_AT_BODY})
_THERE = {
    1: frozenset({*_LASTING, *_ARGS}),
    2: _OF_REQUEST,
    3: frozenset({*_OF_REQUEST, *_RESPONSE_HEADERS, *_AT_RESPONSE}) - {"RESPONSE_BODY"},
    4: frozenset({*_OF_REQUEST, *_RESPONSE_HEADERS, *_AT_RESPONSE}),
    5: _LASTING,  # the rest may not have come: an earlier phase refused the request, or nobody looks at responses
}
_MOMENTS = {
    **dict.fromkeys((*_HEADERS, *_HEADER_NAMES), "headers"),
    **dict.fromkeys((*_RESPONSE_HEADERS, *_AT_RESPONSE), "response"),
}
_MOST_REMEMBERED = 8192  # values per table
_LONGEST_REMEMBERED = 512  # bytes


class _Look(Struct, frozen=True):
    """A look at one value."""

    gate: int  # its bit
    link: Link
    test: Test
    wanted: KeyTest | None = None  # which keys

    def opens(self, value: bytes) -> bool:
        return self.opens_for(self.link.seen(value))

    def opens_for(self, transformed: tuple[bytes, ...]) -> bool:
        negated, test = self.link.negated, self.test
        for value in transformed:  # noqa: SIM110 - `any` would make a generator, which costs more than the test
            if (test(value) is None) is negated:
                return True
        return False


class _Memory:
    """Masks by hash of what they were made of; forgotten all at once when there are too many."""

    def __init__(self, make: Callable[..., int]) -> None:
        self._make = make
        self._known: dict[int, int] = {}

    def of(self, *parts: bytes) -> int:
        key = hash(parts)
        mask = self._known.get(key)
        if mask is None:
            mask = self._make(*parts)
            if sum(map(len, parts)) <= _LONGEST_REMEMBERED:
                if len(self._known) >= _MOST_REMEMBERED:
                    self._known.clear()
                self._known[key] = mask
        return mask


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
        self._looks: dict[str, list[_Look]] = {}  # by collection of one value
        self._header_looks: list[_Look] = []
        self._name_looks: list[_Look] = []  # at names and at values in the payload
        self._value_looks: list[_Look] = []
        self._counts: dict[str, list[tuple[_Look, Fetch]]] = {}  # by "headers", "request" or "response"
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
            self._way(_Look(1 << gate, link, asked.test, key_test(target)), target, excluded, expressions)
            for target in looked
        ]
        if not ways or any(way is None for way in ways):
            return False
        for way in ways:
            assert way is not None
            way()
        return True

    def _is_there(self, target: Target, phase: int) -> bool:
        return target.collection in _THERE[phase] and target.collection not in self._unsteady

    def _way(
        self, look: _Look, target: Target, excluded: Exclusions, expressions: list[Expression] | None
    ) -> Callable[[], None] | None:
        """How the target is looked through; None when it cannot be."""
        collection = target.collection
        if target.counted:
            moment = _MOMENTS.get(collection, "request")
            return lambda: self._counts.setdefault(moment, []).append((look, fetcher(target, excluded)))
        if collection == "XML":
            if target.key is None:
                return None
            self._xpaths.add(target.key)
        group = _SCANNED.get(collection)
        of_one_header = collection == "REQUEST_HEADERS" and target.key is not None
        if group is not None and expressions is not None and not of_one_header:
            return lambda: self._add_expressions(look, group, expressions)
        if collection == "REQUEST_HEADERS":
            return lambda: self._header_looks.append(look)
        if collection in _AT_HEAD or collection in _AT_BODY or collection in _AT_RESPONSE:
            return lambda: self._looks.setdefault(collection, []).append(look)
        if collection in _PAYLOAD:
            return lambda: _add_once(self._name_looks if collection.endswith("_NAMES") else self._value_looks, look)
        return None

    def _add_expressions(self, look: _Look, group: str, expressions: list[Expression]) -> None:
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
        self._scanners: dict[str, list[tuple[Variants, Scanner]]] = {}
        for keys in _alike(self._entries):
            scanner = Scanner(entry for key in keys for entry in self._entries[key])
            for key in keys:
                self._scanners.setdefault(key[0], []).append((Variants(self._chains[key]), scanner))
        verdicts.save()
        self._header = _Memory(self._of_header)
        self._header_set = _Memory(lambda *_: 0)
        self._plain = _Memory(self._of_plain)
        self._name = _Memory(self._of_name)
        self._value = _Memory(self._of_value)
        self._line_scans = tuple(name for name in _LINE if name in self._scanners)
        self._line = _Memory(lambda name, value: self._scan(name.decode(), (value,)))
        self._head_looks = tuple(sorted(_AT_HEAD & self._looks.keys()))
        self._body_looks = tuple(sorted(_AT_BODY & self._looks.keys()))
        self._response_looks = tuple(sorted(_AT_RESPONSE & self._looks.keys()))

    # Looking.

    def at_head(self, transaction: Transaction) -> int:
        """The gates that the head of the request opens, for all phases."""
        values = transaction.values
        found = self._of_headers(transaction) | self._counted("request", transaction)
        for collection in self._head_looks:
            for _, value in values[collection]:
                found |= self._plain.of(collection.encode(), value)
        for collection in self._line_scans:
            for _, value in values[collection]:
                found |= self._line.of(collection.encode(), value)
        found |= self._of_payload(values, "REQUEST_COOKIES", "ARGS_GET")
        return found

    def at_body(self, transaction: Transaction) -> int:
        """Those that the body opens."""
        values = transaction.values
        found = self._counted("request", transaction)
        for collection in self._body_looks:
            for _, value in values[collection]:
                found |= self._plain.of(collection.encode(), value)
        found |= self._of_payload(values, "ARGS", *_FILES)  # JSON is in ARGS alone
        if values.has_xml:
            for xpath in self._xpaths:
                for _, value in values.xml(xpath):
                    found |= self._value.of(value)
        if "body" in self._scanners:
            found |= self._scan("body", [value for _, value in values["REQUEST_BODY"]])
        return found

    def at_response(self, transaction: Transaction) -> int:
        """Those that the head of the response opens."""
        found = self._counted("response", transaction)
        for collection in self._response_looks:
            if collection != "RESPONSE_BODY":
                for _, value in transaction.values[collection]:
                    found |= self._plain.of(collection.encode(), value)
        if "response headers" in self._scanners:
            for pair in transaction.values["RESPONSE_HEADERS"]:
                found |= self._scan("response headers", pair)
        return found

    def at_response_body(self, transaction: Transaction) -> int:
        found = 0
        for _, value in transaction.values["RESPONSE_BODY"]:
            if "response body" in self._scanners:
                found |= self._scan("response body", [value])
            if "RESPONSE_BODY" in self._looks:
                found |= self._of_plain(b"RESPONSE_BODY", value)
        return found

    def _of_payload(self, values: Any, *collections: str) -> int:
        found = 0
        of_name, of_value = self._name.of, self._value.of
        for collection in collections:
            for name, value in values[collection]:
                found |= of_name(name) | of_value(value)
        return found

    def _of_name(self, name: bytes) -> int:
        return self._of_text(name, self._name_looks)

    def _of_value(self, value: bytes) -> int:
        return self._of_text(value, self._value_looks)

    def _of_text(self, text: bytes, looks: list[_Look]) -> int:
        found = self._scan("payload", (text,))
        seen: dict[tuple[tuple[str, ...], bool], tuple[bytes, ...]] = {}
        for look in looks:
            link = look.link
            chain = link.transformations, link.every_step
            transformed = seen.get(chain)
            if transformed is None:
                transformed = seen[chain] = link.seen(text)
            if look.opens_for(transformed):
                found |= look.gate
        return found

    def _of_headers(self, transaction: Transaction) -> int:
        pairs = transaction.values["REQUEST_HEADERS"]
        found = 0
        remembered = self._header.of
        for name, value in pairs:
            found |= remembered(name, value)
        if "headers" in self._counts:
            names = hash(tuple([name for name, _ in pairs]))
            known = self._header_set._known
            mask = known.get(names)
            if mask is None:
                mask = known[names] = self._counted("headers", transaction)
                if len(known) > _MOST_REMEMBERED:
                    known.clear()
            found |= mask
        return found

    def _of_header(self, name: bytes, value: bytes) -> int:
        found = self._scan("headers", (name, value))
        for look in self._header_looks:
            if (look.wanted is None or look.wanted(name)) and look.opens(value):
                found |= look.gate
        return found

    def _of_plain(self, collection: bytes, value: bytes) -> int:
        found = 0
        for look in self._looks.get(collection.decode(), ()):
            if look.opens(value):
                found |= look.gate
        return found

    def _counted(self, kind: str, transaction: Transaction) -> int:
        found = 0
        for look, fetch in self._counts.get(kind, ()):
            if look.opens(fetch(transaction)[0][2]):
                found |= look.gate
        return found

    def _scan(self, group: str, values: Iterable[bytes]) -> int:
        found = 0
        for variants, scanner in self._scanners.get(group, ()):
            for value in values:
                for variant in variants.of(value):
                    found |= scanner.scan(variant)
        return found


def _add_once(looks: list[_Look], look: _Look) -> None:
    """A link has one look, however many of its targets lie where it looks."""
    if all(other.gate != look.gate for other in looks):
        looks.append(look)


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
