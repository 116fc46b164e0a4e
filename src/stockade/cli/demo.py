"""`stockade demo`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the table.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The gateway's port; 0 picks a free one.")] = 8080,
) -> None:
    """Protect the sample shop, attack it, and show who stopped what.

    Exit status 1: something was not decided as it should be.

    Example: stockade demo --once
    """
    from stockade.cli.demonstration import run_demo

    sys.exit(run_demo(once=once, port=port))
