"""Arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def check_address(text: str) -> str:
    """The address in its one form. Raises BadParameter."""
    from stockade.networks.sets import parse_address

    address = parse_address(text)
    if address is None:
        raise typer.BadParameter(f"{text!r} is not an address such as 203.0.113.9 or 2001:db8::1")
    return str(address)


PolicyFile = Annotated[Path, typer.Argument(help="The policy file.", metavar="FILE", show_default=True)]
Policy = Annotated[Path, typer.Option("--policy", "-p", help="The policy file.", metavar="FILE")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
DEFAULT_POLICY = Path("stockade.yaml")
