"""GraphQL over HTTP: what is taken, and what two servers would read differently."""

from __future__ import annotations

import json
from hashlib import sha256
from urllib.parse import quote, urlencode

import pytest

from stockade.graphql import Message
from tests.graphql.graphql_shop import endpoint, faults, post, posted, rules, status

PING = "{ ping }"
USERS = "query Users($n: Int) { users(first: $n) { id } }"
LOGIN = 'mutation { login(name: "a", password: "b") }'
TWO = "query A { ping } query B { user(id: 1) { id } }"


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def hashed(value: str, version: int = 1) -> dict[str, object]:
    return {"persistedQuery": {"version": version, "sha256Hash": value}}


def get(raw: str = "", **parameters: str) -> Message:
    return Message("GET", query=raw or urlencode(parameters))


GOOD: dict[str, Message] = {
    "POST": post(PING),
    "POST, all members": post(USERS, {"n": 1}, operationName="Users", extensions={"trace": "a"}),
    "POST, all null": posted({"query": PING, "variables": None, "operationName": None, "extensions": None}),
    "POST, an empty operation name": posted({"query": PING, "operationName": ""}),
    "POST with a charset": posted({"query": PING}, "application/json; charset=utf-8"),
    "POST with a quoted charset": posted({"query": PING}, 'Application/JSON;charset="UTF-8"'),
    "POST with other parameters": posted({"query": PING}, query="op=Users&trace"),
    "application/graphql": posted(PING.encode(), "application/graphql"),
    "a batch of one": posted([{"query": PING}]),
    "GET": get(f"query={quote(PING)}"),
    "GET, all parameters": get(query=PING, variables="{}", operationName="", extensions='{"a": 1}'),
    "GET with variables": get(f"query={quote(USERS)}&variables={quote(json.dumps({'n': 1}))}"),
    "GET with pluses": get("query={+ping+}"),
    "GET with other parameters": get(f"query={quote(PING)}&cache=7"),
    "HEAD": Message("HEAD", query=f"query={quote(PING)}"),
    "one of several": post(TWO, operationName="B"),
    "a hash that is the query's": post(PING, extensions=hashed(digest(PING))),
    "a hash in capitals": post(PING, extensions=hashed(digest(PING).upper())),
    "an id that is the query's": posted({"query": PING, "documentId": f"sha256:{digest(PING)}"}),
    "identity": Message("POST", "application/json", "identity", body=json.dumps({"query": PING}).encode()),
}
ENCODED = json.dumps({"query": PING}).encode()
BAD: dict[str, tuple[Message, int, str]] = {
    "no body": (Message("POST", "application/json"), 400, "json"),
    "no query": (posted({}), 400, "query"),
    "an empty query": (post(""), 400, "query"),
    "null": (posted(None), 400, "json"),
    "a text": (posted(PING), 400, "json"),
    "a query that is a list": (posted({"query": [PING]}), 400, "json"),
    "a query that is an object": (posted({"query": {"query": PING}}), 400, "json"),
    "variables as text": (post(PING, "{}"), 400, "json"),
    "variables as a list": (post(PING, []), 400, "json"),
    "extensions as a list": (post(PING, extensions=[]), 400, "json"),
    "an operation name that is a number": (post(PING, operationName=1), 400, "json"),
    "a query twice": (posted(b'{"query": "{ ping }", "query": "{ pong }"}'), 400, "json"),
    "a query twice, once escaped": (posted(b'{"query": "{ ping }", "quer\\u0079": "{ pong }"}'), 400, "json"),
    "variables twice": (posted(b'{"query": "{ ping }", "variables": {"a": 1, "a": 2}}'), 400, "json"),
    "a query in another case": (posted({"query": PING, "Query": LOGIN}), 400, "unknown-member"),
    "an unknown member": (posted({"query": PING, "id": "x"}), 400, "unknown-member"),
    "NaN": (posted(b'{"query": "{ ping }", "variables": {"a": NaN}}'), 400, "json"),
    "a number beyond all": (posted(b'{"query": "{ ping }", "variables": {"a": 1e999}}'), 400, "json"),
    "a number without end": (posted(b'{"query": "{ ping }", "variables": {"a": %s}}' % (b"9" * 5_000)), 400, "json"),
    "a byte order mark": (posted(b"\xef\xbb\xbf" + ENCODED), 400, "json"),
    "something after": (posted(ENCODED + b"{}"), 400, "json"),
    "UTF-16": (posted(json.dumps({"query": PING}).encode("utf-16")), 400, "json"),
    "a charset of UTF-16": (posted(ENCODED, "application/json; charset=utf-16"), 415, "media-type"),
    "two media types": (posted(ENCODED, "application/json, text/plain"), 415, "media-type"),
    "text": (posted(ENCODED, "text/plain"), 415, "media-type"),
    "a form": (posted(urlencode({"query": PING}).encode(), "application/x-www-form-urlencoded"), 415, "media-type"),
    "no media type": (posted(ENCODED, ""), 415, "media-type"),
    "multipart": (posted(b"--b--", "multipart/form-data; boundary=b"), 415, "media-type"),
    "compressed": (Message("POST", "application/json", "gzip", body=ENCODED), 415, "media-type"),
    "a query in the URL too": (posted(ENCODED, query=f"query={quote(LOGIN)}"), 400, "ambiguous"),
    "variables in the URL": (posted(ENCODED, query="variables={}"), 400, "ambiguous"),
    "a query in the URL, escaped": (posted(ENCODED, query=f"%71uery={quote(LOGIN)}"), 400, "ambiguous"),
    "a query[] in the URL": (posted(ENCODED, query="query[]=x"), 400, "ambiguous"),
    "a Query in the URL": (posted(ENCODED, query="Query=x"), 400, "ambiguous"),
    "a URL split at semicolons": (posted(ENCODED, query="a=1;query=x"), 400, "ambiguous"),
    "an empty batch": (posted([]), 400, "json"),
    "a batch of batches": (posted([[{"query": PING}]]), 400, "json"),
    "GET without a query": (get(), 400, "query"),
    "GET with a body": (Message("GET", "application/json", query="query={ping}", body=ENCODED), 400, "ambiguous"),
    "GET, twice": (get("query={ping}&query={pong}"), 400, "ambiguous"),
    "GET, twice, once escaped": (get("query={ping}&%71uery={pong}"), 400, "ambiguous"),
    "GET, not UTF-8": (get("query=%ff"), 400, "ambiguous"),
    "GET with variables that are no JSON": (get("query={ping}&variables={a:1}"), 400, "json"),
    "GET with variables twice": (get('query={ping}&variables={"a":1,"a":2}'), 400, "json"),
    "a mutation by GET": (get(query=LOGIN), 405, "method"),
    "a subscription by GET": (get(query="subscription { ticks }"), 405, "method"),
    "a mutation by HEAD": (Message("HEAD", query=f"query={quote(LOGIN)}"), 405, "method"),
    "a mutation among queries by GET": (
        get(query=f"query A {{ ping }} {LOGIN[:8]} B {LOGIN[8:]}", operationName="B"),
        405,
        "method",
    ),
    "PUT": (Message("PUT", "application/json", body=ENCODED), 405, "method"),
    "a method in lower case": (Message("post", "application/json", body=ENCODED), 405, "method"),
    "several operations, none named": (post(TWO), 400, "operation-name"),
    "several operations, an empty name": (post(TWO, operationName=""), 400, "operation-name"),
    "an operation that is not there": (post(TWO, operationName="C"), 400, "operation-name"),
    "a hash of something else": (post(PING, extensions=hashed(digest(LOGIN))), 400, "ambiguous"),
    "a hash that is none": (post(PING, extensions=hashed("x")), 400, "ambiguous"),
    "a hash that is a number": (post(PING, extensions={"persistedQuery": {"sha256Hash": 7}}), 400, "query"),
    "no hash": (post(PING, extensions={"persistedQuery": {}}), 400, "query"),
    "two ids": (posted({"query": PING, "documentId": "a", "extensions": hashed(digest(PING))}), 400, "ambiguous"),
    "an empty id": (posted({"documentId": ""}), 400, "query"),
    "an id without end": (posted({"documentId": "a" * 1000}), 400, "query"),
    "a hash that nobody knows": (post(None, extensions=hashed(digest(PING))), 404, "unknown-document"),
}


