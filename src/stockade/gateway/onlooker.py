"""Answers what controls ask, and changes nothing by it: no code is used up, no login begun or ended, no place noted.

Every Ask has its class here, and a test holds the two together: who adds one says whether it writes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from stockade.stores import Stores
from stockade.vocabulary import (
    Ask,
    CheckPassword,
    EndSession,
    EndSessions,
    FindApiKey,
    FindCertificate,
    FindIssuer,
    FindOwners,
    FindPartner,
    FindPlace,
    FindRevocation,
    FindSession,
    FindUser,
    FindVerificationKeys,
    GiveBack,
    IntrospectToken,
    NotePlace,
    OpenSession,
    RandomBytes,
    StoreError,
    TakeAll,
    TakeQuota,
    TakeTokens,
    Teach,
    UsePasscode,
)

READING: Final[frozenset[type[Any]]] = frozenset(
    {
        FindApiKey,
        FindCertificate,
        FindIssuer,
        FindOwners,
        FindPartner,
        FindPlace,
        FindRevocation,
        FindUser,
        FindVerificationKeys,
        IntrospectToken,
        RandomBytes,
    }
)
"""What a store answers without leaving a trace in it."""

COUNTING: Final[frozenset[type[Any]]] = frozenset({TakeTokens, TakeQuota, TakeAll, GiveBack})
"""What changes counters, which are this process's own and end with it."""


class Onlooker:
    """The stores, seen by one who touches nothing. What is neither read nor imitated here is a StoreError."""

    def __init__(self, stores: Stores) -> None:
        """stores: whose counters nobody else uses."""
        self._stores = stores
        self.imitated: dict[type[Any], Callable[[Any], Any]] = {
            NotePlace: lambda _: None,
            Teach: lambda _: (),
            CheckPassword: self._check_password,
            UsePasscode: self._try_passcode,
            FindSession: stores.login_sessions.look,
            EndSession: stores.login_sessions.look_at_end,
            EndSessions: stores.login_sessions.look_at_all,
            OpenSession: _no_login,
        }

    def answer(self, ask: Ask[Any]) -> Any:
        """At once, or NotNow. What is imitated may wait for the database: nothing else waits for this process."""
        kind = type(ask)
        imitation = self.imitated.get(kind)
        if imitation is not None:
            return imitation(ask)
        self._check(kind)
        return self._stores.answer(ask)

    async def answer_later(self, ask: Ask[Any]) -> Any:
        """The same, waiting where that is needed."""
        if type(ask) in self.imitated:
            return self.answer(ask)
        self._check(type(ask))
        return await self._stores.answer_later(ask)

    def _check(self, kind: type[Any]) -> None:
        if kind not in READING and kind not in COUNTING:
            raise StoreError(f"{kind.__name__} may change something, which a dry run must not")

    def _check_password(self, ask: CheckPassword) -> bool:
        if self._stores.checks is None:
            raise StoreError("no store knows users")
        return self._stores.checks.check(ask.user, ask.password, rehash=False)

    def _try_passcode(self, ask: UsePasscode) -> bool:
        if self._stores.factors is None:
            raise StoreError("no store knows second factors")
        return self._stores.factors.would_pass(ask.user, ask.code, ask.at)


def _no_login(_: OpenSession) -> str:
    raise StoreError("a dry run redeems no code: the provider takes it but once")
