"""The life of a user: added, given a password and rights, disabled, removed; and a login checked.

Every change is in the audit, with who made it and when; nothing in it is secret.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Any

from stockade.controls.authentication import Denied, Guessing, Lockout, LoginRules, Logins, Proven
from stockade.engine import drive
from stockade.identity.answers import Answers
from stockade.passwords import Argon2, BadPassword, Fault, Login, PasswordPolicy, User, fold_name, normalised
from stockade.passwords.hashing import SALT_BYTES
from stockade.stores.users import AuditEntry

_ID_BYTES = 12
_GENERATED_BYTES = 15  # 120 bits: 20 characters
_is_scope = re.compile(r"[!#-\[\]-~]+").fullmatch  # RFC 6749, section 3.3
_is_email = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}").fullmatch


class NoSuchUser(LookupError):
    """There is no user of that name."""


class BadUser(ValueError):
    """What was asked for cannot be a user: a bad name, scope, role or address, or a name that is taken."""


class BadChoice(ValueError):
    """A password that is not good enough. `faults` says why, all of it, and never what it was."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(" ".join(fault.text for fault in faults))
        self.faults = tuple(faults)


class Users:
    """Times are epoch seconds, handed in. actor: who does it, for the audit.

    key: from which those for digests are made. breached: how often a password was seen in breaches.
    """

    def __init__(
        self,
        answers: Answers,
        key: bytes,
        *,
        policy: PasswordPolicy = PasswordPolicy(),  # noqa: B008 - it is frozen
        lockout: Lockout = Lockout(),  # noqa: B008
        breached: Callable[[str], int] | None = None,
        words: Sequence[str] = (),
    ) -> None:
        self._answers = answers
        self._store = answers.users
        self._argon2: Argon2 = answers.checks.argon2
        self._policy = policy
        self._breached = breached
        self._words = tuple(words)
        self._names = derived(key, "retired names")
        rules = LoginRules("enrolled", 0.0, policy.expires)
        guessing = Guessing(derived(key, "guessing"), lockout)
        self._logins = Logins(derived(key, "logins"), guessing, rules)
        self._first = Logins(derived(key, "logins"), guessing, LoginRules("never", 0.0, policy.expires))

    # Who they are.

    def get(self, user_id: str) -> User | None:
        return self._store.by_id(user_id)

    def find(self, name: str) -> User:
        """Raises NoSuchUser."""
        try:
            user = self._store.by_name(fold_name(name))
        except ValueError:
            user = None
        if user is None:
            raise NoSuchUser(f"no user is called {name[:64]!r}")
        return user

    def all(self) -> list[User]:
        return self._store.all()

    def audit(self, name: str = "", most: int = 1000) -> list[AuditEntry]:
        """Newest first; of one user, or of all, the removed too."""
        return self._store.audit(self.find(name).id if name else "", most)

    # Their life.

    def add(
        self,
        name: str,
        at: float,
        actor: str,
        *,
        password: str | None = None,
        roles: Iterable[str] = (),
        scopes: Iterable[str] = (),
        tenant: str = "",
        email: str = "",
        expires: float | None = None,
    ) -> User:
        """Without a password nobody can log in with one. Raises BadUser and BadChoice."""
        try:
            folded = fold_name(name)
        except ValueError as error:
            raise BadUser(f"{error}") from None
        user = User(
            secrets.token_urlsafe(_ID_BYTES),
            folded,
            roles=_checked(roles, "role"),
            scopes=_checked(scopes, "scope"),
            tenant=_text(tenant, "tenant"),
            email=_email(email),
            created=at,
            expires=expires,
        )
        if self._store.by_name(folded) is not None or self._store.is_retired(self._retired(folded)):
            raise BadUser(f"the name {folded!r} is taken, or was once; names are never given to another")
        if password is not None:
            user = _with_password(user, self._hash(self._judged(user, password)), at)
        detail = {"roles": sorted(user.roles), "scopes": sorted(user.scopes), "tenant": tenant}
        self._store.add(user, _entry(at, actor, user, "added", detail))
        return user

    def set_password(self, name: str, password: str, at: float, actor: str) -> User:
        """Every worker forgets the old one at once. Raises NoSuchUser and BadChoice."""
        user = self.find(name)
        encoded = self._hash(self._judged(user, password))
        action = "password set" if user.password else "password first set"
        self._store.set_password(user, encoded, at, _entry(at, actor, user, action), self._policy.history)
        return self.find(user.name)

    def reset_password(self, name: str, at: float, actor: str) -> str:
        """A new random password, told once."""
        password = secrets.token_urlsafe(_GENERATED_BYTES)
        self.set_password(name, password, at, actor)
        return password

    def disable(self, name: str, at: float, actor: str) -> User:
        return self._change(name, at, actor, "disabled", {}, disabled=at)

    def enable(self, name: str, at: float, actor: str) -> User:
        return self._change(name, at, actor, "enabled", {}, disabled=None)

    def unlock(self, name: str, at: float, actor: str) -> User:
        """What was guessed at this account is forgotten: its budgets are counted by user and change."""
        return self._change(name, at, actor, "unlocked", {})

    def set_rights(
        self,
        name: str,
        at: float,
        actor: str,
        *,
        roles: Iterable[str] | None = None,
        scopes: Iterable[str] | None = None,
        tenant: str | None = None,
    ) -> User:
        """What is None stays as it is. Raises NoSuchUser and BadUser."""
        values: dict[str, Any] = {}
        if roles is not None:
            values["roles"] = _checked(roles, "role")
        if scopes is not None:
            values["scopes"] = _checked(scopes, "scope")
        if tenant is not None:
            values["tenant"] = _text(tenant, "tenant")
        detail = {key: sorted(value) if isinstance(value, frozenset) else value for key, value in values.items()}
        return self._change(name, at, actor, "rights set", detail, **values)

    def set_email(self, name: str, email: str, at: float, actor: str) -> User:
        return self._change(name, at, actor, "email set", {}, email=_email(email))

    def forget_places(self, name: str, at: float, actor: str) -> None:
        """All that the user logged in from is strange again, and a second factor asked for."""
        user = self.find(name)
        self._store.forget_places(user.id)
        self._store.change(user.id, _entry(at, actor, user, "places forgotten"))

    def remove(self, name: str, at: float, actor: str) -> User:
        """For good: the name is never given to another, the audit stays."""
        user = self.find(name)
        entry = _entry(at, actor, user, "removed")
        self._store.remove(user, self._retired(user.name), entry, *self._answers.factors.all_of(user.id))
        return user

    # Logins.

    def prove(
        self,
        name: str,
        password: str,
        at: float,
        *,
        address: str = "",
        device: str = "",
        code: str = "",
        first: bool = False,
    ) -> Proven | Denied:
        """A login judged, in the same time whoever it is, with the budgets of guesses where an address is told.

        It takes as long as argon2 does, so call it in a thread. first: the password alone, where a second factor is
        asked for in a step of its own (see `Factors`). device: a text by which the client is known again.
        """
        try:
            login = Login(fold_name(name), normalised(password))
        except (BadPassword, ValueError):
            self._argon2.waste("")
            return Denied("login-malformed")
        logins = self._first if first else self._logins
        codes = (code,) if code else ()
        steps = logins.prove(login, at, address=address, device=device, codes=codes)
        return drive(steps, self._answers.answer)

    def verify(self, name: str, password: str, at: float, *, address: str = "") -> User | None:
        """The user whose password it is; None whatever is wrong. A second factor is not asked for."""
        proven = self.prove(name, password, at, address=address, first=True)
        return proven.user if isinstance(proven, Proven) else None

    # The rest.

    def _change(self, name: str, at: float, actor: str, action: str, detail: dict[str, Any], **values: Any) -> User:
        user = self.find(name)
        self._store.change(user.id, _entry(at, actor, user, action, detail), **values)
        return self.find(user.name)

    def _judged(self, user: User, password: str) -> str:
        """Raises BadChoice."""
        words = (user.name, *filter(None, (user.tenant, *user.email.split("@"))), *self._words)
        former = [user.password, *self._store.former_passwords(user.id)] if self._policy.history else []
        kept = [encoded for encoded in former if encoded][: self._policy.history]
        faults = self._policy.faults(
            password,
            words=words,
            breached=self._breached,
            used_before=lambda text: any(self._argon2.matches(encoded, text) for encoded in kept),
        )
        if faults:
            raise BadChoice(faults)
        return normalised(password)

    def _hash(self, password: str) -> str:
        return self._argon2.hash(password, secrets.token_bytes(SALT_BYTES))

    def _retired(self, name: str) -> bytes:
        return blake2b(name.encode(), key=self._names, digest_size=32).digest()


def derived(key: bytes, purpose: str) -> bytes:
    """A key for one purpose, the one that `Site.own_key` makes."""
    return hmac.digest(key, purpose.encode(), "sha256")


def _with_password(user: User, encoded: str, at: float) -> User:
    from msgspec.structs import replace

    return replace(user, password=encoded, password_set=at)


def _entry(at: float, actor: str, user: User, action: str, detail: dict[str, Any] | None = None) -> AuditEntry:
    return AuditEntry(at, actor[:256], user.id, user.name, action, detail or {})


def _checked(words: Iterable[str], what: str) -> frozenset[str]:
    given = frozenset(words)
    for word in sorted(given):
        if _is_scope(word) is None or len(word) > 128:
            raise BadUser(f"{word[:64]!r} is no {what}: printable ASCII without blanks, quotes and backslashes")
    return given


def _text(text: str, what: str) -> str:
    if len(text) > 256 or not text.isprintable():
        raise BadUser(f"the {what} has 256 printable characters at most")
    return text


def _email(text: str) -> str:
    if text and (len(text) > 320 or _is_email(text) is None or not text.isprintable()):
        raise BadUser(f"{text[:64]!r} is no mail address")
    return text
