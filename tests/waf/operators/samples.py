"""Values made to measure: drawn from a pattern's tree, so that they match it or nearly do."""

from __future__ import annotations

from random import Random

from stockade.waf.operators.patterns.tree import (
    Assertion,
    Atomic,
    Back,
    Choice,
    Edge,
    Group,
    Look,
    Node,
    Repeat,
    Sequence,
    Set,
)

_MOST = 4000  # bytes
_EDGES = {Edge.LINE_START: (b"", b"\n"), Edge.LINE_END: (b"", b"\n"), Edge.LAST_LINE_END: (b"", b"\n")}
_NOISE = (b"\n", b"\r\n", b"a", b"Z", b"_", b"0", b" ", b"\x00", b"\xe9", b"\xff", b"'", b"=", b"<", b".", b"/")


def sample(tree: Node, random: Random) -> bytes:
    """A value that mostly matches the pattern."""
    sampler = _Sampler(random)
    sampler.draw(tree)
    return bytes(sampler.out)


def disturbed(value: bytes, random: Random) -> bytes:
    """The value with some noise around or within."""
    for _ in range(random.choice((0, 1, 1, 2, 4))):
        place = random.choice((0, len(value), random.randint(0, len(value))))
        end = place if random.random() < 0.6 else min(len(value), place + random.randint(0, 3))
        value = value[:place] + random.choice(_NOISE) + value[end:]
    return value if random.random() < 0.9 else value.swapcase()


class _Sampler:
    def __init__(self, random: Random) -> None:
        self._random = random
        self._captured: dict[int, bytes] = {}
        self.out = bytearray()

    def draw(self, node: Node) -> None:
        if len(self.out) > _MOST:
            return
        match node:
            case Set(found):
                self.out += self._byte(found)
            case Sequence(parts):
                for part in parts:
                    self.draw(part)
            case Choice(branches):
                self.draw(self._random.choice(branches))
            case Repeat():
                self._repeat(node)
            case Group(number, body):
                start = len(self.out)
                self.draw(body)
                self._captured[number] = bytes(self.out[start:])
            case Back() | Assertion():
                self.out += self._empty(node)
            case Atomic(body) | Look(body):
                self._perhaps(node, body)

    def _empty(self, node: Back | Assertion) -> bytes:
        if isinstance(node, Back):
            return self._captured.get(node.number, b"")
        return self._random.choice(_EDGES.get(node.edge, (b"",)))

    def _repeat(self, node: Repeat) -> None:
        more = self._random.choice((0, 0, 1, 1, 2, 3, 7))
        for _ in range(node.least + (more if node.most is None else min(more, node.most - node.least))):
            self.draw(node.body)

    def _perhaps(self, node: Atomic | Look, body: Node) -> None:
        """What a lookaround wants, mostly; what it forbids, or what it wants behind, at times."""
        plain = isinstance(node, Atomic) or (node.ahead and not node.negative)
        if self._random.random() < (0.9 if plain else 0.3):
            self.draw(body)

    def _byte(self, found: frozenset[int]) -> bytes:
        usual = sorted(found.intersection(b"abcxyzABZ019 _-='\"<>/.\n")) if self._random.random() < 0.7 else []
        return bytes([self._random.choice(usual or sorted(found))]) if found else b""
