"""Where breached passwords are looked up: a file, or a range endpoint that learns five digits of a digest."""

from __future__ import annotations

import os
import time
from pathlib import Path

import httpx

from stockade.passwords import BadBreachList, BreachList, breach_digest, count_in_range
from stockade.passwords.breached import PREFIX
from stockade.stores.download import TIMEOUT, trust
from stockade.vocabulary import StoreError

_MOST_BYTES = 4 << 20


class BreachFile:
    """A sorted list in a file, however big: some thirty reads a question. Raises StoreError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise StoreError(f"the list of breached passwords {path} cannot be read: {error.strerror}") from None
        try:
            self._list = BreachList(self._read, os.fstat(self._file).st_size)
        except (OSError, BadBreachList) as error:
            os.close(self._file)
            raise StoreError(f"{path} is no list of breached passwords: {error}") from None

    def _read(self, offset: int, length: int) -> bytes:
        return os.pread(self._file, length, offset)

    def count(self, password: str) -> int:
        """How often it was seen."""
        try:
            return self._list.count(breach_digest(password))
        except (OSError, BadBreachList) as error:
            raise StoreError(f"the list of breached passwords {self._path}: {error}") from None

    def close(self) -> None:
        os.close(self._file)


class BreachRange:
    """An endpoint in the style of https://api.pwnedpasswords.com/range/: five digits are told, the rest is compared
    here. What cannot be asked is not good: raises StoreError.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def count(self, password: str) -> int:
        """How often it was seen."""
        digest, data, until = breach_digest(password), b"", time.monotonic() + TIMEOUT
        headers = {"add-padding": "true", "accept-encoding": "identity", "user-agent": "stockade"}
        try:
            with (
                httpx.Client(verify=trust(), timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client,
                client.stream("GET", f"{self._url}/{digest[:PREFIX]}", headers=headers) as response,
            ):
                if response.status_code != 200:
                    raise StoreError(f"{self._url}: answered {response.status_code}")
                for chunk in response.iter_raw():
                    data += chunk
                    if time.monotonic() > until:
                        raise StoreError(f"{self._url}: no answer within {TIMEOUT:g} s")
                    if len(data) > _MOST_BYTES:
                        raise StoreError(f"{self._url}: sent more than {_MOST_BYTES} bytes")
            return count_in_range(data, digest)
        except (httpx.HTTPError, httpx.InvalidURL, BadBreachList) as error:
            raise StoreError(f"{self._url}: {str(error) or type(error).__name__}") from None

    def close(self) -> None:
        """Nothing is kept."""
