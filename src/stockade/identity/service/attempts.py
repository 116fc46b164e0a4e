"""How often somebody may guess: wrong tries per name within a window, in bounded memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

WINDOW: Final = 600.0  # seconds
PER_NAME: Final = 10
IN_ALL: Final = 1000
_NAMES: Final = 10_000
_ALL: Final = ""


class Attempts:
    """Counts wrong tries. One counter for all names together bounds what many names can do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def allowed(self, name: str, at: float) -> bool:
        with self._lock:
            return self._count(name, at) < PER_NAME and self._count(_ALL, at) < IN_ALL

    def failed(self, name: str, at: float) -> None:
        with self._lock:
            for each in (name, _ALL):
                start, count = self._counts.get(each, (at, 0))
                if not 0 <= at - start < WINDOW:
                    start, count = at, 0
                self._counts[each] = (start, count + 1)
                self._counts.move_to_end(each)
            while len(self._counts) > _NAMES:
                self._counts.popitem(last=False)

    def _count(self, name: str, at: float) -> int:
        start, count = self._counts.get(name, (at, 0))
        return count if 0 <= at - start < WINDOW else 0
