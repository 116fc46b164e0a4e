"""Stores answer Asks, at once or later, and keep tables. One store per kind of question; `Stores` knows which."""

from stockade.stores.certificates import CertificateStore
from stockade.stores.counters import Counters, SharedTable
from stockade.stores.database import METADATA, Conflict, Database, DatabasePlace, DatabaseTls
from stockade.stores.introspection import Introspection, Introspector
from stockade.stores.jwks import KeySources, Source
from stockade.stores.keys import KeyStore, Use
from stockade.stores.login_sessions import LoginSessions
from stockade.stores.own_issuer import OWN, OwnIssuer
from stockade.stores.owners import Owners
from stockade.stores.partners import PartnerStore
from stockade.stores.providers import RelyingParty
from stockade.stores.router import Stores
from stockade.stores.sessions import SessionTable

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
