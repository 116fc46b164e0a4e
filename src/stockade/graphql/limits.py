"""How much a GraphQL request may ask for."""

from __future__ import annotations

from msgspec import Struct

NESTING = 64  # brackets in one another, of any kind; graphql-core descends so deep


class Limits(Struct, frozen=True):
    """All count what a document amounts to once its fragments stand in their places, as a server will see it.

    Fragments are counted once each and added up, so that no document is ever expanded.
    """

    size: int = 16 << 10  # of a document, bytes in UTF-8
    tokens: int = 1000  # comments among them
    depth: int = 10  # fields within fields
    fields: int = 500  # in all
    aliases: int = 15
    directives: int = 10
    roots: int = 20  # fields of Query, Mutation or Subscription
    repeats: int = 5  # of one field of Mutation, in the whole request
    complexity: int = 1000
    batch: int = 1  # operations in one request
    values: int = 1000  # members and items in all of variables and extensions
    errors: int = 10  # that are told
