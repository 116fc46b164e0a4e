"""Attacks on learning, and ids in GraphQL: nobody comes by an object by naming it, nor by calling it otherwise."""

from __future__ import annotations

import json

import pytest

from tests.ownership.policies import World

PLAIN = """
    authorization: {default: allow, rules: [{operations: ["GET /none"]}]}
    ownership:
      - type: order
        id: [path.order_id, graphql.order.id, graphql.cancelOrder.input.orderId, "graphql.orders.ids"]
        operations: ["* /orders/{order_id}"]
        learn: {from: "POST /orders"}
        lists: {"GET /orders": "response[*].id"}
        exclusive: true
        learning: 0s
        walk: 5/hour
        unknown: pass
"""


@pytest.fixture
def world():
    made = World(PLAIN)
    assert made.ask("ann", "POST", "/orders", {"item": 1}, reply={"id": 7}) == 200
    assert made.ask("bob", "POST", "/orders", {"item": 2}, reply={"id": 8}) == 200
    return made


ECHOES = [
    {"body": {"id": 9}},
    {"body": {"order": {"ID": "9"}}},
    {"body": {"orders": [{"order_id": "009"}]}},
    {"body": {"orderId": "9.0"}},
    {"body": {"order_ids": 1}, "query": "id=9"},
    {"body": {"x": 1}, "query": "order[id]=9"},
    {"body": b"id=9", "headers": [("content-type", "application/x-www-form-urlencoded")]},
]


@pytest.mark.parametrize("how", ECHOES, ids=map(str, range(len(ECHOES))))
def test_an_id_that_the_request_named_is_not_learned(world, how):
    rest = {name: value for name, value in how.items() if name != "body"}
    assert world.ask("bob", "POST", "/orders", how["body"], reply={"id": 9}, **rest) == 200
    assert world.rules() == ["echoed"]
    assert world.ask("cat", "GET", "/orders", reply=[{"id": 9}]) == 200  # whose it really is
    assert world.ask("cat", "GET", "/orders/9") == 200
    assert world.ask("bob", "GET", "/orders/9") == 404


def test_a_list_that_was_asked_for_one_id_teaches_nothing(world):
    assert world.ask("bob", "GET", "/orders", reply=[{"id": 9}], query="id=9") == 200
    assert world.rules() == ["echoed"]
    assert world.ask("bob", "GET", "/orders", reply=[{"id": 7}], query="id=7") == 403
    assert world.rules() == ["listed-anothers"]


def test_where_clients_choose_ids_the_first_to_name_one_has_it():
    world = World(PLAIN.replace('{from: "POST /orders"}', '{from: "POST /orders", client_ids: true}'))
    assert world.ask("ann", "POST", "/orders", {"id": 9}, reply={"id": 9}) == 200
    assert world.ask("bob", "GET", "/orders/9") == 404
    assert world.ask("bob", "POST", "/orders", {"id": 9}, reply={"id": 9}) == 403


def test_a_request_that_holds_too_much_teaches_nothing(world):
    assert world.ask("bob", "POST", "/orders", {"many": [[]] * 30_000}, reply={"id": 9}) == 200
    assert world.rules() == ["echoed"]


LIES = [
    {"id": [9, 10, 11]},
    {"id": {"id": 9}},
    {"id": 1e300},
    {"id": "x" * 10_000},
    {"id": None},
    {"id": True},
    {"id": []},
    [[[[[[{"id": 9}]]]]]],
    "9",
    {"id": ["\ud800"]},
    {"id": list(range(10_000, 40_000))},
]


@pytest.mark.parametrize("reply", LIES, ids=map(str, range(len(LIES))))
def test_an_upstream_that_lies_takes_nothing_from_anybody(world, reply):
    assert world.ask("bob", "POST", "/orders", {"x": 1}, reply=reply) == 200
    assert world.ask("ann", "GET", "/orders/7") == 200
    assert world.ask("bob", "GET", "/orders/7") == 404
    assert world.owners.edges.used < 100


