"""Stores answer Asks, at once or later, and keep tables. One store per kind of question; `Stores` knows which."""

from stockade.stores.counters import Counters, SharedTable
from stockade.stores.database import METADATA, Conflict, Database, DatabasePlace, DatabaseTls
from stockade.stores.introspection import Introspection, Introspector
from stockade.stores.jwks import KeySources, Source
from stockade.stores.keys import KeyStore
from stockade.stores.owners import Owners
from stockade.stores.router import Stores

__all__ = [
    "METADATA",
    "Conflict",
    "Counters",
    "Database",
    "DatabasePlace",
    "DatabaseTls",
    "Introspection",
    "Introspector",
    "KeySources",
    "KeyStore",
    "Owners",
    "SharedTable",
    "Source",
    "Stores",
]
