"""`Stores`: the one answerer of all Asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stockade.engine import NotNow
from stockade.stores.counters import Counters
from stockade.stores.jwks import KeySources
from stockade.stores.keys import KeyStore
from stockade.stores.owners import Owners
from stockade.vocabulary import (
    Ask,
    FindApiKey,
    FindOwners,
    FindVerificationKeys,
    StoreError,
    TakeAll,
    TakeQuota,
    TakeTokens,
    Teach,
)


class Stores:
    """Which store answers what. A question that nobody answers is a StoreError: fail closed, and say so."""

    def __init__(
        self, counters: Counters, keys: KeyStore | None, sources: KeySources, owners: Owners | None = None
    ) -> None:
        self.counters = counters
        self.keys = keys
        self.sources = sources
        self.owners = owners
        self._answers: dict[type[Any], Callable[[Any], Any]] = {
            TakeTokens: counters.take_tokens,
            TakeQuota: counters.take_quota,
            TakeAll: counters.take_all,
            FindVerificationKeys: sources.find,
        }
        if keys is not None:
            self._answers[FindApiKey] = keys.find
        if owners is not None:
            self._answers.update({FindOwners: owners.find, Teach: owners.teach})

    def answer(self, ask: Ask[Any]) -> Any:
        """At once, or NotNow."""
        try:
            answer = self._answers[type(ask)]
        except KeyError:
            raise StoreError(f"no store answers {type(ask).__name__}") from None
        return answer(ask)

    async def answer_later(self, ask: Ask[Any]) -> Any:
        """The same, waiting where that is needed."""
        try:
            return self.answer(ask)
        except NotNow:
            return await self.sources.find_later(ask)  # the only store that ever waits

    def close(self) -> None:
        if self.keys is not None:
            self.keys.close()
        if self.owners is not None:
            self.owners.close()
