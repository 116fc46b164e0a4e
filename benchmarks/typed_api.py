"""An API as machines use it, for `contract_waf.py`: identifiers, times, enumerations, numbers, no free text."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any
from uuid import UUID

_ID = {"type": "string", "format": "uuid"}
_TIME = {"type": "string", "format": "date-time"}
_SKU = {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{5}$"}
_STATUS = {"type": "string", "enum": ["packed", "sent", "delivered"]}
_ITEM = {
    "type": "object",
    "additionalProperties": False,
    "required": ["sku", "quantity", "price"],
    "properties": {"sku": _SKU, "quantity": {"type": "integer"}, "price": {"type": "number"}},
}
_SHIPMENT = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "id": _ID,
        "order": _ID,
        "created": _TIME,
        "status": _STATUS,
        "items": {"type": "array", "items": _ITEM},
        "weight": {"type": "number"},
        "insured": {"type": "boolean"},
    },
}
_ANSWER = {"responses": {"200": {"description": "good"}}}


def _query(**schemas: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "schema": schema} for name, schema in schemas.items()]


DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Shipments", "version": "1"},
    "paths": {
        "/shipments": {
            "get": {
                "parameters": _query(after=_TIME, carrier=_ID, status=_STATUS, limit={"type": "integer"}),
                **_ANSWER,
            },
            "post": {"requestBody": {"content": {"application/json": {"schema": _SHIPMENT}}}, **_ANSWER},
        },
        "/shipments/{id}": {
            "patch": {
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": _ID}],
                "requestBody": {"content": {"application/json": {"schema": _SHIPMENT}}},
                **_ANSWER,
            }
        },
    },
}


def traffic(count: int) -> Iterator[tuple[str, str, bytes]]:
    """Method, target and JSON body ("" where there is none); no two alike."""
    chance = random.Random(11)

    def uuid() -> str:
        return str(UUID(int=chance.getrandbits(128), version=4))

    def time() -> str:
        second = f"{chance.randint(0, 59):02}.{chance.randint(0, 999):03}"
        return f"2026-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}T{chance.randint(0, 23):02}:05:{second}Z"

    def item() -> dict[str, Any]:
        sku = f"{''.join(chance.choices('ABCDEFGHJKLMNPQRSTUVWXYZ', k=3))}-{chance.randrange(10**5):05}"
        return {"sku": sku, "quantity": chance.randint(1, 500), "price": chance.randint(1, 10**6) / 100}

    for number in range(count):
        if number % 3 == 0:
            yield "GET", f"/shipments?after={time()}&carrier={uuid()}&status=sent&limit={chance.randint(1, 100)}", b""
            continue
        shipment = {
            "order": uuid(),
            "created": time(),
            "status": "packed",
            "weight": chance.random() * 50,
            "insured": True,
        }
        shipment["items"] = [item() for _ in range(chance.randint(1, 8))]
        target = "/shipments" if number % 3 == 1 else f"/shipments/{uuid()}"
        yield ("POST" if number % 3 == 1 else "PATCH"), target, json.dumps(shipment).encode()
