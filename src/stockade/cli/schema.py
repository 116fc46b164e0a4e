"""`stockade schema`."""

from __future__ import annotations

from stockade.cli.display import print_json


def schema() -> None:
    """Print the JSON Schema of the policy file, for editors.

    \b
    Example: stockade schema > stockade.schema.json
    """
    from stockade.config.schema import policy_schema

    print_json(policy_schema())
