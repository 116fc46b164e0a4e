"""The token service inside a process that is there already: beside the ASGI door."""

from __future__ import annotations

import contextlib
import time
from contextlib import ExitStack

from stockade.config import Loaded
from stockade.identity.service.app import application
from stockade.identity.service.opening import open_service
from stockade.stores import Counters
from stockade.vocabulary import StoreError


class Beside:
    """`app` is an ASGI application. Raises BadConfig and StoreError."""

    def __init__(self, loaded: Loaded, counters: Counters) -> None:
        self._stack = ExitStack()
        with self._stack as opening:
            self._service = open_service(loaded, opening, counters)
            self._stack = opening.pop_all()
        self.app = application(self._service)

    def keep_house(self) -> None:
        """To be called every few seconds, in a thread."""
        with contextlib.suppress(StoreError):  # the database may be back next time; until then requests are told
            self._service.keep_house(time.time())

    def close(self) -> None:
        self._stack.close()
