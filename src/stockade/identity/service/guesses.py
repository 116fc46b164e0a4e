"""What a wrong guess costs here: client secrets, user codes, and codes and tokens that nobody was given.

People's passwords and second factors are counted where they are judged (`identity.users`, `identity.factors`); the
budgets of an address are the same ones, over the whole gateway.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from stockade.controls.authentication import Guess, Guessing, Lockout
from stockade.engine import drive
from stockade.grants import Refusal
from stockade.stores import Counters
from stockade.vocabulary import Ask, Asking, GiveBack, TakeAll

_REMEMBERED = 4096
_NOWHERE = "unknown"  # who comes without an address shares one budget with all of their kind


class TooMany(Exception):
    """Too many wrong guesses came: nothing was checked. wait: seconds until one more is."""

    def __init__(self, wait: float = 60.0) -> None:
        super().__init__("too many wrong guesses")
        self.wait = wait


class Unknown(Refusal):
    """Nobody was given that code or token. shown: its digest."""

    def __init__(self, text: str, shown: bytes) -> None:
        super().__init__("invalid_grant", text)
        self.shown = shown


class Guesses:
    """Used by several threads at once. key: of the keyed digests under which users are counted."""

    def __init__(self, key: bytes, counters: Counters, lockout: Lockout) -> None:
        self._guessing = Guessing(key, lockout)
        self._answers: dict[type[Any], Callable[[Any], Any]] = {
            TakeAll: counters.take_all,
            GiveBack: counters.give_back,
        }
        self._lock = threading.Lock()
        self._wrong: dict[bytes, None] = {}

    def judge(self, shown: bytes, address: str, at: float, is_right: Callable[[], bool]) -> bool:
        """Pay for it, judge it, and have it back where it was right. Raises TooMany.

        shown: a digest of all that the judgement depends on. A program that goes on with an old secret pays for it
        once, so that it does not stop the others at its address. One at a time: thirty good ones that come at the same
        moment are no guesses. is_right: quick, for that reason.
        """
        if shown in self._wrong:
            return False
        with self._lock:
            guess = self.take(address, at)
            right = is_right()
            if right:
                self.right(guess, at)
            else:
                self._remember(shown)
        return right

    def missed(self, shown: bytes, address: str, at: float) -> None:
        """Nobody was given that code or token, 256 bits long: trying costs. Who has one is never stopped. Raises
        TooMany."""
        if shown not in self._wrong:
            self.take(address, at)
            self._remember(shown)

    def take(self, address: str, at: float, account: str = "") -> Guess:
        """Pay for a guess. Raises TooMany."""
        guess: Guess | float = self._drive(self._guessing.take(at, address=address or _NOWHERE, account=account))
        if isinstance(guess, float):
            raise TooMany(guess)
        return guess

    def right(self, guess: Guess, at: float) -> None:
        """It was none."""
        self._drive(self._guessing.right(guess, at))

    def _remember(self, shown: bytes) -> None:
        if len(self._wrong) >= _REMEMBERED:
            self._wrong.clear()
        self._wrong[shown] = None

    def _drive(self, steps: Asking[Any]) -> Any:
        return drive(steps, self._answer)

    def _answer(self, ask: Ask[Any]) -> Any:
        return self._answers[type(ask)](ask)
