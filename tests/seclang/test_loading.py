"""Files: patterns, Include in all its forms, cycles, bounds, and the bytes in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from stockade import seclang
from stockade.seclang import Directive, Parsed, Rule, load, load_text, to_bytes


def said(parsed: Parsed, folder: Path) -> list[str]:
    return [str(problem).replace(f"{folder}/", "") for problem in parsed.problems]


def ids(parsed: Parsed) -> list[int]:
    return [statement.id for statement in parsed.statements if isinstance(statement, Rule)]


def rule(number: int) -> str:
    return f'SecRule ARGS "@rx x" "id:{number},deny"\n'


@pytest.fixture
def write(tmp_path: Path):
    def writer(**files: str) -> None:
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_conf", ".conf")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return writer


def test_files_in_order_and_patterns_by_name(tmp_path: Path, write) -> None:
    write(setup_conf=rule(1), rules__b_conf=rule(3), rules__a_conf=rule(2), rules__c="nonsense")
    parsed = load([tmp_path / "setup.conf", str(tmp_path / "rules" / "*.conf")])
    assert (ids(parsed), parsed.problems) == ([1, 2, 3], ())
    assert parsed.statements[1].place.file == str(tmp_path / "rules" / "a.conf")


def test_include_is_relative_to_its_file(tmp_path: Path, write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    write(
        main_conf=f'{rule(1)}Include rules/all.conf\nIncludeOptional "none/*.conf"\n{rule(4)}',
        rules__all_conf="Include sub/*.conf\nIncludeOptional nothing.conf\n",
        rules__sub__x_conf=rule(2),
        rules__sub__y_conf=f"Include {tmp_path}/last.conf",
        last_conf=rule(3),
    )
    parsed = load([tmp_path / "main.conf"])
    assert (ids(parsed), parsed.problems) == ([1, 2, 3, 4], ())


def test_text_with_include(tmp_path: Path, write) -> None:
    write(a_conf=rule(2))
    parsed = load_text(f"{rule(1)}Include a.conf\n", tmp_path / "text.conf")
    assert (ids(parsed), parsed.problems) == ([1, 2], ())
    assert ids(load_text(f"Include {tmp_path}/a.conf")) == [2]


def test_text_after_files(tmp_path: Path, write) -> None:
    write(a_conf=rule(1) + 'SecAction "id:2,pass,skipAfter:END"\n')
    parsed = load([tmp_path / "a.conf"], f"SecMarker END\n{rule(1)}")
    assert said(parsed, tmp_path) == ["<text>:2: the id 1 is taken by the rule at a.conf:1"]


def test_what_is_not_there(tmp_path: Path, write) -> None:
    write(main_conf="Include nothing.conf\nInclude no/*.conf\nInclude folder\n", folder__a_conf="")
    parsed = load([tmp_path / "main.conf", tmp_path / "none.conf", tmp_path / "*.none", tmp_path])
    assert said(parsed, tmp_path) == [
        "main.conf:1: Include: there is no file 'nothing.conf'",
        "main.conf:2: Include: no file matches 'no/*.conf'; IncludeOptional may find none",
        "main.conf:3: folder is no file; include its files with /*.conf",
        "none.conf:1: there is no such file",
        "*.none:1: no file matches this pattern",
        f"{tmp_path}:1: {tmp_path} is no file; include its files with /*.conf",
    ]


def test_cycles(tmp_path: Path, write) -> None:
    write(a_conf="Include b.conf\n", b_conf="\nInclude a.conf\n", c_conf="Include *.conf\n")
    parsed = load([tmp_path / "a.conf"])
    assert said(parsed, tmp_path) == ["b.conf:2: a.conf includes itself"]
    assert len(load([tmp_path / "c.conf"]).problems) == 3


def test_depth_is_bounded(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}.conf").write_text(f"Include {number + 1}.conf\n")
    assert said(load([tmp_path / "0.conf"]), tmp_path) == ["15.conf:1: more than 16 files include one another"]


def test_one_file_many_times_is_bounded(tmp_path: Path) -> None:
    """Each file includes the next twice: 2¹⁵ files, were there no bound."""
    for number in range(15):
        (tmp_path / f"{number}.conf").write_text(f"Include {number + 1}.conf\n" * 2)
    (tmp_path / "15.conf").write_text("SecRuleEngine On\n")
    parsed = load([tmp_path / "0.conf"])
    assert "more than 10000 files" in parsed.problems[0].text
    assert len(parsed.problems) <= 10_001


@pytest.mark.parametrize("path", ["a\0b", "a" * 5000, "/dev/null", "*" * 300])
def test_paths_that_are_none(path: str) -> None:
    assert len(load([path]).problems) >= 1


def test_ids_across_files(tmp_path: Path, write) -> None:
    write(a_conf=rule(1), b_conf=f"\n{rule(1)}")
    parsed = load([tmp_path / "a.conf", tmp_path / "b.conf"])
    assert said(parsed, tmp_path) == ["b.conf:2: the id 1 is taken by the rule at a.conf:1"]


def test_chains_end_with_their_file(tmp_path: Path, write) -> None:
    write(a_conf='SecRule ARGS "x" "id:1,chain,deny"\n', b_conf='SecRule ARGS "x" "t:none"\n')
    parsed = load([tmp_path / "a.conf", tmp_path / "b.conf"])
    assert said(parsed, tmp_path) == [
        "a.conf:1: this rule ends in `chain`, so a rule must follow it, but the file a.conf ends there",
        "b.conf:1: the rule has no id; give it one of its own, as in id:100001",
    ]


def test_problems_stand_in_the_order_of_lines(tmp_path: Path, write) -> None:
    write(a_conf='SecAction "id:1,pass,skipAfter:X"\nNope\nInclude b.conf\nNope\n', b_conf="Nope\n")
    assert [text.split(" ")[0] for text in said(load([tmp_path / "a.conf"]), tmp_path)] == [
        "a.conf:1:",
        "a.conf:2:",
        "a.conf:4:",
        "b.conf:1:",
    ]


EVERY_BYTE = bytes(byte for byte in range(1, 256) if byte not in b'\r\n"\\')


def test_bytes_come_back(tmp_path: Path) -> None:
    path = tmp_path / "a.conf"
    path.write_bytes(b'\xef\xbb\xbf# caf\xe9\nSecRule ARGS "@rx ' + EVERY_BYTE + b'\xc3\xa9" "id:1,msg:\'na\xefve\'"\n')
    parsed = load([path])
    assert parsed.problems == ()
    (found,) = parsed.statements
    assert isinstance(found, Rule)
    assert found.operator is not None
    assert b"".join(to_bytes(str(part)) for part in found.operator.argument) == EVERY_BYTE + b"\xc3\xa9"
    assert to_bytes(found.all("msg")[0]) == b"na\xefve"


def test_settings_and_their_places(tmp_path: Path, write) -> None:
    write(a_conf="\n\nSecRuleEngine On\n")
    (found,) = load([tmp_path / "a.conf"]).statements
    assert isinstance(found, Directive)
    assert str(found.place) == f"{tmp_path}/a.conf:3"


def test_the_door() -> None:
    assert all(hasattr(seclang, name) for name in seclang.__all__)
    assert sorted(seclang.__all__) == seclang.__all__
