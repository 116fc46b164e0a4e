"""`stockade check`."""

from __future__ import annotations

import sys

from stockade.cli.display import print_json, print_table
from stockade.cli.options import DEFAULT_POLICY, AsJson, PolicyFile


def check(file: PolicyFile = DEFAULT_POLICY, as_json: AsJson = False) -> None:
    """Validate a policy and show what it does for each API.

    Example: stockade check stockade.yaml
    """
    from stockade.cli.protection import COLUMNS, protection
    from stockade.config import build, load
    from stockade.gateway.envoy.preflight import check_files

    loaded = load(file)
    built = build(loaded)
    check_files(loaded, built)
    rows = [row for api, route in zip(loaded.config.apis, built.policy.routes, strict=True) for row in protection(api, route)]
    if as_json:
        warnings = [str(warning) for warning in built.warnings]
        print_json({"protection": [dict(zip(COLUMNS, row, strict=True)) for row in rows], "warnings": warnings})
        return
    print_table(COLUMNS, rows)
    for warning in built.warnings:
        print(f"warning: {warning}", file=sys.stderr)
