"""Apache's sections in rule files: `<IfModule security2_module>` … `</IfModule>`.

Distributions wrap rules in them so that Apache starts without the module. Stockade is the module, so a section for it
counts and one for its absence (`!security2_module`) does not. Other sections make rules hold in some places only,
which we cannot honour, so they are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stockade.seclang.problems import Hints, shown

_OURS = frozenset(
    {
        "mod_security2.c",
        "mod_security3.c",
        "mod_unique_id.c",
        "security2_module",
        "security3_module",
        "unique_id_module",
    }
)
_TAG = re.compile(r"<(/?)([A-Za-z]++)[ \t]*+([^>]*+)>[ \t]*+\Z")


class Sections:
    """The sections that are open in one file."""

    def __init__(self) -> None:
        self._open: list[tuple[int, str, bool]] = []  # line, name, whether it is for the absence of a module
        self._absent = 0

    @property
    def skipping(self) -> bool:
        """Whether the lines of the current section do not count."""
        return self._absent > 0

    def open(self) -> Iterator[tuple[int, str]]:
        """The line and the name of each section that is not closed."""
        return ((number, name) for number, name, _ in self._open)

    def read(self, text: str, number: int, hints: Hints) -> str:
        """Take a line that begins with <. What is wrong with it, or ""."""
        found = _TAG.match(text)
        if found is None:
            return f"{shown(text)} is not a section, as in <IfModule security2_module>"
        name = found[2]
        if found[1]:
            return self._close(name)
        self._open.append((number, name, False))
        if name.lower() != "ifmodule":
            hint = hints.did_you_mean(name, ("IfModule",))
            return f"<{name}> is refused: rules hold for a whole API; use exclusions in the policy{hint}"
        module = found[3].strip(" \t\"'")
        absent, module = module.startswith("!"), module.removeprefix("!").strip(" \t")
        if module.lower() not in _OURS:
            return f"<IfModule {module[:60]}>: Stockade has no Apache modules; take the section out, or its frame away"
        self._open[-1] = (number, name, absent)
        self._absent += absent
        return ""

    def _close(self, name: str) -> str:
        if not self._open or self._open[-1][1].lower() != name.lower():
            return f"</{name}> closes no section that is open"
        self._absent -= self._open.pop()[2]
        return ""
