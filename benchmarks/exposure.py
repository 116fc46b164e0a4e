"""What the search for leaks costs: a JSON response of 10 KB past all detectors, beside presidio-analyzer's pattern
recognisers (no language model, no context words) on the same text in the same run.

    python benchmarks/exposure.py            # prints a table; --write puts it into results.md
"""

from __future__ import annotations

import json
import random
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.report import machine, number, replace_section, table
from stockade.detectors import DETECTORS, Action, Stream, scanner

SIZE = 10 * 1024  # bytes
ROUNDS, SECONDS = 7, 0.15  # each round, each engine
RESULTS = Path(__file__).with_name("results.md")
_WORDS = ("Plain", "Oak", "Blue", "Folding", "Grand")


def document(people: int) -> bytes:
    """A list of goods with identifiers, hashes, prices and times, and so many people with what may not leave."""
    chance = random.Random(5)
    found: list[dict[str, object]] = [
        {
            "name": f"Ada {n}",
            "email": f"ada.{n}@example.com",
            "phone": f"+1-202-555-01{n:02}",
            "card": "4111 1111 1111 1111",
            "iban": "DE89370400440532013000",
        }
        for n in range(people)
    ]
    while len(json.dumps(found)) < SIZE:
        number = len(found)
        found.append(
            {
                "id": number,
                "sku": f"SKU-{chance.randrange(10**8):08}",
                "uuid": f"{chance.randrange(16**8):08x}-5d1c-4f1e-9c1b-{chance.randrange(16**12):012x}",
                "name": f"{chance.choice(_WORDS)} lamp",
                "price": round(chance.random() * 100, 2),
                "created": "2026-11-22T05:33:53.123Z",
                "etag": f"{chance.randrange(16**40):040x}",
            }
        )
    return json.dumps(found).encode()[:SIZE]


def ours(text: bytes) -> Callable[[], int]:
    """All detectors, all masking: how many findings."""
    search = scanner(frozenset(DETECTORS))
    actions: dict[str, Action] = dict.fromkeys(DETECTORS, "mask")
    return lambda: len(Stream(search, actions, json=True).whole(text)[1])


def presidio(text: bytes) -> Callable[[], int] | None:
    """Its recognisers of e-mail, telephone, card, IBAN, address and United States SSN; None where it is not there."""
    try:
        import tldextract.tldextract
        from presidio_analyzer import predefined_recognizers as known
    except ImportError:
        return None
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())  # the list it brings: no network
    names = ("Email", "Phone", "CreditCard", "Iban", "Ip", "UsSsn")
    recognisers = [getattr(known, f"{name}Recognizer")() for name in names]
    decoded = text.decode()

    def analyse() -> int:
        return sum(len(one.analyze(decoded, one.supported_entities, None) or ()) for one in recognisers)

    return analyse


def cost(work: Callable[[], int]) -> float:
    """Microseconds of one call, over one round."""
    count, began = 0, process_time()
    while process_time() - began < SECONDS:
        work()
        count += 1
    return (process_time() - began) / count * 1e6


def measured(people: int) -> list[str]:
    """A row of the table."""
    text = document(people)
    engines = [ours(text), presidio(text)]
    found = [one() if one is not None else None for one in engines]
    rounds: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for index, one in enumerate(engines):
            if one is not None:
                rounds[index].append(cost(one))
    mine = statistics.median(rounds[0])
    peer = statistics.median(rounds[1]) if rounds[1] else None
    ratio = statistics.median(b / a for a, b in zip(*rounds, strict=True)) if rounds[1] else None
    return [
        f"{people} people",
        number(mine, ",.0f", " µs"),
        number(found[0]),
        number(peer, ",.0f", " µs"),
        number(found[1]),
        number(ratio, ",.0f", "×"),
    ]


def main() -> None:
    header = [
        "10 KB of JSON",
        f"Stockade, {len(DETECTORS)} detectors",
        "found",
        "presidio, 6 recognisers",
        "found",
        "ratio",
    ]
    body = table(header, [measured(people) for people in (0, 1, 5, 20)])
    text = f"{machine()}. CPU time, medians of {ROUNDS} rounds.\n\n{body}"
    print(text)
    if "--write" in sys.argv:
        before = RESULTS.read_text() if RESULTS.exists() else ""
        RESULTS.write_text(replace_section(before, "Leaks", text))


if __name__ == "__main__":
    main()
