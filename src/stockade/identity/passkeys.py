"""Passkeys of our users: a challenge is asked for, answered once and in time, and judged.

challenge = passkeys.begin(user, now)                       # challenge.options: JSON for navigator.credentials.create
passkeys.finish(user, challenge.id, answer, now, actor)     # answer: JSON of the credential
challenge = passkeys.challenge(now, user)                   # … for navigator.credentials.get; without a user, any
login = passkeys.check(challenge.id, answer, now)           # who it is, and what it proves
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

from msgspec import Struct

from stockade.identity.factors import Factors, audited, new_factor
from stockade.passwords import User
from stockade.second_factors import (
    BadPasskey,
    OneTime,
    Passkey,
    RelyingParty,
    authentication_options,
    registration_options,
    verify_authentication,
    verify_registration,
)
from stockade.second_factors.methods import Proof
from stockade.second_factors.passkeys import CHALLENGE_BYTES, credential_id
from stockade.stores import Conflict
from stockade.stores.factors import Factor, FactorStore

_PATIENCE = 300.0  # seconds that a person may take
_REGISTRATION, _AUTHENTICATION = "passkey registration", "passkey login"


class Challenge(Struct, frozen=True):
    """id: to be handed back with the answer. options: JSON for the browser."""

    id: str
    options: str


class PasskeyLogin(NamedTuple):
    user: User
    proof: Proof  # "passkey" where the user was verified, else "passkey-unverified"


class Passkeys:
    """party: who we are to browsers."""

    def __init__(self, factors: Factors, store: FactorStore, party: RelyingParty) -> None:
        self._factors = factors
        self._store = store
        self._party = party

    def begin(self, user: User, at: float) -> Challenge:
        """A challenge for a new passkey of that user."""
        self._factors.check_room(user)
        once, challenge = self._once(user.id, _REGISTRATION, at)
        known = [factor.handle for factor in self._of(user) if factor.handle is not None]
        options = registration_options(
            self._party, user_id=user.id.encode(), user_name=user.name, challenge=challenge, known=known
        )
        return Challenge(once.id, options)

    def finish(self, user: User, challenge_id: str, answer: str, at: float, actor: str, label: str = "") -> Factor:
        """The passkey, good from now on. Raises BadPasskey."""
        challenge = self._used(challenge_id, _REGISTRATION, at, user.id)
        made = verify_registration(self._party, answer, challenge)
        factor = new_factor(
            user, "passkey", at, label=label, handle=made.id, public_key=made.public_key, counter=made.count
        )
        try:
            self._store.add(factor)
        except Conflict:
            raise BadPasskey("the passkey is known already") from None
        self._store.confirm(user, factor, audited(at, actor, user, "second factor added", ["passkey"]))
        return factor

    def challenge(self, at: float, user: User | None = None) -> Challenge:
        """A challenge for a login. Without a user the browser offers what it has, and the answer says who it is.

        The answer for a user without passkeys looks like that without a user, so that nobody learns who has some.
        """
        once, challenge = self._once(user.id if user is not None else "", _AUTHENTICATION, at)
        allowed = [factor.handle for factor in self._of(user) if factor.handle is not None] if user is not None else []
        return Challenge(once.id, authentication_options(self._party, challenge=challenge, allowed=allowed))

    def check(self, challenge_id: str, answer: str, at: float) -> PasskeyLogin:
        """Who answered. Raises BadPasskey: for a challenge that was used, also when the user may not log in."""
        once = self._store.once(challenge_id)
        challenge = self._used(challenge_id, _AUTHENTICATION, at, once.user if once is not None else "")
        factor = self._store.by_handle(credential_id(answer))
        if factor is None or factor.kind != "passkey" or not factor.confirmed or factor.handle is None:
            raise BadPasskey("the passkey is nobody's")
        if once is not None and once.user not in ("", factor.user):
            raise BadPasskey("the passkey is another user's")
        known = Passkey(factor.handle, factor.public_key or b"", factor.counter)
        seen = verify_authentication(self._party, answer, challenge, known)
        if not self._store.count_up(factor, seen.count, at):
            raise BadPasskey("the count of the passkey did not grow")
        user = self._store.users.by_id(factor.user)
        if user is None or user.refusal(at) is not None:
            raise BadPasskey("the user may not log in")
        return PasskeyLogin(user, "passkey" if seen.verified else "passkey-unverified")

    def _of(self, user: User) -> list[Factor]:
        return [factor for factor in self._store.of(user.id) if factor.kind == "passkey"]

    def _once(self, user_id: str, purpose: str, at: float) -> tuple[OneTime, bytes]:
        challenge = secrets.token_bytes(CHALLENGE_BYTES)
        once = OneTime(secrets.token_urlsafe(16), user_id, purpose, challenge, at + _PATIENCE)
        self._store.add_once(once, at, several=True)
        return once, challenge

    def _used(self, challenge_id: str, purpose: str, at: float, user_id: str) -> bytes:
        """The challenge, which nobody can answer again. Raises BadPasskey."""
        once = self._store.once(challenge_id)
        if once is None or once.purpose != purpose or once.user != user_id or at >= once.expires:
            raise BadPasskey("no such challenge, or none any more")
        if not self._store.use_once(challenge_id):
            raise BadPasskey("the challenge was answered already")
        return once.digest
