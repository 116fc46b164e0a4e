"""What happens at the token service, on its way to the table of events.

What a stranger can bring about at will is counted in memory and written every few seconds, one row for all that is
alike: guessing costs no write each, and the table grows by a bounded pace. The rest is written at once.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Final

from msgspec.structs import replace

from stockade.stores.events import Event, EventStore
from stockade.vocabulary import StoreError

_MOST: Final = 200  # rows between two writes

CLIENT_REFUSED, LOGIN_FAILED, FACTOR_FAILED = "client.refused", "login.failed", "factor.failed"
LOGGED_IN, DEVICE_ALLOWED, DEVICE_DENIED = "login", "device.approved", "device.denied"
CODE_REPLAYED, REFRESH_REUSED, DEVICE_REPLAYED = "code.replayed", "refresh.reused", "device_code.replayed"
GRANT_REVOKED = "grant.revoked"
KEY_MADE, KEY_WITHDRAWN = "signing_key.made", "signing_key.withdrawn"


class Trail:
    """Used by several threads at once. Its failure is no reason to refuse anybody: nothing is raised."""

    def __init__(self, store: EventStore) -> None:
        self.store = store
        self._lock = threading.Lock()
        self._counted: dict[tuple[str, str, str, str, str], Event] = {}

    def now(self, event: Event) -> None:
        """Write it at once; where that cannot be, with the next."""
        try:
            self.store.add([event])
        except StoreError:
            self.count(event)

    def count(self, event: Event) -> None:
        """Write it with the next housekeeping, together with those alike."""
        with self._lock:
            key = (event.event, event.client, event.user, event.address, event.detail)
            if key not in self._counted and len(self._counted) >= _MOST:
                event = Event(event.at, event.event, detail="and others")
                key = (event.event, "", "", "", event.detail)
            known = self._counted.get(key)
            self._counted[key] = event if known is None else replace(event, times=known.times + event.times)

    def keep_house(self, at: float) -> None:
        """Write what was counted, forget what is over."""
        with self._lock:
            counted, self._counted = self._counted, {}
        try:
            self.store.add(counted.values())
        except StoreError:
            for event in counted.values():
                self.count(event)
            return
        with suppress(StoreError):
            self.store.forget(at)
