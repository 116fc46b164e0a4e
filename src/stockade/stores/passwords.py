"""Checks passwords in threads of its own, for argon2 takes tens of milliseconds and lets other threads run meanwhile.

Strangers and users at a known place wait in lines of their own: a flood of guesses does not keep the owners out.
"""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from stockade.engine import NotNow
from stockade.passwords import Argon2, BadHash, User
from stockade.passwords.hashing import SALT_BYTES
from stockade.stores.users import UserStore
from stockade.vocabulary import Ask, CheckPassword, StoreError

_MOST_WAITING = 64  # per line: what is more would wait longer than its client


class PasswordChecks:
    """Answers CheckPassword, always later."""

    def __init__(self, users: UserStore, argon2: Argon2) -> None:
        self.users = users
        self.argon2 = argon2
        self._lines = [ThreadPoolExecutor(1, thread_name_prefix="stockade-passwords") for _ in range(2)]
        self._waiting = [0, 0]
        self._lines[0].submit(argon2.waste, "")  # the hash of nobody is made now, not with the first stranger

    def find(self, ask: CheckPassword) -> bool:  # noqa: ARG002 - as its neighbours
        raise NotNow

    async def find_later(self, ask: Ask[bool]) -> bool:
        assert isinstance(ask, CheckPassword)
        line = int(ask.known)
        if self._waiting[line] >= _MOST_WAITING:
            raise StoreError(f"{_MOST_WAITING} passwords wait to be checked already")
        self._waiting[line] += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._lines[line], self.check, ask.user, ask.password)
        finally:
            self._waiting[line] -= 1

    def check(self, user: User | None, password: str, *, rehash: bool = True) -> bool:
        """The same, at once. rehash: False where nothing may be written."""
        if user is None or not user.password:
            self.argon2.waste(password)
            return False
        try:
            right = self.argon2.matches(user.password, password)
        except BadHash as error:
            raise StoreError(f"the user {user.id}: {error}") from None
        if right and rehash and self.argon2.outdated(user.password):
            with suppress(StoreError):  # it is right all the same
                self.users.rehash(user, self.argon2.hash(password, secrets.token_bytes(SALT_BYTES)))
        return right

    def close(self) -> None:
        for line in self._lines:
            line.shutdown(wait=False, cancel_futures=True)
