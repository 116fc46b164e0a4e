"""A schema with something of everything, and endpoints over it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import pytest

from stockade.graphql import (
    BadDocuments,
    BadSchema,
    Checked,
    Endpoint,
    Fault,
    Limits,
    Message,
    Refused,
    Rules,
    Schema,
    Settings,
    Sizes,
)

T = TypeVar("T")
SDL = """
interface Node { id: ID! secret: String }
type User implements Node { id: ID! name: String! secret: String friends(first: Int): [User!]! orders: OrderConnection }
type Order implements Node { id: ID! secret: String total: Float lines(limit: Int = 3): [Line!]! buyer: User }
type Line { sku: String! quantity: Int! tags: [[String]] order: Order }
type OrderConnection { edges: [OrderEdge!]! total: Int }
type OrderEdge { node: Order }
union Thing = User | Order
enum Sort { NAME DATE }
scalar Upload
scalar Any
input Page { limit: Int after: String }
input Filter { text: String sort: Sort = NAME price: Float tags: [String!] inner: Filter ids: [ID!] open: Boolean }
input Pick @oneOf { id: ID name: String }
type Query {
  "Everybody."
  users(first: Int, filter: Filter): [User!]!
  user(id: ID!): User
  node(id: ID!): Node
  things: [Thing!]!
  orders(page: Page, sort: Sort): OrderConnection
  history(first: Int = 20, last: Int): [Order!]!
  pick(by: Pick!): User
  search(text: String!, any: Any): [Order!]!
  ping: Boolean
}
type Mutation {
  login(name: String!, password: String!): String
  upload(file: Upload!, note: String): Boolean
  rename(name: String!): User
}
type Subscription { ticks: Int }
"""
SHOP = Schema.read(SDL.encode())
PAGING = (("first",), ("last",), ("limit",), ("page", "limit"))
NAMES = tuple(Limits.__struct_fields__)


def endpoint(schema: Schema | None = SHOP, persisted: Mapping[str, str] | None = None, **settings: Any) -> Endpoint:
    """An endpoint; keys of `Limits` go there, `costs` and `scopes` to the rules, the rest to `Settings`."""
    limits = Limits(**{name: settings.pop(name) for name in NAMES if name in settings})
    scopes = {name: frozenset(each) for name, each in settings.pop("scopes", {}).items()}
    rules = Rules(Sizes(PAGING, settings.pop("usual", 10)), settings.pop("costs", {}), scopes)
    return Endpoint(schema or Schema(), rules, Settings(limits=limits, **settings), persisted)


def post(query: str | None, variables: Any = None, **members: Any) -> Message:
    """The usual request."""
    asked = {"query": query, "variables": variables, **members}
    return posted({name: value for name, value in asked.items() if value is not None})


def posted(value: Any, content_type: str = "application/json", query: str = "") -> Message:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Message("POST", content_type, query=query, body=body)


def checked(door: Endpoint, query: str, variables: Any = None, **members: Any) -> Checked:
    (found,) = door.check(post(query, variables, **members))
    return found


def faults(door: Endpoint, message: Message) -> tuple[Fault, ...]:
    """The faults of a request that must be refused."""
    with pytest.raises(Refused) as raised:
        door.check(message)
    assert raised.value.faults
    return raised.value.faults


def rules(door: Endpoint, message: Message) -> list[str]:
    return sorted({fault.rule for fault in faults(door, message)})


def outcome(work: Callable[[], T]) -> T | Exception:
    """What comes of it, or one of our own errors."""
    try:
        return work()
    except (Refused, BadSchema, BadDocuments) as error:
        return error


def status(door: Endpoint, message: Message) -> int:
    found = outcome(lambda: door.check(message))
    return found.status if isinstance(found, Refused) else 200
