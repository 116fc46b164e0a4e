"""The contract beside openapi-core, in process: path match, parameters and a body of 350 bytes, in one run.

    python benchmarks/schema.py [--rounds 9] [--requests 400] [--quick] [--output benchmarks/results.md]

Both check the same requests against the same description, of 10 and of 2,000 operations, each in turn in every round.
No two requests are alike. Refused requests, each with one wrong value in its body, are measured by themselves.

Exit status: 0 all well, 1 a peer let a wrong request pass or refused a good one, 2 bad arguments.
"""

from __future__ import annotations

import argparse
import gc
import json
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a file, it finds its own folder only

from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest

from benchmarks import report
from stockade.openapi.contract import Contract, Match
from stockade.wire import Headers

SIZES = (10, 2000)
BODY = 350  # bytes
HOST = "https://shop.example"
OURS, PEER = "stockade", "openapi-core"
QUICK_ROUNDS, QUICK_REQUESTS = 3, 40
PEERS_SHARE = 10  # the peer is given one request in so many: it takes that much longer


class Sent(NamedTuple):
    """One request in the form of each side."""

    path: str
    query: str
    arguments: dict[str, str]
    headers: dict[str, str]
    fields: Headers
    body: bytes


Judge = Callable[[Sent], bool]  # whether the request is refused
Costs = dict[tuple[int, bool, str], list[float]]  # µs per request, by size, good or not, and side: one per round


def document(operations: int) -> dict[str, Any]:
    """A description with that many operations, all alike but for their paths."""
    line = {
        "type": "object",
        "properties": {
            "sku": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{4}$"},
            "quantity": {"type": "integer", "minimum": 1, "maximum": 99},
            "price": {"type": "number", "minimum": 0},
        },
        "required": ["sku", "quantity"],
        "additionalProperties": False,
    }
    order = {
        "type": "object",
        "properties": {
            "customer": {"type": "string", "format": "uuid"},
            "currency": {"enum": ["EUR", "USD", "GBP"]},
            "note": {"type": "string", "maxLength": 200},
            "gift": {"type": "boolean"},
            "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}, "minItems": 1, "maxItems": 50},
        },
        "required": ["customer", "lines"],
        "additionalProperties": False,
    }
    operation = {
        "parameters": [
            {"name": "shop", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 20}},
            {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}},
            {"name": "dry_run", "in": "query", "schema": {"type": "boolean"}},
            {"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1}},
            {"name": "X-Request-Id", "in": "header", "schema": {"type": "string", "format": "uuid"}},
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}},
        },
        "responses": {"201": {"description": "placed"}},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Benchmark", "version": "1"},
        "servers": [{"url": HOST}],
        "paths": {f"/shops/{{shop}}/resource{number}/{{id}}": {"post": operation} for number in range(operations)},
        "components": {"schemas": {"Order": order, "Line": line}},
    }


def requests_of(operations: int, count: int, seed: int, *, good: bool) -> list[Sent]:
    """Requests that differ in every value, spread over all operations."""
    made = []
    for number in range(seed, seed + count):
        place = number * 7919 % operations
        identity = str(UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128))
        headers = {"x-request-id": identity, "content-type": "application/json", "accept": "*/*"}
        arguments = {"dry_run": "true" if number % 2 else "false", "page": str(number + 1)}
        made.append(
            Sent(
                f"/shops/shop{number}/resource{place}/{number + 1}",
                "&".join(f"{name}={value}" for name, value in arguments.items()),
                arguments,
                headers,
                Headers.of(headers.items()),
                _body(number, identity, good),
            )
        )
    return made


def _body(number: int, identity: str, good: bool) -> bytes:
    lines = [
        {"sku": f"ABC-{(number + index) % 10_000:04}", "quantity": (number + index) % 99 + 1, "price": number + 0.5}
        for index in range(3)
    ]
    order = {"customer": identity, "currency": "EUR", "gift": number % 2 == 0, "lines": lines, "note": ""}
    if not good:
        lines[-1]["quantity"] = 0
    size = len(json.dumps(order, separators=(",", ":")))
    return json.dumps({**order, "note": "n" * (BODY - size)}, separators=(",", ":")).encode()


