"""Verification keys of token issuers: from a file, read once per policy, or from a URL, cached and kept fresh.

A token with an unknown `kid` asks for one fresh look at the URL, at most one in `COOLDOWN` seconds per source; many
requests that wait for the same look share it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

import httpx
from msgspec import Struct

from stockade.engine import NotNow
from stockade.tokens import BadKeys, VerificationKeys, parse_jwks
from stockade.vocabulary import Ask, FindVerificationKeys, StoreError

COOLDOWN = 10.0
REFRESH = 300.0
STALE = 86400.0  # how long keys outlive an issuer that does not answer
_TIMEOUT = 5.0
_MOST_BYTES = 1 << 20


class Source(Struct):
    """Where keys come from. `url` is empty for keys that came with the policy. Times are monotonic seconds."""

    name: str
    url: str = ""
    keys: VerificationKeys | None = None
    fetched: float = 0.0
    looked: float = 0.0


class KeySources:
    """Answers FindVerificationKeys."""

    def __init__(self, sources: Iterable[Source] = (), known: Iterable[Source] = ()) -> None:
        """`known`: sources of an earlier policy, whose keys are kept where the URL is the same."""
        fetched = {source.url: source for source in known if source.url}
        self._sources = {source.name: fetched.get(source.url, source) for source in sources}
        self._looking: dict[str, asyncio.Task[None]] = {}

    def all(self) -> list[Source]:
        return list(self._sources.values())

    def find(self, ask: FindVerificationKeys) -> VerificationKeys:
        """The keys at hand. Raises NotNow when one look at the source may find the `kid`."""
        source = self._source(ask)
        now = time.monotonic()
        if source.keys is None:
            if source.url and now - source.looked >= COOLDOWN:
                raise NotNow
            raise StoreError(f"the keys of {source.name} cannot be had")
        if source.url and now - source.fetched > STALE:
            raise StoreError(f"the keys of {source.name} are too old")
        if source.url and ask.kid is not None and not source.keys.knows(ask.kid) and now - source.looked >= COOLDOWN:
            raise NotNow
        return source.keys

    async def find_later(self, ask: Ask[VerificationKeys]) -> VerificationKeys:
        assert isinstance(ask, FindVerificationKeys)
        source = self._source(ask)
        try:
            await self._look(source)
        except (BadKeys, httpx.HTTPError, StoreError):
            if source.keys is None:
                raise StoreError(f"the keys of {source.name} cannot be had") from None
        return self.find(ask)

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
            task.add_done_callback(lambda _: self._looking.pop(source.name, None))
        await asyncio.shield(task)

    async def _fetch(self, source: Source) -> None:
        source.looked = time.monotonic()
        async with httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=False, trust_env=False) as client:
            async with client.stream("GET", source.url) as response:
                if response.status_code != 200:
                    raise StoreError(f"{source.url} answered {response.status_code}")
                source.keys = parse_jwks(await _read(response))
        source.fetched = time.monotonic()

    async def refresh(self) -> list[str]:
        """Look at every URL once; what went wrong, in words. Keys at hand stay when their source fails."""
        troubles: list[str] = []
        for source in self._sources.values():
            if not source.url:
                continue
            try:
                await self._look(source)
            except (BadKeys, httpx.HTTPError, StoreError) as error:
                troubles.append(f"{source.url}: {error or type(error).__name__}")
        return troubles

    async def refresh_stale(self) -> None:
        """Look again at those not seen for a while; to be called every few seconds."""
        now = time.monotonic()
        if any(source.url and now - source.looked >= REFRESH for source in self._sources.values()):
            await self.refresh()


async def _read(response: httpx.Response) -> bytes:
    data = b""
    async for chunk in response.aiter_bytes():
        data += chunk
        if len(data) > _MOST_BYTES:
            raise StoreError(f"{response.url} sent more than {_MOST_BYTES} bytes")
    return data
