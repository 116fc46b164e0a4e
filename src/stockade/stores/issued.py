"""What the token service issued, for those who verify it in the same place: keys, revocations, opaque tokens.

Nobody is asked over the network: the tables are read, and what was read holds until the database changes. A revoked
token is refused by the next request in every worker.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from stockade.engine import NotNow
from stockade.grants import Grant, OwnToken, audience_claim
from stockade.grants.clients import CLIENT_SUBJECT
from stockade.passwords import User
from stockade.stores.database import Database
from stockade.stores.own_issuer import OwnIssuer
from stockade.stores.signing_keys import SigningKeyStore
from stockade.stores.tokens import TokenStore
from stockade.stores.users import UserStore
from stockade.tokens import BadKeys, BadToken, Claims, VerificationKeys, api_key_digester, parse_jwks
from stockade.tokens.introspection import claims_of_introspection
from stockade.vocabulary import Ask, FindRevocation, FindVerificationKeys, IntrospectToken, StoreError

_USER = "user:"
_FRESH = 10.0  # seconds after which the tables are read again though nothing seems to have changed
_REMEMBERED = 10_000


class _State(Struct, frozen=True):
    revision: int  # read before the tables were
    read: float  # monotonic seconds
    keys: VerificationKeys
    texts: tuple[str, ...]
    revoked: Mapping[str, float]  # until when what was issued under that name is good no more
    users: dict[str, User | None]  # those that were asked about, by name
    good: dict[FindRevocation, float]  # until when (epoch seconds) what is not revoked has a user who may log in


class IssuedTokens:
    """Answers FindVerificationKeys and IntrospectToken of our own service, and FindRevocation."""

    def __init__(self, database: Database, own: OwnIssuer) -> None:
        self._database = database
        self.own = own
        self._digest = api_key_digester(own.hash_key)
        self._keys = SigningKeyStore(database)
        self._tokens = TokenStore(database)
        self._users = UserStore(database)
        self._state: _State | None = None
        self._known: dict[bytes, tuple[int, float, OwnToken, Grant]] = {}

    # At once, or NotNow where a server must be asked.

    def find_keys(self, _: FindVerificationKeys) -> VerificationKeys:
        return self._now().keys

    def find_revocation(self, ask: FindRevocation) -> bool:
        state = self._now()
        until = state.good.get(ask)
        if until is not None and time.time() < until:
            return False
        user = _user_of(ask)
        if user and user not in state.users:
            if self._database.remote:
                raise NotNow
            self._meet(state, user)
        return _is_revoked(state, ask)

    def find_token(self, ask: IntrospectToken) -> Claims | None:
        digest = self._digest(ask.token)
        found = self._remembered(digest)
        if found is None:
            if self._database.remote:
                raise NotNow
            found = self._look(digest)
        return self._claims(ask, found)

    async def later(self, ask: Ask[Any]) -> Any:
        """The same, waiting for the database."""
        if isinstance(ask, IntrospectToken):
            digest = self._digest(ask.token)
            return self._claims(ask, await self._database.later(lambda: self._look(digest)))
        state = await self._database.later(self._read)
        if not isinstance(ask, FindRevocation):
            return state.keys
        user = _user_of(ask)
        if user:
            await self._database.later(lambda: self._meet(state, user))
        return _is_revoked(state, ask)

    def _now(self) -> _State:
        state = self._state
        if (
            state is not None
            and state.revision == self._database.revision.read()
            and time.monotonic() - state.read < _FRESH
        ):
            return state
        if self._database.remote:
            raise NotNow
        return self._read()

    def _read(self) -> _State:
        revision, now, at = self._database.revision.read(), time.monotonic(), time.time()
        texts = tuple(key.public for key in self._keys.all(at))
        old = self._state
        keys = old.keys if old is not None and old.texts == texts else _parsed(texts)
        revoked: dict[str, float] = {}
        for each in self._tokens.revocations(at):
            revoked[each.name] = max(each.before, revoked.get(each.name, 0.0))
        self._state = _State(revision, now, keys, texts, revoked, {}, {})
        return self._state

    def _meet(self, state: _State, name: str) -> None:
        """Who has been disabled or removed has no tokens any more."""
        if len(state.users) >= _REMEMBERED:
            state.users.clear()
        state.users[name] = self._users.by_name(name)

    def _remembered(self, digest: bytes) -> tuple[OwnToken, Grant] | None:
        known = self._known.get(digest)
        if known is None or known[0] != self._database.revision.read() or time.monotonic() - known[1] >= _FRESH:
            return None
        return known[2], known[3]

    def _look(self, digest: bytes) -> tuple[OwnToken, Grant] | None:
        revision, now = self._database.revision.read(), time.monotonic()
        token = self._tokens.find(digest, "access")
        grant = self._tokens.grant(token.grant) if token is not None else None
        if token is None or grant is None:
            return None
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[digest] = (revision, now, token, grant)
        return token, grant

    def _claims(self, ask: IntrospectToken, found: tuple[OwnToken, Grant] | None) -> Claims | None:
        if found is None or found[1].revoked is not None:
            return None
        token, grant = found
        try:
            rules = self.own.rules[ask.source]
        except KeyError:
            raise StoreError(f"no rules are called {ask.source}") from None
        try:
            return claims_of_introspection(_members(self.own.issuer, token, grant), rules, ask.at, 0.0)
        except BadToken:
            return None


def _user_of(ask: FindRevocation) -> str:
    """The user's name; empty where a client acts for itself."""
    subject = next((name for name in ask.names if name.startswith(_USER)), "").removeprefix(_USER)
    return "" if subject.startswith(CLIENT_SUBJECT) else subject


def _is_revoked(state: _State, ask: FindRevocation) -> bool:
    name = _user_of(ask)
    user = state.users.get(name)
    if name and (user is None or user.refusal(time.time()) is not None):
        return True
    revoked = state.revoked
    if revoked and any(name in revoked and ask.issued <= revoked[name] for name in ask.names):
        return True
    if len(state.good) >= _REMEMBERED:
        state.good.clear()
    state.good[ask] = _until(user)
    return False


def _until(user: User | None) -> float:
    """When, at the soonest, one who may log in now may not any more, though nobody changes anything."""
    ends = (user.disabled, user.expires) if user is not None else ()
    return min((end for end in ends if end is not None), default=float("inf"))


def _members(issuer: str, token: OwnToken, grant: Grant) -> dict[str, object]:
    """What the token would say were it a JWT (RFC 9068, section 2.2)."""
    login = {"acr": grant.acr, "amr": list(grant.amr), "auth_time": grant.auth_time}
    return {
        "iss": issuer,
        "sub": grant.subject,
        "aud": audience_claim(token.extra.get("aud") or grant.audience),
        "client_id": grant.client,
        "scope": " ".join(sorted(token.scopes)),
        "iat": token.issued,
        "exp": token.expires,
        "grant": grant.id,
        **{name: value for name, value in login.items() if value},
        **{name: token.extra[name] for name in ("jti", "cnf", "roles") if name in token.extra},
    }


def _parsed(texts: tuple[str, ...]) -> VerificationKeys:
    try:
        return parse_jwks(msgspec.json.encode({"keys": [msgspec.Raw(text.encode()) for text in texts]}))
    except BadKeys as error:
        raise StoreError(f"the signing keys cannot be read: {error}") from error
