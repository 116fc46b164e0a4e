"""What issuers say of opaque tokens (RFC 7662): asked once per token, remembered by its digest.

An answer is believed for `cache` seconds, never beyond the token's end. Requests that wait for the same token share
one look. Where the issuer does not answer, the last answer may stand in for a while (`stale`), if the policy says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from hashlib import blake2b, sha256
from urllib.parse import quote_plus

from msgspec import Struct

from stockade.engine import NotNow
from stockade.stores.discovery import discover
from stockade.stores.download import TIMEOUT, download, make_ready
from stockade.tokens import (
    BadIntrospection,
    BadMetadata,
    BadToken,
    Claims,
    JwtRules,
    claims_of_introspection,
    read_introspection,
)
from stockade.vocabulary import Ask, IntrospectToken, StoreError

_REMEMBERED = 100_000
_NEGATIVE = 10.0  # seconds at most for which a token stays refused: it may not have reached all of the issuer yet
_PAUSE = 2.0  # seconds in which an issuer that failed is not asked again
_MOST_LOOKS = 64  # at once, per issuer: a flood of made-up tokens must not become one at the issuer


class Introspector(Struct, frozen=True):
    """An issuer to ask. url: its endpoint, empty to look it up in the issuer's metadata. Times are seconds."""

    name: str
    rules: JwtRules
    url: str = ""
    issuer: str = ""
    client_id: str = ""
    client_secret: bytes = b""
    cache: float = 60.0
    stale: float = 0.0

    def __repr__(self) -> str:
        return f"Introspector({self.name!r})"


class _Known(Struct, frozen=True, gc=False):
    claims: Claims | None
    fresh: float  # until when (monotonic) nobody is asked again
    usable: float  # and until when it may stand in for an answer


class Introspection:
    """Answers IntrospectToken."""

    def __init__(self, introspectors: Iterable[Introspector] = ()) -> None:
        self._introspectors = {each.name: each for each in introspectors}
        # Of each, begun already, which takes half the time. BLAKE2b takes no more than 64 bytes of key.
        self._digests = {
            name: blake2b(key=sha256(name.encode()).digest(), digest_size=32) for name in self._introspectors
        }
        self._known: dict[bytes, _Known] = {}
        self._looking: dict[bytes, asyncio.Task[_Known]] = {}
        self._endpoints: dict[str, str] = {}
        self._looks: dict[str, int] = {}
        self._down: dict[str, float] = {}  # until when (monotonic) nobody asks
        self.asked = 0  # looks so far, for those who count
        if self._introspectors:
            make_ready()

    def find(self, ask: IntrospectToken) -> Claims | None:
        """What is known. Raises NotNow when the issuer must be asked."""
        known = self._known.get(self._digest(ask))
        if known is None or time.monotonic() >= known.fresh:
            raise NotNow
        return known.claims

    async def find_later(self, ask: Ask[Claims | None]) -> Claims | None:
        assert isinstance(ask, IntrospectToken)
        digest = self._digest(ask)
        try:
            return (await self._look(digest, ask)).claims
        except StoreError:
            known = self._known.get(digest)
            if known is None or time.monotonic() >= known.usable:
                raise
            return known.claims

    async def _look(self, digest: bytes, ask: IntrospectToken) -> _Known:
        task = self._looking.get(digest)
        if task is None:
            task = asyncio.ensure_future(self._ask(digest, ask))
            self._looking[digest] = task
            task.add_done_callback(lambda task: self._looked(digest, task))
        return await asyncio.shield(task)

    def _looked(self, digest: bytes, task: asyncio.Task[_Known]) -> None:
        self._looking.pop(digest, None)
        if not task.cancelled():
            task.exception()  # whoever still waits gets it; when all have gone it is nobody's

    async def _ask(self, digest: bytes, ask: IntrospectToken) -> _Known:
        introspector = self._introspectors[ask.source]
        if time.monotonic() < self._down.get(ask.source, 0.0):
            raise StoreError(f"{introspector.name}: it failed a moment ago")
        if self._looks.get(ask.source, 0) >= _MOST_LOOKS:
            raise StoreError(f"{introspector.name}: {_MOST_LOOKS} questions are under way already")
        self._looks[ask.source] = self._looks.get(ask.source, 0) + 1
        self.asked += 1
        try:
            async with asyncio.timeout(TIMEOUT):
                data = await _post(await self._endpoint(introspector), introspector, ask.token)
            known = _believed(introspector, read_introspection(data), ask.at)
        except TimeoutError:
            self._pause(introspector)
            raise StoreError(f"{introspector.name}: no answer within {TIMEOUT:g} s") from None
        except (BadIntrospection, BadMetadata, StoreError) as error:
            self._pause(introspector)
            raise StoreError(f"{introspector.name}: {str(error) or type(error).__name__}") from error
        finally:
            self._looks[ask.source] -= 1
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[digest] = known
        return known

    def _digest(self, ask: IntrospectToken) -> bytes:
        """Keyed by the issuer: what one says of a token is nothing that another said."""
        try:
            digest = self._digests[ask.source].copy()
        except KeyError:
            raise StoreError(f"no issuer to ask is called {ask.source}") from None
        digest.update(ask.token.encode("utf-8", "surrogatepass"))
        return digest.digest()

    def _pause(self, introspector: Introspector) -> None:
        """A dead issuer must not make every request wait until it does not answer."""
        self._down[introspector.name] = time.monotonic() + _PAUSE

    async def _endpoint(self, introspector: Introspector) -> str:
        url = introspector.url or self._endpoints.get(introspector.issuer)
        if not url:
            url = (await discover(introspector.issuer)).introspection_endpoint
            if not url:
                raise BadMetadata("the issuer names no introspection_endpoint; state introspection.url")
            self._endpoints[introspector.issuer] = url
        return url


def _believed(introspector: Introspector, members: dict[str, object] | None, at: float) -> _Known:
    """How long the answer holds. An active token that the rules refuse is no better than one that is not active."""
    now = time.monotonic()
    refused = _Known(None, now + min(introspector.cache, _NEGATIVE), 0.0)
    if members is None:
        return refused
    try:
        claims = claims_of_introspection(members, introspector.rules, at, introspector.cache)
    except BadToken:
        return refused
    left = max(claims.expires - at, 0.0)
    return _Known(claims, now + min(introspector.cache, left), now + min(introspector.cache + introspector.stale, left))


async def _post(url: str, introspector: Introspector, token: str) -> bytes:
    """One question (section 2.1), with the client's own credentials (RFC 6749, section 2.3.1)."""
    auth = (quote_plus(introspector.client_id), quote_plus(introspector.client_secret))
    form = {"token": token, "token_type_hint": "access_token"}
    return await download(url, form=form, auth=auth, accept="application/json")
