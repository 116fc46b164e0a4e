"""All that looks at the texts of one place of a message, such as the values of arguments.

One pass of Hyperscan per variant of a text says which patterns may be in it; where these are few, the operators
themselves are asked at once, so that a hyphen does not make a rule go through every argument. What came of a text is
remembered by its fingerprint: no secret stays in memory, and nobody can make one text pass for another.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Struct

from stockade.waf.fingerprints import fingerprint
from stockade.waf.operators import Test
from stockade.waf.rule import Link
from stockade.waf.scanner import Scanner
from stockade.waf.targets import KeyTest
from stockade.waf.variants import Variants

_MOST_REMEMBERED = 8192  # texts per watch
_LONGEST_REMEMBERED = 512  # bytes
_MOST_KEYS = 1024
_MOST_CONFIRMED = 6  # of one text; where more rules may match, some will
_Seen: TypeAlias = dict[tuple[tuple[str, ...], bool], tuple[bytes, ...]]  # by chain, what it makes of the text


class Look(Struct, frozen=True):
    """A look at one text. `wanted`: under which keys."""

    gate: int  # its bit
    link: Link
    test: Test
    wanted: KeyTest | None = None

    def opens(self, text: bytes) -> bool:
        return self._opens_for(self.link.seen(text))

    def opens_with(self, text: bytes, seen: _Seen) -> bool:
        """The same; transformations are done once for all looks."""
        link = self.link
        if link.untouched is not None and not text.translate(None, link.untouched):
            return (self.test(text) is None) is link.negated
        chain = link.transformations, link.every_step
        transformed = seen.get(chain)
        if transformed is None:
            transformed = seen[chain] = link.seen(text)
        return self._opens_for(transformed)

    def _opens_for(self, transformed: tuple[bytes, ...]) -> bool:
        negated, test = self.link.negated, self.test
        for text in transformed:  # noqa: SIM110 - `any` would make a generator, which costs more than the test
            if (test(text) is None) is negated:
                return True
        return False


class Watch:
    """`looks` ask the operator; those in `searched` are found by one of the scanners first."""

    def __init__(self) -> None:
        self.looks: list[Look] = []
        self.searched: dict[int, Look] = {}  # by gate
        self.scanners: list[tuple[Variants, Scanner]] = []
        self._known: dict[int, int] = {}
        self._of_key: dict[bytes, tuple[Look, ...]] = {}

    def add(self, look: Look) -> None:
        """A link looks once, however many of its targets lie here, unless it looks for certain keys."""
        if look.wanted is not None or all(other.gate != look.gate for other in self.looks):
            self.looks.append(look)

    def of(self, text: bytes) -> int:
        """The gates that the text opens, as bits."""
        key = fingerprint(text)
        mask = self._known.get(key)
        return self._remembered(key, text, b"") if mask is None else mask

    def of_all(self, texts: Iterable[bytes]) -> int:
        """Those that one of the texts opens."""
        found = 0
        known = self._known
        for text in texts:
            key = fingerprint(text)
            mask = known.get(key)
            found |= self._remembered(key, text, b"") if mask is None else mask
        return found

    def of_named(self, name: bytes, text: bytes) -> int:
        """The same where looks may be for certain keys."""
        key = fingerprint((name, text))
        mask = self._known.get(key)
        return self._remembered(key, text, name) if mask is None else mask

    def _remembered(self, key: int, text: bytes, name: bytes) -> int:
        mask = self._look(text, name)
        if len(text) + len(name) <= _LONGEST_REMEMBERED:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[key] = mask
        return mask

    def _look(self, text: bytes, name: bytes) -> int:
        found = 0
        for variants, scanner in self.scanners:
            for variant in variants.of(text):
                found |= scanner.scan(variant)
        seen: _Seen = {}
        if found:
            found = self._confirmed(found, text, seen)
        looks = self._of_key.get(name)
        for look in self._looks_for(name) if looks is None else looks:
            if look.opens_with(text, seen):
                found |= look.gate
        return found

    def _looks_for(self, key: bytes) -> tuple[Look, ...]:
        looks = tuple(look for look in self.looks if look.wanted is None or look.wanted(key))
        if len(self._of_key) >= _MOST_KEYS:
            self._of_key.clear()
        self._of_key[key] = looks
        return looks

    def _confirmed(self, found: int, text: bytes, seen: _Seen) -> int:
        """Those of the gates that are open indeed."""
        looks = []
        rest = found
        while rest:
            gate = rest & -rest
            rest ^= gate
            if gate in self.searched:  # else it is of another place that is searched for much the same
                looks.append(self.searched[gate])
        if len(looks) > _MOST_CONFIRMED:
            return found
        return sum([look.gate for look in looks if look.opens_with(text, seen)])
