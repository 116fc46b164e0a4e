"""Browsers that log in at an OpenID provider: their sessions begun, found, refreshed and ended."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from stockade.engine import NotNow
from stockade.logins import BadLogin, Identity, Sealer, TokenReply, check_id_token, identity_of
from stockade.stores.jwks import KeySources
from stockade.stores.providers import Providers, RelyingParty
from stockade.stores.session_rows import CLAIM, SessionRow
from stockade.tokens import IssuerMetadata
from stockade.vocabulary import (
    Ask,
    EndSession,
    EndSessions,
    FindIssuer,
    FindSession,
    LoginSession,
    OpenSession,
    RandomBytes,
    StoreError,
)

if TYPE_CHECKING:
    from stockade.stores.sessions import SessionTable

_MOST_RANDOM = 1024  # bytes at once
_PATIENCE = 6.0  # seconds for which one worker waits for another's refresh
_STEP = 0.05
_REMEMBERED = 10_000
_SOONER = 0.8  # of a token's life, after which a new one is fetched while the old still does
_TOUCH = 60.0  # seconds: how exactly it is known when a session was last used


class Tokens(Struct, frozen=True, array_like=True):
    """What of a provider's tokens is kept, sealed."""

    id_token: str = ""
    refresh_token: str = ""
    access_token: str = ""

    def __repr__(self) -> str:
        return "Tokens(…)"


