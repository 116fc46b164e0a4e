"""What is absent: a skip on a user's machine, a failure in CI."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.absent import installed, module, present, program

LACKING: dict[str, tuple[Callable[[], object], str]] = {
    "a file": (lambda: present(Path("/nowhere/at/all"), "from there"), "/nowhere/at/all is not there: from there"),
    "a program": (lambda: program("no-such", "nor-this", what="get it"), "no-such or nor-this is not there: get it"),
    "a package": (lambda: installed("no_such_package"), "no_such_package is not there: pip install --group dev"),
    "a module": (lambda: module("no_such_package.part"), "no_such_package is not there: pip install --group dev"),
}


@pytest.mark.parametrize("lacking", LACKING)
@pytest.mark.parametrize(
    ("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)], ids=["in CI", "elsewhere"]
)
def test_what_is_lacking(lacking: str, ci: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", ci)
    lookup, said = LACKING[lacking]
    with pytest.raises(outcome) as raised:
        lookup()
    assert str(raised.value) == said


def test_what_is_there(tmp_path: Path) -> None:
    assert present(tmp_path, "") == tmp_path
    assert Path(program("no-such", "sh", what="")).name == "sh"
    assert module("json.decoder").JSONDecoder
    installed("json")


def test_a_module_that_cannot_be_imported_is_not_taken_for_absent() -> None:
    with pytest.raises(ModuleNotFoundError):
        module("json.no_such_part")