def test_an_upstream_that_gives_one_id_to_two_keeps_the_first(world):
    assert world.ask("bob", "POST", "/orders", {"x": 1}, reply={"id": 7}) == 403
    assert world.rules() == ["listed-anothers"]
    assert world.ask("ann", "GET", "/orders/7") == 200


def test_unknown_ids_are_refused_where_that_is_asked():
    world = World(PLAIN.replace("unknown: pass", "unknown: refuse"))
    assert world.ask("ann", "POST", "/orders", {"x": 1}, reply={"id": 7}) == 200
    assert world.ask("ann", "GET", "/orders/7") == 200
    assert world.ask("bob", "GET", "/orders/1234") == 404  # before its maker learns of it himself
    assert world.rules() == ["unknown"]


def test_fresh_ids_without_end_take_no_more_than_the_table(world):
    for number in range(0, 30_000, 300):
        world.at += 60
        world.ask("eve", "GET", "/orders", reply=[{"id": f"{number + each}x"} for each in range(300)])
    assert world.owners.edges.used <= world.owners.edges.room
    assert world.ask("eve", "GET", "/orders/7") == 404


def graphql(text: str, **variables: object) -> dict[str, object]:
    return {"query": text, **({"variables": variables} if variables else {})}


MINE = "{order(id: 8) {total}}"
QUERIES = [
    graphql("{order(id: 7) {total}}"),
    graphql('{order(id: "7") {total}}'),
    graphql("{a: order(id: 8) {total} b: order(id: 7) {total}}"),
    graphql("query($x: ID!) {mine: order(id: $x) {total}}", x="7"),
    graphql("query($x: ID!) {mine: order(id: $x) {total}}", x=[7]),
    graphql("query($x: ID! = 7) {order(id: $x) {total}}"),
    graphql("query Q {...F} fragment F on Query {x: order(id: 7) {total}}"),
    graphql("{me {friends {... on User {order(id: 7) {total}}}}}"),
    graphql("query A {order(id: 8) {total}} query B {order(id: 7) {total}}"),
    graphql("mutation {cancelOrder(input: {orderId: 7}) {id}}"),
    graphql("mutation($i: I!) {cancelOrder(input: $i) {id}}", i={"orderId": "007"}),
    graphql("mutation($o: ID!) {x: cancelOrder(input: {orderId: $o}) {id}}", o=7),
    graphql("{orders(ids: [8, 7]) {id}}"),
    graphql('{order(id: "T3JkZXI6Nw==") {total}}'),
    graphql('{order(id: """7""") {total}}'),
    graphql('{order(id: "\\u0037") {total}}'),
    [graphql(MINE), graphql("{order(id: 7) {total}}")],
    b'{"query": "{order(id: 8) {total}}", "query": "{order(id: 7) {total}}"}',
    b'{"query": "query($x: ID!) {order(id: $x) {total}}", "variables": {"x": 8}, "variables": {"x": 7}}',
    b'{"query": "query($x: ID!) {order(id: $x) {total}}", "variables": "{\\"x\\": 7}"}',
]


@pytest.mark.parametrize("body", QUERIES, ids=map(str, range(len(QUERIES))))
def test_no_way_of_asking_in_graphql_gets_at_anothers(world, body):
    assert world.ask("bob", "POST", "/graphql", body) == 404
    assert world.rules() == ["not-owner"]
    if not isinstance(body, bytes) or b"8" not in body:
        text = json.dumps(body) if not isinstance(body, bytes) else body.decode()
        if "8" not in text:
            assert world.ask("ann", "POST", "/graphql", text.encode()) == 200


