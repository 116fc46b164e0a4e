"""Small documents of issuers, over HTTP: bounded in size and time, redirects not followed."""

from __future__ import annotations

import ssl
from functools import lru_cache
from typing import Any

import httpx

from stockade.vocabulary import StoreError

TIMEOUT = 5.0  # seconds for a whole look, however the server drips
MOST_BYTES = 1 << 20


@lru_cache(maxsize=1)
def trust() -> ssl.SSLContext:
    """The authorities to trust, read once: it takes 30 ms in which nothing else can run."""
    return httpx.create_ssl_context(trust_env=False)


async def download(url: str) -> bytes:
    """The whole answer. Raises StoreError and what httpx raises."""
    status, data = await fetch("GET", url, headers={"accept": "application/jwk-set+json, application/json"})
    if status != 200:
        raise StoreError(f"{url}: answered {status}")
    return data


async def fetch(method: str, url: str, *, headers: dict[str, str], **fields: Any) -> tuple[int, bytes]:
    """Status and body, whatever the status. fields: what else httpx sends. Raises StoreError and what httpx raises."""
    # Not compressed: a few bytes that unpack to gigabytes would be unpacked before they could be counted.
    headers = {"accept-encoding": "identity", **headers}
    data = b""
    async with (
        httpx.AsyncClient(verify=trust(), timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client,
        client.stream(method, url, headers=headers, **fields) as response,
    ):
        async for chunk in response.aiter_raw():
            data += chunk
            if len(data) > MOST_BYTES:
                raise StoreError(f"{url}: sent more than {MOST_BYTES} bytes")
    return response.status_code, data
