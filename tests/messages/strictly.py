"""The reader of JSON that policies give to schemas of messages."""

from __future__ import annotations

from typing import Any

from stockade.messages import NotJson
from stockade.payloads import BadPayload, Limits, read_json


def strictly(data: bytes) -> Any:
    try:
        return read_json(data, Limits(string=1 << 20))
    except BadPayload as error:
        raise NotJson(error.faults[0].pointer, error.faults[0].rule) from None
