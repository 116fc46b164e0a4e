"""The stores of users behind one face that answers at once: for logins outside the request path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stockade.stores import Counters
from stockade.stores.factors import FactorStore
from stockade.stores.passwords import PasswordChecks
from stockade.stores.users import UserStore
from stockade.vocabulary import (
    Ask,
    CheckPassword,
    FindPlace,
    FindUser,
    GiveBack,
    NotePlace,
    TakeAll,
    UsePasscode,
)


class Answers:
    """counters: those of the request path where there is one, for guesses to count together."""

    def __init__(
        self, users: UserStore, checks: PasswordChecks, factors: FactorStore, counters: Counters | None = None
    ) -> None:
        self.users, self.checks, self.factors = users, checks, factors
        counters = counters or Counters()
        self._answers: dict[type[Any], Callable[[Any], Any]] = {
            FindUser: lambda ask: users.by_name(ask.name),
            FindPlace: lambda ask: users.place(ask.user, ask.place),
            NotePlace: users.keep_place,
            CheckPassword: lambda ask: checks.check(ask.user, ask.password),
            UsePasscode: lambda ask: factors.use_passcode(ask.user, ask.code, ask.at),
            TakeAll: counters.take_all,
            GiveBack: counters.give_back,
        }

    def answer(self, ask: Ask[Any]) -> Any:
        return self._answers[type(ask)](ask)
