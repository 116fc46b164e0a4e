"""Files in requests: the multipart request specification."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stockade.graphql import Message, Part
from tests.graphql.graphql_shop import endpoint, rules

QUERY = "mutation ($f: Upload!, $n: String) { upload(file: $f, note: $n) }"


def fields(operations: Any, places: Any, *more: Part) -> list[Part]:
    said = [Part("operations", False, json.dumps(operations).encode()), Part("map", False, json.dumps(places).encode())]
    return [*said, *more]


def asked(variables: Any) -> dict[str, Any]:
    return {"query": QUERY, "variables": variables}


FILE = Part("0", True, b"bytes")
SENT = Message("POST", "multipart/form-data; boundary=b", body=b"whatever")
GOOD = {
    "a file": fields(asked({"f": None}), {"0": ["variables.f"]}, FILE),
    "with a note": fields(asked({"f": None, "n": "x"}), {"0": ["variables.f"]}, FILE),
    "in a batch": fields([asked({"f": None})], {"0": ["0.variables.f"]}, FILE),
    "no file": fields({"query": "{ ping }"}, {}),
}
BAD = {
    "nothing": ([], "upload"),
    "operations alone": ([Part("operations", False, b"{}")], "upload"),
    "in another order": (list(reversed(fields({}, {}))), "upload"),
    "operations as a file": ([Part("operations", True, b"{}"), Part("map", False, b"{}")], "upload"),
    "operations twice": ([*fields(asked({}), {}), Part("operations", False, b"{}")], "upload"),
    "a file that is not mapped": (fields(asked({"f": None}), {}, FILE), "upload"),
    "a file that is not there": (fields(asked({"f": None}), {"0": ["variables.f"]}), "upload"),
    "a field for a file": (fields(asked({"f": None}), {"0": ["variables.f"]}, Part("0", False, b"")), "upload"),
    "no place": (fields(asked({"f": None}), {"0": []}, FILE), "upload"),
    "a place that is a number": (fields(asked({"f": None}), {"0": [7]}, FILE), "upload"),
    "a place that is not there": (fields(asked({"f": None}), {"0": ["variables.g"]}, FILE), "upload"),
    "a place that is taken": (fields(asked({"f": None, "n": "x"}), {"0": ["variables.n"]}, FILE), "upload"),
    "in the query": (fields(asked({"f": None}), {"0": ["query"]}, FILE), "upload"),
    "in extensions": (fields({"query": QUERY, "extensions": {"a": None}}, {"0": ["extensions.a"]}, FILE), "upload"),
    "in a text": (fields(asked({"f": None, "n": None}), {"0": ["variables.f", "variables.n"]}, FILE), "variable-type"),
    "a map that is a list": (fields(asked({"f": None}), [], FILE), "upload"),
    "operations that are no JSON": ([Part("operations", False, b"{"), Part("map", False, b"{}")], "json"),
    "a batch": (fields([asked({"f": None})] * 2, {"0": ["0.variables.f", "1.variables.f"]}, FILE), "batch"),
    "a place without end": (fields(asked({"f": None}), {"0": ["variables" + ".f" * 100]}, FILE), "upload"),
    "an index without end": (fields([asked({"f": None})], {"0": ["9" * 5000 + ".variables.f"]}, FILE), "upload"),
}


@pytest.mark.parametrize("name", GOOD)
def test_taken(name: str) -> None:
    assert endpoint(parts=lambda body, kind: GOOD[name]).check(SENT)


@pytest.mark.parametrize("name", BAD)
def test_refused(name: str) -> None:
    parts, rule = BAD[name]
    assert rules(endpoint(parts=lambda body, kind: parts), SENT) == [rule]


def test_a_file_is_no_text_for_the_firewall() -> None:
    (checked,) = endpoint(parts=lambda body, kind: GOOD["with a note"]).check(SENT)
    assert [(text.place, text.value) for text in checked.texts()] == [("variables.n", "x")]


def test_other_bodies_are_taken_as_ever() -> None:
    door = endpoint(parts=lambda body, kind: [])
    assert door.check(Message("POST", "application/json", body=b'{"query": "{ ping }"}'))
