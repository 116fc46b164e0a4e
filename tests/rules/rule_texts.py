"""The texts beside each rule file: `20-sqli.tests.yaml` has for every rule of `20-sqli.conf` attacks that it must match
and honest texts that it must not.

    7020100:
      attacks:
        - x' or 1=1
        - {query: "id=1'%20or%20'1'='1"}
      honest:
        - O'Brien or Smith

An item is a text, which `sending` puts wherever the rule looks, or a mapping, which is one request:

    {query: "a=1&b=2"}                        as it stands, escapes and all
    {path: /a/%2e%2e/b}                       likewise, a query included
    {json: {user: {$ne: null}}}               a body, given as the value that it says
    {form: "a=1&b=2"}, {body: …, type: …}     a body, as it stands; `bytes` is a body whose characters are its bytes
    {file: shell.php}                         an upload of that name
    {header: {Range: bytes=0-}}, {cookie: "a=b; c=d"}, {method: TRACE}
    {response: …, type: …}                    what the server answers

Beside `attacks` and `honest` a rule may have

    field: url                                the name of the fields in which its texts stand
    encoded: base64 | basic                   how they are sent: in base64, or as credentials
    as: 7020100                               the texts are those of another rule
    unreached: {REQUEST_FILENAME: why}        targets in which no text can match
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from msgspec import Struct, convert

RULES = Path(str(files("stockade") / "rules"))
Item: TypeAlias = str | dict[str, Any]


class _Entry(Struct, forbid_unknown_fields=True, rename={"like": "as"}):
    """A rule of the file, as it is written."""

    attacks: list[Item] = []
    honest: list[Item] = []
    field: str = ""
    encoded: str = ""
    like: int = 0
    unreached: dict[str, str] = {}


class Texts(Struct, frozen=True):
    """What a rule is tried with."""

    attacks: list[Item]
    honest: list[Item]
    field: str
    encoded: str
    unreached: dict[str, str]


# The same, several times faster, where PyYAML was built with libyaml.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_texts() -> dict[int, Texts]:
    """Of every rule that has some, in the order of the files."""
    entries: dict[int, _Entry] = {}
    for path in files_of_texts():
        own = convert(yaml.load(path.read_text("utf-8"), _Loader), dict[int, _Entry])
        twice = entries.keys() & own.keys()
        assert not twice, f"{path.name}: {twice} stand in another file as well"
        entries |= own
    return {rule: _texts(entry, entries) for rule, entry in entries.items()}


def _texts(entry: _Entry, entries: Mapping[int, _Entry]) -> Texts:
    """Of one rule. What is lent to another are texts: a request that stands as such is the lender's alone."""
    if not entry.like:
        return Texts(entry.attacks, entry.honest, entry.field, entry.encoded, entry.unreached)
    lender = entries[entry.like]
    attacks = [*entry.attacks, *(item for item in lender.attacks if isinstance(item, str))]
    honest = [*entry.honest, *(item for item in lender.honest if isinstance(item, str))]
    return Texts(attacks, honest, entry.field or lender.field, entry.encoded or lender.encoded, entry.unreached)


def files_of_texts() -> list[Path]:
    return sorted(RULES.glob("*.tests.yaml"))