class LoginSessions:
    """Answers the Asks about sessions of browsers. table: None where no API lets browsers log in."""

    def __init__(self, parties: Iterable[RelyingParty], table: SessionTable | None, keys: KeySources) -> None:
        self._parties = {party.name: party for party in parties}
        self._sealers = {name: Sealer(party.key) for name, party in self._parties.items()}
        self._providers = Providers(keys)
        self.table = table
        self._made: dict[bytes, tuple[SessionRow, LoginSession]] = {}

    def random(self, ask: RandomBytes) -> bytes:
        return secrets.token_bytes(min(ask.count, _MOST_RANDOM))

    def find_issuer(self, ask: FindIssuer) -> IssuerMetadata:
        return self._providers.directory.at_hand(self._party(ask.party).issuer)

    async def find_issuer_later(self, ask: Ask[IssuerMetadata]) -> IssuerMetadata:
        assert isinstance(ask, FindIssuer)
        return await self._providers.directory.find(self._party(ask.party).issuer)

    def end(self, ask: EndSession) -> str:  # noqa: ARG002 - as every answer
        raise NotNow

    async def end_later(self, ask: Ask[str]) -> str:
        assert isinstance(ask, EndSession)
        party, table, digest = self._party(ask.party), self._table(), _digest(ask.secret)

        def end() -> SessionRow | None:
            row = table.read(digest)
            if row is None or row.party != party.name:
                return None
            table.end(digest)
            return row

        ended = await table.database.later(end)
        return self._opened(ended).id_token if ended is not None else ""

    def end_all(self, ask: EndSessions) -> int:  # noqa: ARG002 - as every answer
        raise NotNow

    async def end_all_later(self, ask: Ask[int]) -> int:
        assert isinstance(ask, EndSessions)
        party, table, subject, sid = self._party(ask.party), self._table(), ask.subject, ask.sid
        return await table.database.later(lambda: table.end_all(party.name, subject, sid))

    # A session begins.

    def open(self, ask: OpenSession) -> str:  # noqa: ARG002 - as every answer
        raise NotNow

    async def open_later(self, ask: Ask[str]) -> str:
        assert isinstance(ask, OpenSession)
        party, table = self._party(ask.party), self._table()
        reply = await self._providers.redeem(party, ask.code, ask.verifier)
        keys = await self._providers.keys_for(party, reply.id_token, ask.at)
        claims = check_id_token(
            reply.id_token,
            keys,
            party.rules,
            ask.at,
            nonce=ask.nonce,
            access_token=reply.access_token,
            max_age=ask.max_age,
            acr=ask.acr,
        )
        identity = await self._identity(party, claims.members, reply)
        secret = secrets.token_urlsafe(32)
        digest = _digest(secret)
        refresh_at, stale_at = _refresh_times(reply, reply.refresh_token, ask.at)
        ends = ask.at + party.lifetime
        if party.keeps_access and refresh_at is None and reply.lifetime is not None:
            ends = min(ends, ask.at + reply.lifetime)  # without its access token the session is worth nothing
        row = SessionRow(
            digest,
            party.name,
            identity.subject,
            identity.sid,
            msgspec.msgpack.encode(identity),
            self._sealed(party, digest, _kept(party, reply, Tokens())),
            ask.at,
            ask.at,
            ends,
            refresh_at,
            stale_at,
        )
        await table.database.later(lambda: table.add(row, party.most, party.idle))
        return secret

    async def _identity(self, party: RelyingParty, members: Mapping[str, Any], reply: TokenReply) -> Identity:
        if party.userinfo:
            more = await self._providers.userinfo(party, reply.access_token, str(members["sub"]))
            members = {**more, **members}
        granted = frozenset(party.scopes) if reply.scopes is None else reply.scopes
        return identity_of(members, party.claims, granted)

    # A session is found.

    def find(self, ask: FindSession) -> LoginSession | None:
        """Raises NotNow when something must be written, a server asked, or the tokens refreshed."""
        party, table, digest = self._party(ask.party), self._table(), _digest(ask.secret)
        row = table.known(digest)
        if row is None:
            if table.database.remote:
                raise NotNow
            row = table.read(digest)
        if row is None or row.party != party.name:
            return None
        if ask.at >= row.ends or ask.at - row.seen >= _touch(party):
            raise NotNow
        if row.refresh_at is not None and ask.at >= row.refresh_at:
            is_stale = row.stale_at is None or ask.at >= row.stale_at
            if is_stale or not 0.0 <= ask.at - row.claimed < CLAIM:
                raise NotNow
        return self._session(row)

    async def find_later(self, ask: Ask[LoginSession | None]) -> LoginSession | None:
        """One worker refreshes; the others go on with what they have while it lasts, then wait for it."""
        assert isinstance(ask, FindSession)
        party, table, digest, at = self._party(ask.party), self._table(), _digest(ask.secret), ask.at
        loop = asyncio.get_running_loop()
        until = loop.time() + _PATIENCE
        while True:
            row = await table.database.later(lambda: _live(table, party, digest, at))
            if row is None:
                return None
            if row.refresh_at is None or at < row.refresh_at:
                return self._session(row)
            if await table.database.later(lambda: table.claim(digest, at)):
                return await self._refreshed(party, digest, at)
            if row.stale_at is not None and at < row.stale_at:
                return self._session(row)
            if loop.time() >= until:
                raise StoreError(f"{party.name}: another worker has not refreshed the session in time")
            await asyncio.sleep(_STEP)

    async def _refreshed(self, party: RelyingParty, digest: bytes, at: float) -> LoginSession | None:
        table = self._table()
        # What is remembered may be from before another's refresh, whose refresh token is the one that is good.
        row = await table.database.later(lambda: table.read(digest))
        if row is None or row.refresh_at is None or at < row.refresh_at:
            return self._session(row) if row is not None else None
        try:
            fresh = await self._refresh(party, row, at)
        except BadLogin:
            await table.database.later(lambda: table.end(digest))
            return None  # the provider has ended it, or tells of somebody else
        except StoreError:
            if row.stale_at is not None and at < row.stale_at:
                return self._session(row)
            await table.database.later(lambda: table.change(digest, claimed=0.0))
            raise

        def keep() -> SessionRow | None:
            table.change(
                digest,
                identity=fresh.identity,
                tokens=fresh.tokens,
                refresh_at=fresh.refresh_at,
                stale_at=fresh.stale_at,
                claimed=0.0,
            )
            return table.read(digest)  # it may have been ended meanwhile

        found = await table.database.later(keep)
        return self._session(found) if found is not None else None

    async def _refresh(self, party: RelyingParty, row: SessionRow, at: float) -> SessionRow:
        """Raises BadLogin where the provider refuses, or tells of another person (OpenID Connect Core, 12.2)."""
        known = self._opened(row)
        before = msgspec.msgpack.decode(row.identity, type=Identity)
        reply = await self._providers.refresh(party, known.refresh_token)
        identity = before
        if reply.id_token:
            keys = await self._providers.keys_for(party, reply.id_token, at)
            claims = check_id_token(reply.id_token, keys, party.rules, at, nonce=None, access_token=reply.access_token)
            identity = await self._identity(party, claims.members, reply)
            if identity.subject != before.subject:
                raise BadLogin("refreshed-as-another")
            # A refresh is no login: how and when they logged in stays as it was.
            identity = replace(
                identity, acr=before.acr, amr=before.amr, auth_time=before.auth_time, sid=before.sid or identity.sid
            )
        tokens = _kept(party, reply, known)
        refresh_at, stale_at = _refresh_times(reply, tokens.refresh_token, at)
        return replace(
            row,
            identity=msgspec.msgpack.encode(identity),
            tokens=self._sealed(party, row.digest, tokens),
            refresh_at=refresh_at,
            stale_at=stale_at,
        )

    # What would be, at once, with nothing written and nobody asked.

    def look(self, ask: FindSession) -> LoginSession | None:
        """The session if it still lasts; tokens that are due are taken for refreshed."""
        party = self._party(ask.party)
        row = self._table().read(_digest(ask.secret))
        if row is None or row.party != party.name or ask.at >= row.ends or ask.at - row.seen >= party.idle:
            return None
        return self._session(row)

    def look_at_end(self, ask: EndSession) -> str:
        """What ending it would reply."""
        row = self._table().read(_digest(ask.secret))
        return self._opened(row).id_token if row is not None and row.party == self._party(ask.party).name else ""

    def look_at_all(self, ask: EndSessions) -> int:
        """How many would be ended."""
        return self._table().count(self._party(ask.party).name, ask.subject, ask.sid)

    # How it is kept.

    def _session(self, row: SessionRow) -> LoginSession:
        """The same as long as the row is: whoever gets it may remember by it what they made of it."""
        made = self._made.get(row.digest)
        if made is not None and made[0] is row:
            return made[1]
        identity = msgspec.msgpack.decode(row.identity, type=Identity)
        access = self._opened(row).access_token if self._party(row.party).keeps_access else ""
        session = LoginSession(row.digest.hex()[:16], identity, access)
        if len(self._made) >= _REMEMBERED:
            self._made.clear()
        self._made[row.digest] = (row, session)
        return session

    def _sealed(self, party: RelyingParty, digest: bytes, tokens: Tokens) -> bytes:
        plain = msgspec.msgpack.encode(tokens)
        return self._sealers[party.name].seal_bytes(plain, digest.hex(), secrets.token_bytes(12))

    def _opened(self, row: SessionRow) -> Tokens:
        plain = self._sealers[row.party].open_bytes(row.tokens, row.digest.hex())
        if plain is None:
            raise StoreError(f"{row.party}: the tokens of a session were sealed under another key")
        return msgspec.msgpack.decode(plain, type=Tokens)

    def _party(self, name: str) -> RelyingParty:
        try:
            return self._parties[name]
        except KeyError:
            raise StoreError(f"no relying party is called {name}") from None

    def _table(self) -> SessionTable:
        if self.table is None:
            raise StoreError("there is no table of sessions")
        return self.table


def _live(table: SessionTable, party: RelyingParty, digest: bytes, at: float) -> SessionRow | None:
    """The session if it still lasts, which is noted; what is over is ended."""
    row = table.known(digest)
    if row is None or at - row.seen >= party.idle:
        row = table.read(digest)  # another worker may have seen it since
    if row is None or row.party != party.name:
        return None
    if at >= row.ends or at - row.seen >= party.idle:
        table.end(digest)
        return None
    return table.touch(row, at) if at - row.seen >= _touch(party) else row


def _touch(party: RelyingParty) -> float:
    return min(_TOUCH, party.idle / 4)


def _kept(party: RelyingParty, reply: TokenReply, before: Tokens) -> Tokens:
    return Tokens(
        reply.id_token or before.id_token,
        reply.refresh_token or before.refresh_token,
        reply.access_token if party.keeps_access else "",
    )


def _refresh_times(reply: TokenReply, refresh_token: str, at: float) -> tuple[float | None, float | None]:
    if not refresh_token or reply.lifetime is None:
        return None, None
    return at + reply.lifetime * _SOONER, at + reply.lifetime


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
