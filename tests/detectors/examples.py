"""The examples of each detector, true and false: `examples/<detector>.txt`."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "examples"


class Example(NamedTuple):
    line: int
    text: bytes
    spans: tuple[tuple[int, int], ...]  # of what is to be found, in `text`; none: a false example


def examples(detector: str) -> list[Example]:
    """What stands in its file."""
    found = []
    for number, line in enumerate((FOLDER / f"{detector}.txt").read_text("utf-8").splitlines(), 1):
        if line[:2] in ("+ ", "- "):
            text, spans = _marked(line[2:].replace("⏎", "\n").replace("¦", ""))
            assert (line[0] == "+") == bool(spans), f"{detector}.txt:{number}"
            found.append(Example(number, text, spans))
    return found


def _marked(text: str) -> tuple[bytes, tuple[tuple[int, int], ...]]:
    plain, spans = b"", []
    for index, part in enumerate(text.split("⟦")):
        inside, closed, after = part.partition("⟧")
        if index:
            assert closed, text
            spans.append((len(plain), len(plain) + len(inside.encode())))
            plain += inside.encode() + after.encode()
        else:
            plain += part.encode()
    return plain, tuple(spans)
