"""The life of an OAuth client: registered, listed, given a new secret, disabled, removed."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

import sqlalchemy as sql
from msgspec import Struct
from msgspec.structs import replace

from stockade.grants import GRANTS, BadClient, Client, Revocation, check_client
from stockade.identity.service.secrets import SECRET, Digests, make_secret
from stockade.identity.service.settings import LONGEST_ACCESS
from stockade.redaction import redact
from stockade.stores.audit import audit_row
from stockade.stores.clients import ClientStore
from stockade.stores.tokens import revoking
from stockade.tokens import BadKeys, parse_jwks


class NoSuchClient(LookupError):
    """No client has that id."""


class Registered(Struct, frozen=True):
    """A client and its secret, which is shown once and kept nowhere; empty where it has none."""

    client: Client
    secret: str = ""

    def __repr__(self) -> str:
        return f"Registered({self.client.id})"


class Clients:
    """Times are epoch seconds, handed in. Raises StoreError when the store cannot be used.

    actor: who does it; named, the change and its row in the audit are one transaction.
    """

    def __init__(self, store: ClientStore, hash_key: bytes) -> None:
        self._store = store
        self._digests = Digests(hash_key)

    def add(
        self,
        name: str,
        at: float,
        *,
        grants: Iterable[str],
        audiences: Iterable[str],
        scopes: Iterable[str] = (),
        redirects: Iterable[str] = (),
        authentication: str = "secret",
        jwks: bytes = b"",
        certificate: str = "",
        tokens: str = "jwt",
        bound: str = "",
        client_id: str = "",
        actor: str = "",
    ) -> Registered:
        """grants: as the command line has them. Raises BadClient with all that is wrong, Conflict for a taken id."""
        secret = make_secret(SECRET) if authentication == "secret" else ""
        client = Client(
            id=client_id or secrets.token_hex(10),
            name=name,
            authentication=authentication,
            grants=frozenset(GRANTS.get(grant, grant) for grant in grants),
            scopes=frozenset(scopes),
            audiences=tuple(dict.fromkeys(audiences)),
            redirects=tuple(dict.fromkeys(redirects)),
            digest=self._digests.secret(secret) if secret else b"",
            jwks=_checked_jwks(jwks),
            certificate=certificate,
            tokens=tokens,
            bound=bound,
            created=at,
        )
        check_client(client)
        self._store.add(client, *_told(actor, at, "client.added", client, name=client.name))
        return Registered(client, secret)

    def list(self) -> list[Client]:
        return self._store.all()

    def find(self, client_id: str) -> Client:
        """Raises NoSuchClient."""
        client = self._store.get(client_id)
        if client is None:
            raise NoSuchClient(f"no client has the id {redact(client_id[:64])}")
        return client

    def rotate(self, client_id: str, at: float, overlap: float, actor: str = "") -> Registered:
        """A new secret; the old one works for `overlap` more seconds. Raises NoSuchClient, BadClient."""
        client = self.find(client_id)
        if client.authentication != "secret":
            raise BadClient("this client has no secret: register its new keys or certificate as a new client")
        secret = make_secret(SECRET)
        changes = {"digest": self._digests.secret(secret), "former": client.digest, "former_until": at + overlap}
        self._store.change(client.id, *_told(actor, at, "client.rotated", client), **changes)
        return Registered(replace(client, **changes), secret)

    def disable(self, client_id: str, at: float, actor: str = "") -> Client:
        """From now on it gets no token, and those it has are refused by every worker."""
        client = self.find(client_id)
        self._store.change(client.id, *_told(actor, at, "client.disabled", client), _ending(client, at), disabled=at)
        return replace(client, disabled=at)

    def enable(self, client_id: str, at: float = 0.0, actor: str = "") -> Client:
        """It may ask for tokens again; those it had stay refused."""
        client = self.find(client_id)
        self._store.change(client.id, *_told(actor, at, "client.enabled", client), disabled=None)
        return replace(client, disabled=None)

    def remove(self, client_id: str, at: float, actor: str = "") -> Client:
        client = self.find(client_id)
        self._store.remove(client.id, *_told(actor, at, "client.removed", client), _ending(client, at))
        return client


def _told(actor: str, at: float, action: str, client: Client, **details: object) -> tuple[sql.Insert, ...]:
    return (audit_row(at, actor, action, client.id, **details),) if actor else ()


def _ending(client: Client, at: float) -> sql.Insert:
    """All that was issued to it until now."""
    return revoking(Revocation(f"client:{client.id}", at, at + LONGEST_ACCESS + 60.0))


def _checked_jwks(jwks: bytes) -> str:
    """Raises BadClient. Public keys only; what is kept is what was checked."""
    if not jwks:
        return ""
    try:
        keys = parse_jwks(jwks)
    except BadKeys as error:
        raise BadClient(str(error)) from None
    if not len(keys) or any(key.kty == "oct" for key in keys):
        raise BadClient("the JWKS must hold the client's public keys, RSA, EC or Ed25519")
    return jwks.decode()
