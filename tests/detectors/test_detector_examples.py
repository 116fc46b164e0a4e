"""Every detector against its table of true and false examples; precision and recall are printed (`pytest -s`)."""

from __future__ import annotations

import pytest

from stockade.detectors import DETECTORS, Scanner, Stream
from tests.detectors.examples import FOLDER, Example, examples

# True and false examples: so many at least.
MANY = 40


def judged(name: str, example: Example) -> tuple[bytes, int]:
    """What is left of it when all that is found is masked, and how much was."""
    json = example.text[:1] in (b"{", b"[", b'"')
    passed, leaks = Stream(Scanner([name]), {name: "mask"}, json=json).whole(example.text)
    return passed, len(leaks)


def expected(example: Example, passed: bytes) -> bool:
    """Whether just the marked is masked."""
    masked = {index for start, end in example.spans for index in range(start, end)}
    return len(passed) == len(example.text) and all(
        byte in b"*9" if index in masked else byte == example.text[index] for index, byte in enumerate(passed)
    )


@pytest.mark.parametrize("name", DETECTORS)
def test_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = examples(name)
    true = [example for example in table if example.spans]
    false = [example for example in table if not example.spans]
    assert min(len(true), len(false)) >= MANY
    missed = [example.line for example in true if not expected(example, judged(name, example)[0])]
    invented = [example.line for example in false if judged(name, example)[1]]
    found = len(true) - len(missed)
    precision, recall = found / (found + len(invented)), found / len(true)
    with capsys.disabled():
        print(f"\n{name:16} {len(true):3} true {len(false):3} false  precision {precision:.3f}  recall {recall:.3f}")  # noqa: T201 - the figures are wanted
    assert (missed, invented) == ([], [])


def test_every_table_belongs_to_a_detector() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(DETECTORS)
