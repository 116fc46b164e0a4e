"""Texts with macros, compiled: `%{tx.score} of %{matched_var_name}` → a function of the transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from stockade.seclang import Macro, Text, to_bytes
from stockade.secret_names import withheld

if TYPE_CHECKING:
    from stockade.waf.transaction import Transaction

Expand: TypeAlias = Callable[["Transaction"], bytes]


def constant(text: Text) -> bytes | None:
    """The text, where it has no macro."""
    if any(isinstance(part, Macro) for part in text):
        return None
    return to_bytes("".join(part for part in text if isinstance(part, str)))


def macros_of(text: Text) -> list[Macro]:
    return [part for part in text if isinstance(part, Macro)]


def expander(text: Text) -> Expand:
    """A macro without a value is the empty text."""
    fixed = constant(text)
    if fixed is not None:
        return lambda _: fixed
    parts = [_part(part) for part in text]
    if len(parts) == 1:
        return parts[0]
    return lambda transaction: b"".join([part(transaction) for part in parts])


def teller(text: Text) -> Expand:
    """The same for a text that is logged: what is secret stands in it as its length."""
    if constant(text) is not None:
        return expander(text)
    parts = [_told(part) if isinstance(part, Macro) else _part(part) for part in text]
    return lambda transaction: b"".join([part(transaction) for part in parts])


def _told(macro: Macro) -> Expand:
    expand, collection, key = _part(macro), macro.collection, macro.key

    def tell(transaction: Transaction) -> bytes:
        value, veil = expand(transaction), transaction.veil
        if not value or veil is None or not veil.hides_macro(collection, key, value):
            return value
        return withheld(value).encode()

    return tell


def _part(part: str | Macro) -> Expand:
    if isinstance(part, str):
        fixed = to_bytes(part)
        return lambda _: fixed
    collection, key = part.collection, part.key
    if collection == "TX":
        lowered = key.lower()
        return lambda transaction: transaction.tx.get(lowered, b"")
    wanted = to_bytes(key).lower()
    return lambda transaction: _first(transaction, collection, wanted)


def _first(transaction: Transaction, collection: str, wanted: bytes) -> bytes:
    for key, value in transaction.pairs(collection):
        if not wanted or key.lower() == wanted:
            return value
    return b""
