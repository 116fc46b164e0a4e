"""The corpus of the WAF: its honest documents pass with the default limits, its attacks on GraphQL do not."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from stockade.graphql import Message, Refused
from tests.graphql.graphql_shop import endpoint, outcome, post

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
DOOR = endpoint(None)  # of these APIs nobody has a schema
EXCLUDED = {"mutation Upload(": "the null is where a file belongs, and the file comes with multipart/form-data"}
OTHERS = {"63ebc9fd79da": "SQL in an argument is the WAF's to find", "7119f0779af8": "so is script"}


def test_honest_documents_pass() -> None:
    blocks = (CORPUS / "material" / "graphql.txt").read_text().split("%%\n")[1:]
    excluded, passed = set[str](), 0
    for block in blocks:
        query, _, variables = block.strip().rpartition("\n")
        found = outcome(partial(DOOR.check, post(query, json.loads(variables))))
        reason = next((start for start in EXCLUDED if query.startswith(start)), None)
        if reason is not None and isinstance(found, Refused):
            excluded.add(reason)
            continue
        assert not isinstance(found, Exception), (query, found)
        passed += 1
    assert excluded == set(EXCLUDED)
    assert passed == len(blocks) - 1 >= 30


def test_attacks_do_not() -> None:
    counts, passed = Counter[str](), set[str]()
    for line in (CORPUS / "attacks.jsonl").read_text().splitlines():
        case = json.loads(line)
        if case["kind"] != "graphql":
            continue
        target, headers = urlsplit(case["target"]), dict(case["headers"])
        message = Message(
            case["method"], headers.get("content-type", ""), "", target.query, case.get("body", "").encode()
        )
        found = outcome(partial(DOOR.check, message))
        if isinstance(found, Refused):
            counts[found.faults[0].rule] += 1
        else:
            passed.add(case["id"])
    assert passed == set(OTHERS)
    assert counts.total() >= 37
    assert counts["introspection"] >= 20