def test_graphql_by_get_and_as_text(world):
    assert world.ask("bob", "GET", "/graphql", query="query=%7Border(id:7)%7Btotal%7D%7D") == 404
    assert (
        world.ask("bob", "GET", "/graphql", query="query=query($x:ID)%7Border(id:$x)%7Bid%7D%7D&variables={%22x%22:7}")
        == 404
    )
    as_text = [("content-type", "application/graphql")]
    assert world.ask("bob", "POST", "/graphql", b"{order(id: 7) {total}}", headers=as_text) == 400  # two media types
    assert world.ask("bob", "POST", "/graphql", graphql(MINE)) == 200
    assert world.ask("bob", "POST", "/graphql", graphql(MINE), query="query=%7Border(id:7)%7Btotal%7D%7D") == 404


UNREADABLE = [
    b"{",
    b"[]",
    b"{}",
    b"7",
    b'{"query": "{order(id: 8"}',
    b'{"query": "' + b"{a" * 5000 + b'"}',
    json.dumps(graphql("{order(id: " + "[" * 2000 + "7" + "]" * 2000 + ")}")).encode(),
    json.dumps([graphql(MINE)] * 200).encode(),
    b'{"extensions": {"persistedQuery": {"sha256Hash": "00"}}}',
]


@pytest.mark.parametrize("body", UNREADABLE, ids=map(str, range(len(UNREADABLE))))
def test_what_cannot_be_read_is_refused(world, body):
    assert world.ask("bob", "POST", "/graphql", body) in ((400, 200) if body == b"[]" else (400,))


TOLD = """
    authorization: {default: allow, roles: {members: {support: [sue]}}, rules: [{operations: ["GET /none"]}]}
    ownership:
      - type: order
        id: path.order_id
        operations: ["* /orders/{order_id}"]
        tell:
          - {from: "GET /orders/{order_id}", id: path.order_id, to: response.customer.id}
          - {from: "GET /admin/orders", id: "response.items[*].id", to: "response.items[*].customer.id"}
        exempt: {roles: [support]}
        exclusive: true
        learning: 0s
"""


def test_a_response_that_tells_whose_an_object_is_goes_to_nobody_else():
    world = World(TOLD)
    reply = {"id": 7, "customer": {"id": "ann"}}
    assert world.ask("bob", "GET", "/orders/7", reply=reply) == 403  # the first who ever asks for it
    assert world.rules() == ["listed-anothers"]
    assert world.ask("bob", "DELETE", "/orders/7") == 404
    assert world.ask("ann", "GET", "/orders/7", reply=reply) == 200
    assert world.ask("ann", "GET", "/orders/9", reply={"id": 9, "customer": {"id": ["ann", "bob"]}}) == 200
    assert world.ask("bob", "GET", "/orders/9", reply={"id": 9, "customer": {"id": ["ann", "bob"]}}) == 200


def test_what_support_staff_look_at_teaches_whose_it_is():
    world = World(TOLD)
    items = [{"id": number, "customer": {"id": f"p{number % 3}"}} for number in range(2000)]
    assert world.ask("sue", "GET", "/admin/orders", reply={"items": items}) == 200
    assert world.rules() == []
    assert world.ask("p1", "GET", "/orders/4") == 200
    assert world.ask("p2", "GET", "/orders/4") == 404
    assert world.ask("sue", "GET", "/orders/4") == 200
    odd = [
        {"id": 9000},
        {"customer": {"id": "p1"}},
        {"id": [9001], "customer": {}},
        "x",
        None,
        {"id": 9002, "customer": 7},
    ]
    assert world.ask("sue", "GET", "/admin/orders", reply={"items": odd}) == 200
    assert world.ask("sue", "GET", "/admin/orders", reply={"items": "no list"}) == 200


def test_learning_that_is_not_certain_withholds_nothing():
    world = World(TOLD.replace("learning: 0s", "learning: 1d"))
    assert world.ask("bob", "GET", "/orders/7", reply={"customer": {"id": "ann"}}) == 200
    assert world.rules() == ["listed-anothers"]
