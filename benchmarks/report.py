"""Writes benchmark figures down: facts about the machine, Markdown tables, and one section per benchmark in one file.

No date and no host name: the file is committed, and a change in it should mean that a figure changed.
"""

import os
import platform
from collections.abc import Sequence
from pathlib import Path

TITLE = """\
# Benchmark results

Written by the programs in this folder, each its own section. Machines differ and neighbours make noise: compare
figures within a section, where they come from one run, and not across sections.
"""


def machine() -> str:
    """Cores, processor model, memory and kernel, in one line."""
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores, {processor()}, {gib:.0f} GiB, Linux {platform.release().partition('-')[0]}"


def processor() -> str:
    """The processor's model as the kernel knows it; ARM kernels give none, so the architecture must do."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def table(header: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int = 1) -> str:
    """A Markdown table; the first columns are text, the others numbers, set right."""
    rule = [":--" if column < text_columns else "--:" for column in range(len(header))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))


def number(value: float | None, form: str = ",.0f", unit: str = "") -> str:
    """A figure, or a dash where there is none."""
    return "–" if value is None else f"{value:{form}}{unit}"


def replace_section(document: str, name: str, body: str) -> str:
    """The document with the section `## name` replaced, or added at the end; other sections stay as they are."""
    heading = f"## {name}"
    lines = (document or TITLE).splitlines()
    new = [heading, "", *body.strip().splitlines(), ""]
    if heading not in lines:
        return "\n".join([*lines, "", *new]).rstrip() + "\n"
    begin = lines.index(heading)
    end = next((at for at in range(begin + 1, len(lines)) if lines[at].startswith("## ")), len(lines))
    return "\n".join([*lines[:begin], *new, *lines[end:]]).rstrip() + "\n"


def write_section(path: Path, name: str, body: str) -> None:
    """Put a section into the file, which is made if need be."""
    document = path.read_text() if path.exists() else ""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(replace_section(document, name, body))
