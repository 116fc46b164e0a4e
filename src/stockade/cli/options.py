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


def seconds(text: str, option: str, least: float = 0.0) -> float:
    """A duration such as 90d. Raises BadParameter."""
    from stockade.config.units import parse_duration

    try:
        found = parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
    if found < least:
        raise typer.BadParameter(f"{text!r} is too short; the least is {least:g}s", param_hint=option)
    return found


PolicyFile = Annotated[Path, typer.Argument(help="The policy file.", metavar="FILE", show_default=True)]
Policy = Annotated[Path, typer.Option("--policy", "-p", help="The policy file.", metavar="FILE")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
DEFAULT_POLICY = Path("stockade.yaml")