def stockade(described: dict[str, Any]) -> Judge:
    """Our contract, compiled."""
    contract = Contract.compile(described)

    def judge(sent: Sent) -> bool:
        found = contract.match("POST", sent.path)
        if not isinstance(found, Match):
            return True
        content_type = sent.fields.get("content-type")
        return bool(found.check_head(sent.query, sent.fields) or found.operation.check_body(content_type, sent.body))

    return judge


def openapi_core(described: dict[str, Any]) -> Judge:
    """openapi-core, its validators made."""
    made = OpenAPI.from_dict(described)

    def judge(sent: Sent) -> bool:
        request = MockRequest(
            HOST,
            "POST",
            sent.path,
            args=sent.arguments,
            headers=sent.headers,
            data=sent.body,
            content_type="application/json",
        )
        try:
            made.validate_request(request)
        except OpenAPIError:
            return True
        return False

    return judge


def one_pass(judge: Judge, requests: Sequence[Sent], *, good: bool) -> float:
    """Processor time per request in microseconds. Raises ValueError where the verdict is wrong."""
    gc.collect()
    begun = time.process_time()
    refused = sum(map(judge, requests))
    spent = time.process_time() - begun
    if refused != (0 if good else len(requests)):
        raise ValueError(f"{refused} of {len(requests)} requests were refused")
    return spent / len(requests) * 1e6


def measured(rounds: int, count: int) -> Costs:
    """All sizes and both kinds of requests, round by round."""
    costs: Costs = {}
    for size in SIZES:
        described = document(size)
        sides = {OURS: stockade(described), PEER: openapi_core(described)}
        for good in (True, False):
            for turn in range(-1, rounds):  # the first warms up
                for name, judge in sides.items():
                    share = count if name == OURS else max(1, count // PEERS_SHARE)
                    cost = one_pass(judge, requests_of(size, share, (turn + 1) * count, good=good), good=good)
                    if turn >= 0:
                        costs.setdefault((size, good, name), []).append(cost)
    return costs


def section(costs: Costs, command: str, rounds: int) -> str:
    """The section of results.md."""
    rows = []
    for size in SIZES:
        for good in (True, False):
            ours, peers = costs[size, good, OURS], costs[size, good, PEER]
            ratios = [theirs / mine for mine, theirs in zip(ours, peers, strict=True)]
            rows.append(
                (
                    f"{size:,}",
                    "good" if good else "refused",
                    f"{statistics.median(ours):.1f}",
                    f"{statistics.median(peers):,.0f}",
                    f"{statistics.median(ratios):.0f} ({min(ratios):.0f} … {max(ratios):.0f})",
                )
            )
    header = ("operations", "requests", f"{OURS} µs", f"{PEER} µs", "ratio")
    facts = (
        f"- Machine: {report.machine()}",
        f"- Versions: openapi-core {version('openapi-core')}, jsonschema-rs {version('jsonschema-rs')}, "
        f"Stockade {version('stockade')}, Python {sys.version.partition(' ')[0]}",
        f"- Command: `{command}`",
        f"- Processor time per request: path match, two parameters each of path and query, one of the header, a JSON "
        f"body of {BODY} bytes. Medians of {rounds} rounds; ratios within a round: median (least … greatest).",
    )
    return "\n".join([*facts, "", report.table(header, rows, 2)])


def main(arguments: Sequence[str]) -> int:
    """Run as a command; gives the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="rounds per case (default 9)")
    parser.add_argument("--requests", type=int, default=400, help="requests per round (default 400)")
    parser.add_argument("--quick", action="store_true", help="a short run, to see that it runs")
    parser.add_argument(
        "--output", type=Path, default=Path(__file__).with_name("results.md"), help="file of the section"
    )
    found = parser.parse_args(arguments)
    if found.rounds < 1 or found.requests < PEERS_SHARE:
        parser.error(f"--rounds begins at 1, --requests at {PEERS_SHARE}")
    if found.quick:
        found.rounds, found.requests = QUICK_ROUNDS, QUICK_REQUESTS
    try:
        costs = measured(found.rounds, found.requests)
    except ValueError as error:
        print(f"{found.output} is left as it was: {error}", file=sys.stderr)
        return 1
    text = section(costs, shlex.join(["python", "benchmarks/schema.py", *arguments]), found.rounds)
    print(f"## schema\n\n{text}")
    report.write_section(found.output, "schema", text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
