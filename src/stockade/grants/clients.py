"""`Client`: an application that may ask for tokens, and what it may ask for (RFC 7591, section 2)."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final

from msgspec import Struct

from stockade.grants.redirects import BadRedirect, check_redirect

CLIENT_CREDENTIALS: Final = "client_credentials"
AUTHORIZATION_CODE: Final = "authorization_code"
REFRESH_TOKEN: Final = "refresh_token"  # noqa: S105 - the name of a grant
DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
GRANTS: Final = {  # as the command line has it, and as the wire has it
    "client_credentials": CLIENT_CREDENTIALS,
    "authorization_code": AUTHORIZATION_CODE,
    "refresh_token": REFRESH_TOKEN,
    "device_code": DEVICE_CODE,
}
CLIENT_SUBJECT: Final = "client:"
AUTHENTICATIONS: Final = ("secret", "private_key_jwt", "tls", "none")
BINDINGS: Final = ("", "dpop", "mtls")
FORMATS: Final = ("jwt", "opaque")
_is_scope = re.compile(r"[!#-\[\]-~]+").fullmatch  # RFC 6749, section 3.3
_is_id = re.compile(r"[A-Za-z0-9._~-]{1,64}").fullmatch


class BadClient(ValueError):
    """A client that cannot be registered so; the message says why and how to mend it."""


class Client(Struct, frozen=True, kw_only=True, gc=False):
    """A registered client. Times are epoch seconds; the repr shows no digest.

    authentication: how it proves who it is, "none" for a public client. digest, former: keyed hashes of its secret and
    of the one before it, which works until `former_until`. jwks: its public keys, JSON text. certificate: what its
    certificate must be, "subject:…", "dns:…", "uri:…" or "sha256:…" (RFC 8705, section 2.1.2). bound: how its tokens
    are bound to their sender. tokens: their format.
    """

    id: str
    name: str
    authentication: str
    grants: frozenset[str]
    scopes: frozenset[str] = frozenset()
    audiences: tuple[str, ...] = ()
    redirects: tuple[str, ...] = ()
    digest: bytes = b""
    former: bytes = b""
    former_until: float = 0.0
    jwks: str = ""
    certificate: str = ""
    tokens: str = "jwt"
    bound: str = ""
    created: float = 0.0
    disabled: float | None = None

    @property
    def subject(self) -> str:
        """Its name in tokens on its own behalf: never a user's (RFC 9068, section 5)."""
        return CLIENT_SUBJECT + self.id

    @property
    def public(self) -> bool:
        return self.authentication == "none"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in ("id", "name", "authentication", "disabled")]

    def __repr__(self) -> str:
        return f"Client({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"


def check_client(client: Client) -> None:
    """Raises BadClient with all that is wrong."""
    troubles = [*_shape(client), *_rights(client), *_credentials(client)]
    if troubles:
        raise BadClient("; ".join(troubles))


def _shape(client: Client) -> list[str]:
    troubles = []
    if _is_id(client.id) is None:
        troubles.append("an id is 1 to 64 letters, digits, dots, hyphens, underscores and tildes")
    if not client.name or len(client.name) > 128 or not client.name.isprintable() or client.name != client.name.strip():
        troubles.append("a name is 1 to 128 printable characters, without blanks around them")
    troubles += _unknown("authentication", {client.authentication}, AUTHENTICATIONS)
    troubles += _unknown("token format", {client.tokens}, FORMATS)
    troubles += _unknown("binding", {client.bound}, BINDINGS)
    return troubles + _unknown("grant", client.grants, GRANTS.values())


def _unknown(what: str, given: Collection[str], known: Collection[str]) -> list[str]:
    unknown = sorted(set(given) - set(known))
    return [f"unknown {what} {', '.join(unknown)}; there are {', '.join(filter(None, known))}"] if unknown else []


def _rights(client: Client) -> list[str]:
    troubles = [] if client.grants else ["state a grant at least"]
    troubles += [
        f"{scope!r} is no scope: printable ASCII without blanks, quotes and backslashes"
        for scope in sorted(client.scopes)
        if _is_scope(scope) is None or len(scope) > 128
    ]
    if not client.audiences:
        troubles.append("state an audience: the API that its tokens are for")
    troubles += [
        f"{audience!r} is no audience: 1 to 256 printable ASCII characters"
        for audience in client.audiences
        if not 0 < len(audience) <= 256 or not audience.isprintable() or not audience.isascii()
    ]
    for uri in client.redirects:
        try:
            check_redirect(uri)
        except BadRedirect as error:
            troubles.append(f"{uri!r}: {error}")
    if (AUTHORIZATION_CODE in client.grants) != bool(client.redirects):
        troubles.append("redirect URIs and the grant authorization_code belong together")
    if client.grants == {REFRESH_TOKEN}:
        troubles.append("refresh_token refreshes what another grant gave: add authorization_code or device_code")
    return troubles


def _credentials(client: Client) -> list[str]:
    troubles = []
    if client.public and CLIENT_CREDENTIALS in client.grants:
        troubles.append("a client without a credential cannot use client_credentials")
    if (client.authentication == "private_key_jwt") != bool(client.jwks):
        troubles.append("private_key_jwt needs the client's public keys, and nothing else does (--jwks)")
    if (client.authentication == "tls") != bool(client.certificate):
        troubles.append("tls needs what the certificate must be, and nothing else does (--certificate)")
    kind, _, value = client.certificate.partition(":")
    if client.certificate and (kind not in ("subject", "dns", "uri", "sha256") or not value):
        troubles.append("a certificate is named by subject:…, dns:…, uri:… or sha256:…")
    return troubles
