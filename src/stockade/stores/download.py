"""Small documents of issuers, over HTTP: bounded in size and time, redirects not followed.

The HTTP client takes 10 MiB and 70 ms to load: whoever will need it calls `make_ready` when the policy is built.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import lru_cache

from stockade.vocabulary import StoreError

TIMEOUT = 5.0  # seconds for a whole look, however the server drips
MOST_BYTES = 1 << 20
_KEYS = "application/jwk-set+json, application/json"


@lru_cache(maxsize=1)
def trust() -> ssl.SSLContext:
    """The authorities to trust, read once: it takes 30 ms in which nothing else can run."""
    import httpx

    return httpx.create_ssl_context(trust_env=False)


def make_ready() -> None:
    trust()


async def download(
    url: str, *, form: Mapping[str, str] | None = None, auth: tuple[str, str] | None = None, accept: str = _KEYS
) -> bytes:
    """The whole answer to a GET, or to a POST of the form. Raises StoreError, whose text begins with the URL."""
    status, data = await fetch("GET" if form is None else "POST", url, form=form, auth=auth, headers={"accept": accept})
    if status != 200:
        raise StoreError(f"{url}: answered {status}")
    return data


async def fetch(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    form: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
) -> tuple[int, bytes]:
    """Status and body, whatever the status. Raises StoreError, whose text begins with the URL."""
    import httpx

    # Not compressed: a few bytes that unpack to gigabytes would be unpacked before they could be counted.
    sent = {"accept-encoding": "identity", **headers}
    data = b""
    try:
        async with (
            httpx.AsyncClient(verify=trust(), timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client,
            client.stream(method, url, data=form, headers=sent, auth=auth) as response,
        ):
            async for chunk in response.aiter_raw():
                data += chunk
                if len(data) > MOST_BYTES:
                    raise StoreError(f"{url}: sent more than {MOST_BYTES} bytes")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise StoreError(f"{url}: {str(error) or type(error).__name__}") from error
    return response.status_code, data
