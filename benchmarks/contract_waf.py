"""The WAF with and without the contract, in process: time per request and false positives, on requests that fit.

    python benchmarks/contract_waf.py [--rules builtin|crs] [--paranoia 1] [--rounds 5]
    python benchmarks/contract_waf.py --typed
    python benchmarks/contract_waf.py --description URL-OR-FILE [--operations 40]

CPU time, the least of all rounds. Limits of structure hold with and without the contract, as they do by default.
`--typed` is an API as machines use it: identifiers, times, enumerations, numbers, no two requests alike. Without it and
`--description` the API is the sample shop, and what people type is that of tests/corpus. With a description requests
are made up from it by schemathesis: their texts are random, so false positives say little, times much. A large public
one is https://raw.githubusercontent.com/stripe/openapi/master/openapi/spec3.json.

Exit status: 0 all well, 1 the contract refused a request that fits, 2 bad arguments.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a file, it finds its own folder only
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))

from benchmarks import typed_api
from stockade.config import build, load_text
from stockade.engine import REQUEST_HEAD, Policy, RequestBody, drive, open_session
from stockade.stores.documents import load_document
from stockade.vocabulary import Stop
from stockade.wire import Headers, Peer, Request

ROOT = Path(__file__).resolve().parents[1]
MATERIAL = ("search.lines", "prose.lines", "names.lines", "languages.lines", "traps.lines", "queries.lines")
SHORT = 200  # characters of a text: what the shop takes
TITLES = ("WAF", "contract", "contract, WAF", "strict, WAF")
CASES = 5  # of one operation of a given description


def request(method: str, target: str, kind: str = "", body: bytes = b"") -> tuple[Request, bytes]:
    path, _, query = target.partition("?")
    fields = [("host", "shop.example"), ("user-agent", "okhttp/4.12.0"), ("accept", "application/json")]
    fields += [("content-type", kind), ("content-length", str(len(body)))] if body else []
    peer = Peer("192.0.2.1")
    fixed = ("r", 0.0, method, "https", "shop.example", path, query, Headers.of(fields), peer)
    return Request(*fixed, has_body=bool(body)), body


def of_shop() -> Iterator[tuple[Request, bytes]]:
    """Each text in the places where the shop takes one, among requests that carry numbers alone."""
    lines = [
        line
        for name in MATERIAL
        for line in (ROOT / "tests" / "corpus" / "material" / name).read_text("utf-8").splitlines()
        if line.strip() and len(line) <= SHORT
    ]
    for number, line in enumerate(lines):
        address = json.dumps({"address": line, "name": "Ada"}).encode()
        order = {"user_id": 1, "items": [{"product_id": number % 30 + 1, "quantity": 2}] * (number % 9 + 1)}
        yield request("GET", f"/search?q={quote(line)}")
        yield request("PATCH", f"/users/{number % 20 + 1}", "application/json", address)
        yield request("GET", f"/products?page={number % 9 + 1}&size=5")
        yield request("POST", "/orders", "application/json", json.dumps(order).encode())


def of_description(document: dict[str, Any], most: int) -> Iterator[tuple[Request, bytes]]:
    """Some requests of some operations, spread over the whole description."""
    import requests
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis import GenerationMode

    schema: Any = schemathesis.openapi.from_dict(document)
    operations = [found.ok() for found in schema.get_all_operations() if hasattr(found, "ok")]
    made: list[tuple[Request, bytes]] = []
    for operation in operations[:: max(1, len(operations) // most)]:

        @settings(
            max_examples=CASES,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
        def one(case: Any) -> None:
            sent = requests.Request(**case.as_transport_kwargs(base_url="http://localhost")).prepare()
            body = sent.body.encode() if isinstance(sent.body, str) else sent.body or b""
            assert isinstance(body, bytes)
            kind = str(sent.headers.get("content-type", ""))
            made.append(request(sent.method or "", sent.path_url, kind, body))

        try:
            one()
        except Exception as error:  # noqa: BLE001 - a strange operation of someone else's description
            print(f"left out: {operation.label}: {type(error).__name__}", file=sys.stderr)
    yield from made


def policy(folder: Path, waf: dict[str, Any] | None, schema: dict[str, Any] | None) -> Policy:
    api: dict[str, Any] = {
        "name": "api",
        "upstream": {"url": "http://127.0.0.1:9000"},
        "limits": [],
    }
    api |= {"waf": waf} if waf is not None else {}
    api |= (
        {"openapi": "openapi.json", "schema": {**schema, "limits": {"integer": 10**60}}} if schema is not None else {}
    )
    text = json.dumps({"version": 1, "listen": [{"address": "127.0.0.1:8080"}], "apis": [api]})
    return build(load_text(text, folder / "stockade.yaml", {})).policy


def judged(policy: Policy, sent: Request, body: bytes) -> str:
    """The control that refuses it; "" where none does."""
    session = open_session(policy, sent)
    verdict = drive(session.receive(REQUEST_HEAD), _nobody)
    if session.reads_request_body and not isinstance(verdict, Stop):
        drive(session.receive(RequestBody(body)), _nobody)
    return session.control or ""


def _nobody(ask: object) -> Any:
    raise AssertionError(ask)


def measured(policies: Sequence[Policy], sent: Sequence[tuple[Request, bytes]], rounds: int) -> list[float]:
    """µs per request, for each policy, in turn in every round."""
    costs: list[list[float]] = [[] for _ in policies]
    for _ in range(rounds):
        for policy, kept in zip(policies, costs, strict=True):
            started = time.process_time()
            for one, body in sent:
                judged(policy, one, body)
            kept.append((time.process_time() - started) / len(sent) * 1e6)
    return [min(kept) for kept in costs]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", choices=("builtin", "crs"), default="builtin")
    parser.add_argument("--paranoia", type=int, choices=(1, 2, 3, 4), default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--description", metavar="URL-OR-FILE", help="in place of the sample shop's")
    parser.add_argument("--operations", type=int, default=40, help="how many of a given description are asked")
    parser.add_argument("--typed", action="store_true", help="an API of identifiers and numbers in place of the shop")
    options = parser.parse_args()
    if options.typed:
        document = typed_api.DOCUMENT
        sent = [
            request(method, target, "application/json" if body else "", body)
            for method, target, body in typed_api.traffic(1500)
        ]
    elif options.description:
        document = json.loads(load_document(options.description))
        sent = list(of_description(document, options.operations))
    else:
        from shop.app import create_app

        document, sent = create_app().openapi(), list(of_shop())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "openapi.json").write_text(json.dumps(document))
        waf = {"rules": options.rules, "paranoia": options.paranoia}
        policies = [
            policy(folder, waf, None),
            policy(folder, None, {}),
            policy(folder, waf, {}),
            policy(folder, waf, {"strict": True}),
        ]
    refusals = [[judged(each, one, body) for one, body in sent] for each in policies]
    print(f"{len(sent)} requests that fit; {options.rules}, paranoia level {options.paranoia}")
    for title, cost, refused in zip(TITLES, measured(policies, sent, options.rounds), refusals, strict=True):
        wrong = refused.count("waf")
        share = wrong / len(sent)
        print(f"{title:15} {cost:8.1f} µs a request   {wrong:4} false positives ({share:.2%})")
    return 1 if any("schema" in refused for refused in refusals) else 0


if __name__ == "__main__":
    sys.exit(main())
