"""Stores answer Asks, at once or later, and keep tables. One store per kind of question; `Stores` knows which.

What keeps tables is imported when it is first asked for: SQLAlchemy takes a quarter of a second, and memory in every
worker, which who opens no database shall not pay. So ask for it where a database is opened, not above.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from stockade.stores.backend import DatabasePlace, DatabaseTls
from stockade.stores.counters import Counters, SharedTable
from stockade.stores.introspection import Introspection, Introspector
from stockade.stores.jwks import KeySources, Source
from stockade.stores.login_sessions import LoginSessions
from stockade.stores.own_issuer import OWN, OwnIssuer
from stockade.stores.owners import Owners
from stockade.stores.providers import RelyingParty
from stockade.stores.router import Stores
from stockade.stores.uses import Use

if TYPE_CHECKING:
    from stockade.stores.certificates import CertificateStore
    from stockade.stores.database import METADATA, Conflict, Database
    from stockade.stores.keys import KeyStore
    from stockade.stores.migrations import OlderTables
    from stockade.stores.partners import PartnerStore
    from stockade.stores.sessions import SessionTable
else:
    _WITH_TABLES = {
        "METADATA": "database",
        "CertificateStore": "certificates",
        "Conflict": "database",
        "Database": "database",
        "KeyStore": "keys",
        "OlderTables": "migrations",
        "PartnerStore": "partners",
        "SessionTable": "sessions",
    }

    def __getattr__(name: str) -> object:
        """PEP 562."""
        if name not in _WITH_TABLES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(f"{__name__}.{_WITH_TABLES[name]}"), name)
        return found


__all__ = [
    "METADATA",
    "OWN",
    "CertificateStore",
    "Conflict",
    "Counters",
    "Database",
    "DatabasePlace",
    "DatabaseTls",
    "Introspection",
    "Introspector",
    "KeySources",
    "KeyStore",
    "LoginSessions",
    "OlderTables",
    "OwnIssuer",
    "Owners",
    "PartnerStore",
    "RelyingParty",
    "SessionTable",
    "SharedTable",
    "Source",
    "Stores",
    "Use",
]
