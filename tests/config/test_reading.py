"""Files that no golden file can hold: huge, deep, binary, unreadable."""

from __future__ import annotations

from pathlib import Path

import pytest

from stockade.config import BadConfig, load, load_text
from stockade.config.reading import Reader

POLICY = """\
version: 1
listen: [{address: "127.0.0.1:8080"}]
apis:
  - name: shop
    upstream: {url: "http://127.0.0.1:9000"}
"""
PATH = Path("stockade.yaml")


def problems_of(data: bytes | str) -> list[str]:
    with pytest.raises(BadConfig) as caught:
        load_text(data, PATH, {})
    return str(caught.value).splitlines()


def test_a_missing_file_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"nowhere\.yaml: cannot be read: No such file.*stockade init"):
        load(tmp_path / "nowhere.yaml")


def test_a_folder_is_no_policy(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="cannot be read: Is a directory"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"version: 1\nname: \xff\xfe\n", "stockade.yaml:2: not UTF-8; save the file in that encoding"),
        (POLICY.encode("utf-16"), "stockade.yaml:1: not UTF-8; save the file in that encoding"),
        (b"\x7fELF\x02\x01\x01\x00\x00", "stockade.yaml:1: not valid YAML: the character #x007f is not allowed"),
        (b"version: 1\nname: a\x00b\n", "stockade.yaml:2: not valid YAML: the character #x0000 is not allowed"),
    ],
)
def test_other_encodings_and_binary_files(data: bytes, said: str) -> None:
    assert problems_of(data) == [said]


def test_a_byte_order_mark_is_no_text() -> None:
    loaded = load_text(b"\xef\xbb\xbf" + POLICY.encode(), PATH, {})
    assert loaded.text == POLICY


def test_carriage_returns_do_not_move_lines() -> None:
    assert load_text(POLICY.replace("\n", "\r\n"), PATH, {}).line("apis", 0, "upstream") == 5


def test_a_huge_file_is_refused_unread() -> None:
    assert problems_of("x: 1\n" * 300_000) == [
        "stockade.yaml: too large for a policy (1 MiB at most); long lists of networks are for firewall.feeds"
    ]


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 50_000, "- " * 50_000], ids=["lists", "mappings", "blocks"])
def test_depth_has_a_bound(text: str) -> None:
    assert problems_of(text) == ["stockade.yaml:1: not valid YAML: too deeply nested"]


def test_a_bomb_of_aliases_is_defused() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert problems_of("\n".join(levels)) == [
        "stockade.yaml:1: too many or too deeply nested values (do aliases multiply?)"
    ]


def test_many_problems_are_cut_short() -> None:
    said = problems_of(POLICY + "".join(f"key{number}: 1\n" for number in range(250)))
    assert len(said) == 101
    assert said[-1] == "… and 150 more"


def test_a_long_value_is_cut_short() -> None:
    (said,) = problems_of(POLICY.replace("shop", "S" * 10_000))
    assert len(said) < 300


def test_the_core_schema_of_yaml_1_2() -> None:
    text = "[off, no, yes, 010, 0x1f, 1_000, 12:30:45, 2024-01-01, 1.5, -3, true, FALSE, '1', .5, 1e3, <<]"
    read = Reader("p", {}).read(text)
    assert read == [
        *("off", "no", "yes", 10, "0x1f", "1_000", "12:30:45", "2024-01-01"),
        *(1.5, -3, True, False, "1", 0.5, 1000.0, "<<"),
    ]


def test_a_number_beyond_all_bounds() -> None:
    assert problems_of(f"version: {'9' * 5000}\n")[0].endswith("is no int")


def test_the_environment_fills_in_text() -> None:
    read = Reader("p", {"A": "x", "B": "${A}"}).read("['a${A}${A}b', '${B}', $A, $$]")
    assert read == ["axxb", "${A}", "$A", "$$"]
    assert repr(read[:2]) == "['a${A}${A}b', '${B}']", "what it is made of, not what it is"


def test_a_key_is_not_filled_in() -> None:
    assert problems_of(POLICY + "${A}: 1\n")[0] == (
        "stockade.yaml:6: unknown key '${A}'; there are version, listen, admin, log, keys, owners, database, secrets, "
        "workers, timeouts, connections, max_headers, drain, apis"
    )
