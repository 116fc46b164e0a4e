"""The life of a second factor: enrolled, shown, used up, removed.

What is shown is answered with a `Proof`; `Methods.of("password", proof)` says what a login was worth (`acr`, `amr`).

    enrolment = factors.enrol_totp(user, now)              # a secret for an app, as text and as otpauth: URI
    factors.confirm_totp(user, enrolment.id, "123456", now, actor)
    proof = factors.check_code(user, "654321", now)       # "totp", "recovery" or None

Budgets of guesses count here too: a check raises TooManyGuesses when there were too many wrong ones.
"""

from __future__ import annotations

import secrets
from base64 import b32encode
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from stockade.controls.authentication import Guessing, Lockout
from stockade.engine import drive
from stockade.identity.answers import Answers
from stockade.identity.users import derived
from stockade.passwords import User
from stockade.second_factors import (
    make_recovery_codes,
    make_secret,
    provisioning_uri,
    recovery_digest,
)
from stockade.second_factors.methods import Proof
from stockade.second_factors.recovery import RANDOM_BYTES
from stockade.second_factors.totp import SECRET_BYTES, is_code
from stockade.stores.factors import Factor, FactorStore
from stockade.stores.users import AuditEntry

_CODES = 10
_MOST = 20  # factors of a user, recovery codes aside
_ID_BYTES = 12


class NoSuchFactor(LookupError):
    """The user has no second factor of that id."""


class TooManyGuesses(Exception):
    """Nothing was checked. wait: seconds until it will be."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"too many wrong codes came; try again in {wait:.0f} s")
        self.wait = wait


class Enrolment(Struct, frozen=True):
    """What an authenticator app needs: the secret as text to type (base 32), and as what a QR code holds. Told once."""

    id: str
    secret: str
    uri: str

    def __repr__(self) -> str:
        return f"Enrolment({self.id!r})"


class Factors:
    """Times are epoch seconds, handed in. issuer: what apps show beside the user's name."""

    def __init__(
        self, answers: Answers, key: bytes, *, lockout: Lockout | None = None, issuer: str = "Stockade"
    ) -> None:
        self._answers = answers
        self._store: FactorStore = answers.factors
        self._guessing = Guessing(derived(key, "guessing"), lockout or Lockout())
        self._issuer = issuer
        self._recovery = derived(key, "recovery codes")

    def of(self, user: User) -> list[Factor]:
        """Oldest first; recovery codes count one by one."""
        return self._store.of(user.id)

    def remove(self, user: User, factor_id: str, at: float, actor: str) -> None:
        """One, or "all" of them. Raises NoSuchFactor."""
        gone = [factor for factor in self.of(user) if factor_id in ("all", factor.id)]
        if not gone:
            raise NoSuchFactor(f"{user.name} has no second factor {factor_id[:64]!r}")
        kinds = sorted({factor.kind for factor in gone})
        self._store.remove(user, gone, audited(at, actor, user, "second factor removed", kinds))

    # Authenticator apps.

    def enrol_totp(self, user: User, at: float, label: str = "") -> Enrolment:
        """It counts once it is confirmed: nobody is locked out by an app that never worked."""
        for factor in self.of(user):
            if factor.kind == "totp" and not factor.confirmed:
                self._store.discard(factor)
        self.check_room(user)
        secret = make_secret(secrets.token_bytes(SECRET_BYTES))
        factor = new_factor(user, "totp", at, label=label, sealed=self._store.seal(user.id, secret))
        self._store.add(factor)
        uri = provisioning_uri(secret, user.name, self._issuer)
        return Enrolment(factor.id, b32encode(secret).decode(), uri)

    def confirm_totp(self, user: User, factor_id: str, code: str, at: float, actor: str) -> bool:
        """Whether the first code is right. From then on codes are asked for. Raises NoSuchFactor, TooManyGuesses."""
        found = [factor for factor in self.of(user) if factor.id == factor_id and factor.kind == "totp"]
        if not found:
            raise NoSuchFactor(f"{user.name} has no authenticator app {factor_id[:64]!r}")
        right = self._guarded("totp", user, at, lambda: self._store.use_totp(found[0], code, at))
        if right:
            self._store.confirm(user, found[0], audited(at, actor, user, "second factor added", ["totp"]))
        return right

    def check_code(self, user: User, code: str, at: float) -> Proof | None:
        """A code of an app, or a recovery code; it is used up. None: it is neither. Raises TooManyGuesses."""
        code = code.strip()
        kind: Proof = "totp" if is_code(code) else "recovery"
        right = self._guarded(kind, user, at, lambda: self._store.use_passcode(user.id, code, at))
        if right and kind == "recovery":
            self._store.users.note(audited(at, f"user:{user.name}", user, "recovery code used"))
        return kind if right else None

    # Recovery codes.

    def make_recovery(self, user: User, at: float, actor: str) -> list[str]:
        """Ten new ones, told once; the old ones are good no more."""
        codes = make_recovery_codes(secrets.token_bytes(RANDOM_BYTES * _CODES))
        factors = [
            new_factor(user, "recovery", at, handle=recovery_digest(self._recovery, user.id, code), confirmed=True)
            for code in codes
        ]
        self._store.replace_recovery(user, factors, audited(at, actor, user, "recovery codes made"))
        return codes

    # The rest.

    def check_room(self, user: User) -> None:
        """Raises ValueError when a user has more than anybody needs."""
        if sum(factor.kind != "recovery" for factor in self.of(user)) >= _MOST:
            raise ValueError(f"{user.name} has {_MOST} second factors already; remove one first")

    def _guarded(self, kind: str, user: User, at: float, check: Callable[[], bool]) -> bool:
        """The check, paid for first. Each kind has a budget of its own, so that one is left when another is spent."""
        guess = drive(self._guessing.take(at, account=f"{kind}\0{user.id}\0{user.stamp}"), self._answers.answer)
        if isinstance(guess, float):
            raise TooManyGuesses(guess)
        right = check()
        if right:
            drive(self._guessing.right(guess, at), self._answers.answer)
        return right

    def spend(self, kind: str, account: str, at: float) -> float:
        """Pay for something that must not be had too often; 0, or the seconds to wait."""
        guess = drive(self._guessing.take(at, account=f"{kind}\0{account}"), self._answers.answer)
        return guess if isinstance(guess, float) else 0.0


def new_factor(user: User, kind: str, at: float, **fields: Any) -> Factor:
    if len(fields.get("label", "")) > 128 or not fields.get("label", "").isprintable():
        raise ValueError("a label has 128 printable characters at most")
    return Factor(secrets.token_urlsafe(_ID_BYTES), user.id, kind, created=at, **fields)


def audited(at: float, actor: str, user: User, action: str, kinds: list[str] | None = None) -> AuditEntry:
    return AuditEntry(at, actor[:256], user.id, user.name, action, {"kinds": kinds} if kinds else {})
