"""The table of owners at ten million objects: room, time, memory, and what becomes of more than it has room for.

    python benchmarks/owners_table.py [--objects 10000000] [--output docs/ownership.md]

A file, as `stockade up` has it; each object has one owner of 500,000. Looking up is measured for
objects at random, from Python, as the best of five rounds; learning
in seconds of processor time. `--output` writes the figures into the page.

Exit status: 0 all well, 1 an owner was lost within the room that was asked for, or memory went beyond it.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from stockade.ownership import MINE
from stockade.stores import Owners

AT, KEEP, KIND = 1_763_769_600.0, 90 * 86400.0, "shop/order"
PEOPLE = 500_000
BEGIN, END = "<!-- figures: benchmarks/owners_table.py -->\n", "<!-- end of the table's figures -->\n"


def resident() -> float:
    """MiB of this process, the mapped file included."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def fill(store: Owners, start: int, count: int, at: float) -> float:
    hold, began = store.edges.hold, time.process_time()
    for number in range(start, start + count):
        hold(KIND, str(number), f"principal:{number % PEOPLE}", at, KEEP, False)
    return time.process_time() - began


def look_up(store: Owners, objects: int) -> float:
    """µs, of the best round."""
    chance, find, best = random.Random(1), store.edges.find, float("inf")
    for _ in range(5):
        numbers = [chance.randrange(objects) for _ in range(20_000)]
        asked = [((str(number),), (f"principal:{number % PEOPLE}",)) for number in numbers]
        began = time.perf_counter()
        for ids, names in asked:
            find(KIND, ids, names, AT, KEEP)
        best = min(best, (time.perf_counter() - began) / len(asked))
    return best * 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description="The table of owners, full.")
    parser.add_argument("--objects", type=int, default=10_000_000)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    count = arguments.objects
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stockade.owners"
        before, began = resident(), time.perf_counter()
        store = Owners(path, count)
        made = time.perf_counter() - began
        filled = fill(store, 0, count, AT)
        evicted, size, grown = store.edges.evicted, path.stat().st_size, resident() - before
        sample = random.Random(2).sample(range(count), 100_000)
        lost = sum(
            store.edges.find(KIND, (str(each),), (f"principal:{each % PEOPLE}",), AT, KEEP) != (MINE,)
            for each in sample
        )
        quick = look_up(store, count)
        more = fill(store, count, count // 2, AT + 86400)
        after = resident() - before
        began = time.perf_counter()
        store.close()
        again = Owners(path, count)
        opened = time.perf_counter() - began
        again.close()
    lines = [
        "| | |",
        "|---|---|",
        f"| objects | {count:,} |",
        f"| bytes an object | {size / count:.1f} |",
        f"| file | {size / (1 << 20):.0f} MiB |",
        f"| memory of a process that touched all of it | {grown:.0f} MiB more |",
        f"| to make the file | {made:.2f} s |",
        f"| to learn them all | {filled:.1f} s, {filled / count * 1e6:.2f} µs each |",
        f"| live owners that gave way | {evicted} |",
        f"| to look one up, at random | {quick:.2f} µs |",
        f"| half as many again | {more:.1f} s; memory {after:.0f} MiB |",
        f"| to open it again | {opened * 1000:.0f} ms |",
    ]
    print("\n".join(lines))
    if arguments.output is not None:
        page = arguments.output.read_text()
        head, _, rest = page.partition(BEGIN)
        arguments.output.write_text(head + BEGIN + "\n" + "\n".join(lines) + "\n\n" + END + rest.partition(END)[2])
    return int(lost > evicted or after > grown + 64)


if __name__ == "__main__":
    sys.exit(main())
