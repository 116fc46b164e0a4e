"""`python -m tests.corpus.build` writes honest.jsonl and attacks.jsonl anew, always the same."""

from __future__ import annotations

from collections.abc import Iterable

from tests.corpus.attacks import attacks
from tests.corpus.cases import ATTACKS, HONEST, Case, dump
from tests.corpus.honest import honest


def build() -> dict[str, str]:
    """The text of each file, by its name."""
    return {HONEST.name: dump(unique(honest())), ATTACKS.name: dump(unique(attacks()))}


def unique(cases: Iterable[Case]) -> list[Case]:
    return list({case.id: case for case in cases}.values())


if __name__ == "__main__":
    for name, text in build().items():
        HONEST.with_name(name).write_text(text, "utf-8")
        print(f"{name}: {text.count(chr(10))} requests")  # noqa: T201