@pytest.mark.parametrize("name", GOOD)
def test_taken(name: str) -> None:
    assert endpoint().check(GOOD[name])


@pytest.mark.parametrize("name", BAD)
def test_refused(name: str) -> None:
    message, code, rule = BAD[name]
    door = endpoint()
    assert (status(door, message), rules(door, message)) == (code, [rule])


def test_get_can_be_off() -> None:
    assert status(endpoint(get=False), GOOD["GET"]) == 405
    assert endpoint(get=False).methods == ("POST",)


def test_in_a_batch_the_fault_says_where() -> None:
    (fault,) = faults(endpoint(batch=5), posted([{"query": PING}, {"query": USERS, "variables": {"n": "x"}}]))
    assert fault.pointer == "/1/variables/n"
    (fault,) = faults(endpoint(batch=5), posted([{"query": PING}, {"query": 7}]))
    assert fault.pointer == "/1/query"


def test_pointers_are_short() -> None:
    (fault,) = faults(endpoint(), posted({"query": PING, "x" * 100_000: 1}))
    assert len(json.dumps(fault.error())) < 500


def test_automatic_persisted_queries() -> None:
    """The hash alone passes once its text was checked here, and never for another text."""
    door = endpoint()
    alone = post(None, {"n": 3}, extensions=hashed(digest(USERS)))
    (fault,) = faults(door, alone)
    assert fault.error() == {"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}
    door.check(post(USERS, {"n": 3}, extensions=hashed(digest(USERS))))
    (found,) = door.check(alone)
    assert found.total == 1 + 3
    assert rules(door, post(None, {"n": "x"}, extensions=hashed(digest(USERS)))) == ["variable-type"]
    bad = "{ nothing }"
    assert rules(door, post(bad, extensions=hashed(digest(bad)))) == ["validation"]
    assert rules(door, post(None, extensions=hashed(digest(bad)))) == ["unknown-document"]
    assert status(door, Message("GET", query=urlencode({"extensions": json.dumps(hashed(digest(USERS)))}))) == 200
