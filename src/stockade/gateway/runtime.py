"""The composition root: a policy with the stores that answer it and the journal that remembers what it did."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from stockade.config import Built, Loaded
from stockade.engine import Policy, Session
from stockade.journal import DecisionLog, Metrics, Snapshot
from stockade.stores import (
    Counters,
    Introspection,
    KeySources,
    LoginSessions,
    Owners,
    Source,
    Stores,
    Use,
)
from stockade.vocabulary import Record, StoreError

if TYPE_CHECKING:
    from stockade.stores import Database, KeyStore


class Runtime:
    """What a door needs. `adopt` swaps the policy under running requests; counters outlive the swap.

    Raises StoreError when the database cannot be opened, OSError when the log cannot.
    """

    def __init__(
        self, loaded: Loaded, built: Built, counters: Counters | None = None, *, worker: int = 0, passive: bool = False
    ) -> None:
        """Without `counters` they are this process's own. passive: for trying things out, so no log is written, nothing
        is taught, and no store makes or changes anything of its own.
        """
        self.worker = worker
        self.metrics = Metrics()
        self._counters = counters or Counters()
        self._passive = passive
        self._uses: dict[str, Use] = {}
        self.stores = self._stores(built, ())
        self.policy: Policy = built.policy
        self.log = DecisionLog(_log_path(loaded)) if not passive else None
        self._log_path = _log_path(loaded)

    @property
    def counters(self) -> Counters:
        return self._counters

    def adopt(self, loaded: Loaded, built: Built) -> None:
        """Run another policy from now on; requests under way end under the old one."""
        known = self.stores.sources.all()
        stores = self._stores(built, known)
        log = None
        if self.log is not None and _log_path(loaded) != self._log_path:
            log = DecisionLog(_log_path(loaded))
        # Nothing below can fail: the new policy runs whole or not at all.
        old_database, old_checks, old_owners = self.stores.database, self.stores.checks, self.stores.owners
        self.stores, self.policy = stores, built.policy
        if log is not None and self.log is not None:
            self.log, old_log, self._log_path = log, self.log, _log_path(loaded)
            old_log.close()
        if old_database is not None and old_database is not stores.database:
            old_database.close()
        if old_checks is not None and old_checks is not stores.checks:
            old_checks.close()
        if old_owners is not None and old_owners is not stores.owners:
            old_owners.close()

    def _stores(self, built: Built, known: Iterable[Source]) -> Stores:
        keys, database = self._database(built)
        introspection, sources = Introspection(built.introspectors), KeySources(built.sources, known)
        sessions = None
        if database is not None and built.parties:
            from stockade.stores import SessionTable

            sessions = SessionTable(database)
        login_sessions = LoginSessions(built.parties, sessions, sources)
        issued = None
        if built.own_issuer is not None and database is not None:
            from stockade.stores.issued import IssuedTokens

            issued = IssuedTokens(database, built.own_issuer)
        owners = self._owners(built, database)
        stores = Stores(
            self._counters,
            keys,
            sources,
            introspection,
            login_sessions=login_sessions,
            database=database,
            issued=issued,
            owners=owners,
        )
        if built.users is not None and database is not None:
            from stockade.identity.user_stores import add_users  # who has no users does not pay for them

            add_users(stores, database, built.users, built.envelope, getattr(self, "stores", None))
        return stores

    def _owners(self, built: Built, database: Database | None) -> Owners | None:
        if built.owners is None:
            return None
        current: Stores | None = getattr(self, "stores", None)
        if current is not None and current.owners is not None and current.owners.path == built.owners.path:
            return current.owners  # its size is that of the start
        try:
            return Owners(*built.owners, passive=self._passive)
        except StoreError:
            if database is not None and (current is None or database is not current.database):
                database.close()
            raise

    def _database(self, built: Built) -> tuple[KeyStore | None, Database | None]:
        """The one that is open already, where it is the same."""
        if built.database is None:
            return None, None
        current = getattr(self, "stores", None)
        if current is not None and current.database is not None and current.database.place == built.database:
            return current.keys, current.database
        from stockade.stores import Database, KeyStore

        database = Database(built.database, passive=self._passive)
        try:
            return KeyStore(database), database
        except StoreError:
            database.close()
            raise

    def finish(
        self, session: Session, status: int, duration_ms: float, upstream_ms: float | None, engine_seconds: float
    ) -> Record:
        """The end of an exchange: its record, to the log and the metrics."""
        record = session.close(status, duration_ms, upstream_ms, self.worker)
        self.metrics.count(record, engine_seconds)
        if self.log is not None:
            self.log.write(record)
        principal = session.exchange.principal
        if principal is not None and principal.kind == "api_key":
            used = self._uses.get(principal.credential)
            self._uses[principal.credential] = Use(session.exchange.request.at, 1 if used is None else used.times + 1)
        return record

    def keep_uses(self) -> None:
        """Write down which API keys were used, and how often, since the last call. Not for the request path."""
        if self.stores.owners is not None:
            with contextlib.suppress(StoreError):
                self.stores.owners.keep()
        if self.stores.keys is None or not self._uses:
            return
        uses, self._uses = self._uses, {}
        with contextlib.suppress(StoreError):  # the store's failure is told to those who ask it for keys
            self.stores.keys.note_uses(uses)

    def snapshot(self) -> Snapshot:
        return self.metrics.snapshot(
            dropped_log_lines=self.log.dropped if self.log is not None else 0,
            evicted_counters=self._counters.evicted,
        )

    def close(self) -> None:
        self.keep_uses()
        if self.log is not None:
            self.log.close()
        self.stores.close()


def _log_path(loaded: Loaded) -> str:
    path = loaded.config.log.path
    return path if path == "-" else str(loaded.folder / path)
