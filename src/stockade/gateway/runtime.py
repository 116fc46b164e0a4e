"""The composition root: a policy with the stores that answer it and the journal that remembers what it did."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from stockade.config import Built, Loaded
from stockade.engine import Policy, Session
from stockade.journal import DecisionLog, Metrics, Snapshot
from stockade.stores import Counters, Introspection, KeySources, KeyStore, Logins, SessionTable, Source, Stores
from stockade.vocabulary import Record, StoreError


class Runtime:
    """What a door needs. `adopt` swaps the policy under running requests; counters outlive the swap.

    Raises StoreError when the key store cannot be opened, OSError when the log cannot.
    """

    def __init__(
        self, loaded: Loaded, built: Built, counters: Counters | None = None, *, worker: int = 0, journal: bool = True
    ) -> None:
        """Without `counters` they are this process's own."""
        self.worker = worker
        self.metrics = Metrics()
        self._counters = counters or Counters()
        self._uses: dict[str, float] = {}
        self.stores = self._stores(built, ())
        self.policy: Policy = built.policy
        self.log = DecisionLog(_log_path(loaded)) if journal else None
        self._log_path = _log_path(loaded)

    def adopt(self, loaded: Loaded, built: Built) -> None:
        """Run another policy from now on; requests under way end under the old one."""
        known = self.stores.sources.all()
        stores = self._stores(built, known)
        log = None
        if self.log is not None and _log_path(loaded) != self._log_path:
            log = DecisionLog(_log_path(loaded))
        # Nothing below can fail: the new policy runs whole or not at all.
        old_keys, old_table = self.stores.keys, self.stores.logins.table
        self.stores, self.policy = stores, built.policy
        if log is not None and self.log is not None:
            self.log, old_log, self._log_path = log, self.log, _log_path(loaded)
            old_log.close()
        if old_keys is not None and old_keys is not stores.keys:
            old_keys.close()
        if old_table is not None and old_table is not stores.logins.table:
            old_table.close()

    def _stores(self, built: Built, known: Iterable[Source]) -> Stores:
        keys: KeyStore | None = None
        if built.key_store is not None:
            current = getattr(self, "stores", None)
            if current is not None and current.keys is not None and current.keys.path == built.key_store:
                keys = current.keys
            else:
                keys = KeyStore(built.key_store)
        introspection, sources = Introspection(built.introspectors), KeySources(built.sources, known)
        logins = Logins(built.parties, self._sessions(built), sources)
        return Stores(self._counters, keys, sources, introspection, logins)

    def _sessions(self, built: Built) -> SessionTable | None:
        if built.session_store is None:
            return None
        current = getattr(self, "stores", None)
        table: SessionTable | None = current.logins.table if current is not None else None
        return table if table is not None and table.path == built.session_store else SessionTable(built.session_store)

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
            self._uses[principal.credential] = session.exchange.request.at
        return record

    def keep_uses(self) -> None:
        """Write down which API keys were used since the last call. Not for the request path."""
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
