"""`stockade schema`."""

from __future__ import annotations

from stockade.cli.display import print_json


def schema() -> None:
    """Print the JSON Schema of the policy file, for editors.

    Example: stockade schema > stockade.schema.json
    """
    from stockade.config import Config

    document = Config.model_json_schema()
    document["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    document["title"] = "Stockade policy"
    print_json(document)
