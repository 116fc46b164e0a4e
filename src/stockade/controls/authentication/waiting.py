"""Requests whose head is judged and whose body must still be, by request id. Bounded in number and in time."""

from __future__ import annotations

from typing import NamedTuple

from stockade.controls.authentication.scheme import BodyScheme
from stockade.vocabulary import Principal, StoreError

_MOST = 50_000
_LONGEST = 900.0  # seconds; no policy waits so long for a body


class Awaited(NamedTuple):
    scheme: BodyScheme
    principal: Principal
    at: float  # epoch seconds


class Waiting:
    def __init__(self) -> None:
        self._kept: dict[str, Awaited] = {}

    def keep(self, request_id: str, scheme: BodyScheme, principal: Principal, at: float) -> None:
        """Raises StoreError when too many wait: then nothing can be decided."""
        if len(self._kept) >= _MOST:
            self._kept = {key: each for key, each in self._kept.items() if at - each.at < _LONGEST}
            if len(self._kept) >= _MOST:
                raise StoreError("too many requests wait for their bodies")
        self._kept[request_id] = Awaited(scheme, principal, at)

    def take(self, request_id: str) -> Awaited | None:
        return self._kept.pop(request_id, None)
