"""Our own users, as the token service sees them: who logs in, and what they may let a client do."""

from __future__ import annotations

from msgspec import Struct

from stockade.identity.factors import Factors, TooManyGuesses
from stockade.identity.passkeys import Challenge, Passkeys
from stockade.identity.service.service import TooMany
from stockade.identity.users import NoSuchUser, Users
from stockade.passwords import User
from stockade.second_factors import BadPasskey
from stockade.second_factors.methods import Proof

_METHODS = {"totp": "otp", "recovery": "kba"}  # RFC 8176; a recovery code is knowledge that was agreed upon

_LABEL = 64  # characters


class Someone(Struct, frozen=True):
    """A user. Tokens call users by name, as Basic does: names are never given to another.

    factors: whether a second one is asked for. scopes: what the user may do, and so all that a client can be let do.
    """

    id: str
    name: str
    scopes: frozenset[str]
    roles: frozenset[str]
    factors: bool


class People:
    """Wrong guesses are counted in `identity.users` and `identity.factors`, per account and per address.

    passkeys: None where no browser would show one to the service's pages.
    """

    def __init__(self, users: Users, factors: Factors, passkeys: Passkeys | None = None) -> None:
        self._users = users
        self._factors = factors
        self._passkeys = passkeys

    def verify(self, name: str, password: str, at: float, *, address: str = "") -> Someone | None:
        user = self._users.verify(name, password, at, address=address)
        return _someone(user, at) if user is not None else None

    def get(self, user_id: str, at: float) -> Someone | None:
        user = self._find(user_id)
        return _someone(user, at) if user is not None else None

    def check_factor(self, user_id: str, code: str, at: float) -> str | None:
        """Raises TooMany."""
        user = self._find(user_id)
        if user is None:
            return None
        try:
            proof = self._factors.check_code(user, code, at)
        except TooManyGuesses as error:
            raise TooMany from error
        return _METHODS[proof] if proof is not None else None

    def challenge(self, user_id: str, at: float) -> Challenge | None:
        user = self._find(user_id)
        if self._passkeys is None or user is None or "passkey" not in user.factors:
            return None
        return self._passkeys.challenge(at, user)

    def check_passkey(self, user_id: str, challenge_id: str, answer: str, at: float) -> Proof | None:
        """Nobody can guess a signature, so there is no budget of guesses."""
        if self._passkeys is None:
            return None
        try:
            login = self._passkeys.check(challenge_id, answer, at)
        except BadPasskey:
            return None
        return login.proof if login.user.name == user_id else None

    def begin_passkey(self, user_id: str, at: float) -> Challenge | None:
        user = self._find(user_id)
        if self._passkeys is None or user is None:
            return None
        try:
            return self._passkeys.begin(user, at)
        except ValueError:  # there are more than anybody needs
            return None

    def add_passkey(self, user_id: str, challenge_id: str, answer: str, label: str, at: float) -> bool:
        user = self._find(user_id)
        if self._passkeys is None or user is None:
            return False
        label = "".join(filter(str.isprintable, label))[:_LABEL]
        try:
            self._passkeys.finish(user, challenge_id, answer, at, f"user:{user.name}", label)
        except BadPasskey:
            return False
        return True

    def _find(self, name: str) -> User | None:
        try:
            return self._users.find(name)
        except NoSuchUser:
            return None


def _someone(user: User, at: float) -> Someone | None:
    """None for who may not log in."""
    if user.refusal(at) is not None:
        return None
    return Someone(user.name, user.name, user.scopes, user.roles, bool(user.factors))
