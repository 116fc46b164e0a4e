"""Where an issuer's keys and endpoints are: asked of the issuer itself, and remembered for a while."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from stockade.engine import NotNow
from stockade.stores.download import TIMEOUT, download
from stockade.tokens import BadMetadata, IssuerMetadata, metadata_urls, read_metadata
from stockade.vocabulary import StoreError

_FRESH = 300.0  # seconds for which nobody asks again
_STALE = 3600.0  # and for which an issuer that does not answer is still where it was
_PAUSE = 2.0  # in which one that failed is not asked again


async def discover(issuer: str) -> IssuerMetadata:
    """The issuer's metadata. Raises BadMetadata or StoreError."""
    first, second = metadata_urls(issuer)
    try:
        data = await download(first)
    except StoreError:
        data = await download(second)
    return read_metadata(data, issuer)


class _Known(NamedTuple):
    metadata: IssuerMetadata
    at: float  # monotonic seconds


class Directory:
    """What issuers have said of themselves. Requests that wait for the same issuer share one look."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._down: dict[str, float] = {}
        self._looking: dict[str, asyncio.Task[IssuerMetadata]] = {}

    def at_hand(self, issuer: str) -> IssuerMetadata:
        """Raises NotNow when the issuer must be asked."""
        known = self._known.get(issuer)
        if known is None or time.monotonic() - known.at >= _FRESH:
            raise NotNow
        return known.metadata

    async def find(self, issuer: str) -> IssuerMetadata:
        """Raises StoreError when it cannot be had."""
        try:
            return self.at_hand(issuer)
        except NotNow:
            pass
        try:
            return await self._look(issuer)
        except StoreError:
            known = self._known.get(issuer)
            if known is None or time.monotonic() - known.at >= _STALE:
                raise
            return known.metadata

    async def _look(self, issuer: str) -> IssuerMetadata:
        if time.monotonic() < self._down.get(issuer, 0.0):
            raise StoreError(f"{issuer}: it failed a moment ago")
        task = self._looking.get(issuer)
        if task is None:
            task = asyncio.ensure_future(self._ask(issuer))
            self._looking[issuer] = task
            task.add_done_callback(lambda task: self._looked(issuer, task))
        return await asyncio.shield(task)

    def _looked(self, issuer: str, task: asyncio.Task[IssuerMetadata]) -> None:
        self._looking.pop(issuer, None)
        if not task.cancelled():
            task.exception()  # whoever still waits gets it; when all have gone it is nobody's

    async def _ask(self, issuer: str) -> IssuerMetadata:
        try:
            async with asyncio.timeout(TIMEOUT):
                metadata = await discover(issuer)
        except TimeoutError:
            self._down[issuer] = time.monotonic() + _PAUSE
            raise StoreError(f"{issuer}: no answer within {TIMEOUT:g} s") from None
        except (BadMetadata, StoreError) as error:
            self._down[issuer] = time.monotonic() + _PAUSE
            raise StoreError(f"{issuer}: {str(error) or type(error).__name__}") from error
        self._known[issuer] = _Known(metadata, time.monotonic())
        return metadata
