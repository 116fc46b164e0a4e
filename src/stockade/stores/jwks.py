"""Verification keys of token issuers: from a file, read once per policy, or from a URL, cached and kept fresh.

A token with an unknown `kid` asks for one fresh look at the URL, at most one in `COOLDOWN` seconds per source; many
requests that wait for the same look share it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextlib import suppress

from msgspec import Struct

from stockade.engine import NotNow
from stockade.stores.discovery import discover
from stockade.stores.download import TIMEOUT, download, make_ready
from stockade.tokens import BadKeys, BadMetadata, VerificationKeys, parse_jwks
from stockade.vocabulary import Ask, FindVerificationKeys, StoreError

COOLDOWN = 10.0
REFRESH = 300.0
STALE = 86400.0  # how long keys outlive an issuer that does not answer
_TIMEOUT = TIMEOUT
_NEVER = float("-inf")


class Source(Struct):
    """Where keys come from. `url` is empty for keys that came with the policy. Times are monotonic seconds.

    issuer: who is asked each time where its keys are (then `url` only names the source).
    """

    name: str
    url: str = ""
    keys: VerificationKeys | None = None
    fetched: float = _NEVER
    looked: float = _NEVER  # not 0: a machine may have been up for less than COOLDOWN
    issuer: str = ""


class KeySources:
    """Answers FindVerificationKeys."""

    def __init__(self, sources: Iterable[Source] = (), known: Iterable[Source] = ()) -> None:
        """`known`: sources of an earlier policy, whose keys are kept where the URL is the same."""
        fetched = {source.url: source for source in known if source.url}
        self._sources = {source.name: fetched.get(source.url, source) for source in sources}
        self._looking: dict[str, asyncio.Task[None]] = {}
        if fetched or any(source.url for source in self._sources.values()):
            make_ready()

    def all(self) -> list[Source]:
        return list(self._sources.values())

    def find(self, ask: FindVerificationKeys) -> VerificationKeys:
        """The keys at hand. Raises NotNow when one look at the source may find the `kid`."""
        source = self._source(ask)
        now = time.monotonic()
        # While a look is under way, who needs it waits for it: what it finds is not known yet.
        may_look = source.url != "" and (source.name in self._looking or now - source.looked >= COOLDOWN)
        if source.keys is None:
            if may_look:
                raise NotNow
            raise StoreError(f"the keys of {source.name} cannot be had")
        if source.url and now - source.fetched > STALE:
            raise StoreError(f"the keys of {source.name} are too old")
        if may_look and not source.keys.knows(ask.kid):
            raise NotNow
        return source.keys

    async def find_later(self, ask: Ask[VerificationKeys]) -> VerificationKeys:
        assert isinstance(ask, FindVerificationKeys)
        source = self._source(ask)
        with suppress(StoreError):  # keys at hand stay when their source fails
            await self._look(source)
        try:
            return self.find(ask)
        except NotNow:
            raise StoreError(f"the keys of {source.name} cannot be had") from None

    def _source(self, ask: FindVerificationKeys) -> Source:
        try:
            return self._sources[ask.source]
        except KeyError:
            raise StoreError(f"no source of keys is called {ask.source}") from None

    async def _look(self, source: Source) -> None:
        task = self._looking.get(source.name)
        if task is None:
            task = asyncio.ensure_future(self._fetch(source))
            self._looking[source.name] = task
            task.add_done_callback(lambda task: self._looked(source, task))
        await asyncio.shield(task)

    def _looked(self, source: Source, task: asyncio.Task[None]) -> None:
        self._looking.pop(source.name, None)
        if not task.cancelled():
            task.exception()  # whoever still waits gets it; when all have gone it is nobody's

    async def _fetch(self, source: Source) -> None:
        source.looked = time.monotonic()
        try:
            async with asyncio.timeout(_TIMEOUT):
                url = (await discover(source.issuer)).jwks_uri if source.issuer else source.url
                source.keys = parse_jwks(await download(url), secrets="refused")
        except TimeoutError:
            raise StoreError(f"{source.url}: no answer within {_TIMEOUT:g} s") from None
        except (BadKeys, BadMetadata) as error:
            raise StoreError(f"{source.url}: {str(error) or type(error).__name__}") from error
        source.fetched = time.monotonic()

    async def refresh(self) -> list[str]:
        """Look at every URL once; what went wrong, in words. Keys at hand stay when their source fails."""
        troubles: list[str] = []
        for source in self._sources.values():
            if not source.url:
                continue
            try:
                await self._look(source)
            except StoreError as error:
                troubles.append(str(error))
        return troubles

    async def refresh_stale(self) -> None:
        """Look again at those not seen for a while; to be called every few seconds."""
        now = time.monotonic()
        if any(source.url and now - source.looked >= REFRESH for source in self._sources.values()):
            await self.refresh()
