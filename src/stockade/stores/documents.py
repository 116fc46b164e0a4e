"""The texts that API descriptions are made of: files and URLs, each within bounds on size and time.

Redirects are not followed: what a description is made of is what was named, and nothing else.
"""

from __future__ import annotations

import asyncio
import ssl
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

_MOST_BYTES = 64 << 20  # of one text; the largest public description has 44 MiB
_TIMEOUT = 10.0  # seconds for a whole answer, however the server drips
_ACCEPT = "application/openapi+json, application/openapi+yaml, application/json, application/yaml, */*;q=0.5"


def load_document(name: str) -> bytes:
    """What a path or an http(s) URL holds. Raises OSError whose text says why not. Blocks."""
    if not name[:8].lower().startswith(("http://", "https://")):
        return _file(Path(name))
    # In a thread of its own: the caller may or may not be in an event loop.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(_fetch(name))).result()


def _file(path: Path) -> bytes:
    if path.exists() and not path.is_file():  # a pipe would wait for ever
        raise OSError("it is a folder" if path.is_dir() else "it is no ordinary file")
    with path.open("rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise OSError(_too_large())
    return data


async def _fetch(url: str) -> bytes:
    import httpx  # few need it, and it takes 10 MiB

    try:
        async with asyncio.timeout(_TIMEOUT):
            return await _download(url)
    except TimeoutError:
        raise OSError(f"no answer within {_TIMEOUT:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise OSError(str(error) or type(error).__name__) from None


async def _download(url: str) -> bytes:
    import httpx

    # Not compressed: a few bytes that unpack to gigabytes would be unpacked before they could be counted.
    headers = {"accept-encoding": "identity", "accept": _ACCEPT}
    data = bytearray()
    async with (
        httpx.AsyncClient(
            verify=_trust(), timeout=_TIMEOUT, follow_redirects=False, trust_env=False, headers=headers
        ) as client,
        client.stream("GET", url) as response,
    ):
        if response.is_redirect:
            raise OSError(f"it answered {response.status_code}: redirects are not followed, name where it leads")
        if response.status_code != 200:
            raise OSError(f"it answered {response.status_code}")
        async for chunk in response.aiter_raw():
            data += chunk
            if len(data) > _MOST_BYTES:
                raise OSError(_too_large())
    return bytes(data)


def _too_large() -> str:
    return f"more than {_MOST_BYTES >> 20} MiB are too much for a description"


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context(trust_env=False)
