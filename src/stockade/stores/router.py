"""`Stores`: the one answerer of all Asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from stockade.engine import NotNow
from stockade.stores.counters import Counters
from stockade.stores.database import Database
from stockade.stores.introspection import Introspection
from stockade.stores.jwks import KeySources
from stockade.stores.keys import KeyStore
from stockade.stores.owners import Owners
from stockade.vocabulary import (
    Ask,
    FindApiKey,
    FindOwners,
    FindVerificationKeys,
    IntrospectToken,
    StoreError,
    TakeAll,
    TakeQuota,
    TakeTokens,
    Teach,
)


class Stores:
    """Which store answers what. A question that nobody answers is a StoreError: fail closed, and say so."""

    def __init__(
        self,
        counters: Counters,
        keys: KeyStore | None,
        sources: KeySources,
        introspection: Introspection | None = None,
        database: Database | None = None,
        owners: Owners | None = None,
    ) -> None:
        """database: what the stores that keep tables share; it is closed with them."""
        self.counters = counters
        self.keys = keys
        self.database = database
        self.sources = sources
        self.introspection = introspection or Introspection()
        self.owners = owners
        self._answers: dict[type[Any], Callable[[Any], Any]] = {
            TakeTokens: counters.take_tokens,
            TakeQuota: counters.take_quota,
            TakeAll: counters.take_all,
            FindVerificationKeys: sources.find,
            IntrospectToken: self.introspection.find,
        }
        # The stores that may have to wait for the network.
        self._later: dict[type[Any], Callable[[Any], Awaitable[Any]]] = {
            FindVerificationKeys: sources.find_later,
            IntrospectToken: self.introspection.find_later,
        }
        if keys is not None:
            self._answers[FindApiKey] = keys.find
            self._later[FindApiKey] = keys.find_later
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
            return await self._later[type(ask)](ask)

    def close(self) -> None:
        if self.keys is not None:
            self.keys.close()
        if self.database is not None:
            self.database.close()
        if self.owners is not None:
            self.owners.close()
