"""What a relying party asks an OpenID provider for: tokens for a code, fresh ones, and who the person is."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote_plus

from msgspec import Struct

from stockade.engine import NotNow
from stockade.logins import BadLogin, ClaimNames, TokenReply, check_userinfo, read_token_error, read_token_reply
from stockade.stores.discovery import Directory
from stockade.stores.download import TIMEOUT, fetch
from stockade.stores.jwks import KeySources
from stockade.tokens import BadToken, IssuerMetadata, JwtRules, VerificationKeys, decode_object, read_header
from stockade.vocabulary import FindVerificationKeys, StoreError

_MAX_DEPTH = 16
_MOST_AT_ONCE = 64  # conversations with one provider: a flood of callbacks must not become one at the provider


class RelyingParty(Struct, frozen=True):
    """We, as one provider knows us. Times are seconds.

    rules: of its ID tokens, our client id as audience. source: its keys. claims, userinfo: where is said who someone
    is. key: 32 bytes, under which tokens lie in the table. idle, lifetime: of a session; most: sessions of a subject.
    keeps_access: whether the access token is of use to anyone here.
    """

    name: str
    issuer: str
    client_id: str
    client_secret: bytes
    redirect_uri: str
    scopes: tuple[str, ...]
    rules: JwtRules
    source: str
    key: bytes
    claims: ClaimNames = ClaimNames()
    userinfo: bool = False
    idle: float = 1800.0
    lifetime: float = 28800.0
    most: int = 20
    keeps_access: bool = False

    def __repr__(self) -> str:
        return f"RelyingParty({self.name!r})"


class Providers:
    """Speaks with providers. A provider that fails is a StoreError; one that refuses is a BadLogin."""

    def __init__(self, keys: KeySources) -> None:
        self.directory = Directory()
        self._keys = keys
        self._talking: dict[str, int] = {}

    async def redeem(self, party: RelyingParty, code: str, verifier: str) -> TokenReply:
        """RFC 6749, section 4.1.3; RFC 7636, section 4.5."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": party.redirect_uri,
            "code_verifier": verifier,
        }
        return await self._tokens(party, form, id_token=True)

    async def refresh(self, party: RelyingParty, refresh_token: str) -> TokenReply:
        """RFC 6749, section 6."""
        return await self._tokens(party, {"grant_type": "refresh_token", "refresh_token": refresh_token})

    async def userinfo(self, party: RelyingParty, access_token: str, subject: str) -> dict[str, Any]:
        """OpenID Connect Core, section 5.3; answers in JSON only."""
        url = (await self.directory.find(party.issuer)).userinfo_endpoint
        if not url:
            raise StoreError(f"{party.name}: the issuer names no userinfo_endpoint")
        headers = {"authorization": f"Bearer {access_token}", "accept": "application/json"}
        status, data = await self._talk(party, "GET", url, headers=headers)
        if status != 200:
            raise StoreError(f"{url}: answered {status}")
        try:
            members = decode_object(data, _MAX_DEPTH)
        except ValueError:
            raise BadLogin("userinfo-malformed") from None
        check_userinfo(members, subject)
        return members

    async def keys_for(self, party: RelyingParty, token: str, at: float) -> VerificationKeys:
        """Those of the issuer, looked up anew where they do not have the token's."""
        try:
            kid = read_header(token).kid
        except BadToken as error:
            raise BadLogin(f"id-token-{error.reason}") from None
        ask = FindVerificationKeys(party.source, kid, at)
        try:
            return self._keys.find(ask)
        except NotNow:
            return await self._keys.find_later(ask)

    async def _tokens(self, party: RelyingParty, form: dict[str, str], *, id_token: bool = False) -> TokenReply:
        metadata = await self.directory.find(party.issuer)
        if not metadata.token_endpoint:
            raise StoreError(f"{party.name}: the issuer names no token_endpoint")
        fields = _authenticated(party, metadata, form)
        status, data = await self._talk(
            party, "POST", metadata.token_endpoint, headers={"accept": "application/json"}, **fields
        )
        if status in (400, 401, 403):
            error = read_token_error(data)
            if error in ("invalid_client", "unauthorized_client"):
                # Not the person's doing: the operator must learn of it.
                raise StoreError(f"{metadata.token_endpoint}: answered {error}; see client_id and client_secret")
            raise BadLogin("grant-refused")
        if status != 200:
            raise StoreError(f"{metadata.token_endpoint}: answered {status}")
        return read_token_reply(data, id_token=id_token)

    async def _talk(self, party: RelyingParty, method: str, url: str, **fields: Any) -> tuple[int, bytes]:
        if self._talking.get(party.name, 0) >= _MOST_AT_ONCE:
            raise StoreError(f"{party.name}: {_MOST_AT_ONCE} questions are under way already")
        self._talking[party.name] = self._talking.get(party.name, 0) + 1
        try:
            async with asyncio.timeout(TIMEOUT):
                return await fetch(method, url, **fields)
        except TimeoutError:
            raise StoreError(f"{url}: no answer within {TIMEOUT:g} s") from None
        finally:
            self._talking[party.name] -= 1


def _authenticated(party: RelyingParty, metadata: IssuerMetadata, form: dict[str, str]) -> dict[str, Any]:
    """The form with our own credentials (RFC 6749, section 2.3.1). Without a secret we only say who we are."""
    if not party.client_secret:
        return {"form": {**form, "client_id": party.client_id}}
    if not metadata.authentication or "client_secret_basic" in metadata.authentication:
        return {"form": form, "auth": (quote_plus(party.client_id), quote_plus(party.client_secret))}
    return {"form": {**form, "client_id": party.client_id, "client_secret": party.client_secret.decode()}}
