"""Arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PolicyFile = Annotated[Path, typer.Argument(help="The policy file.", metavar="[FILE]", show_default=True)]
Policy = Annotated[Path, typer.Option("--policy", "-p", help="The policy file.", metavar="FILE")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
DEFAULT_POLICY = Path("stockade.yaml")
