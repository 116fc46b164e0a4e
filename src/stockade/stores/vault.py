"""Key-encryption keys in the transit engine of HashiCorp Vault (or OpenBao): it wraps data keys and shows no key.

Wire format: Vault's HTTP API, `/v1/<mount>/{encrypt,decrypt,keys}/<key>`, spoken by `hvac`.
"""

from __future__ import annotations

import re
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from stockade.vocabulary import StoreError

if TYPE_CHECKING:
    import hvac

_TIMEOUT = 3.0  # seconds
_REUSE = 1000  # secrets sealed under one data key before Vault wraps the next
_FRESH = 60.0  # seconds for which the newest version of the key is believed
_is_wrapped = re.compile(r"vault:v([1-9][0-9]{0,8}):[A-Za-z0-9+/=]{1,2000}").fullmatch


class VaultPlace(Struct, frozen=True):
    """A key of a transit engine, and how to log in: by a token, or as an AppRole. Secrets are read when needed."""

    url: str
    key: str
    mount: str = "transit"
    namespace: str = ""
    ca: Path | None = None
    token: Callable[[], str] | None = None
    role_id: str = ""
    secret_id: Callable[[], str] | None = None


class VaultTransit:
    """A `Ring`. Raises StoreError while Vault does not answer or does not let us in."""

    reuse = _REUSE

    def __init__(self, place: VaultPlace) -> None:
        self._place = place
        self._client: hvac.Client | None = None
        self._version = (-1e9, "")  # when it was seen (monotonic seconds), and the newest version's id
        self._lock = threading.Lock()  # one connection, and one question at a time

    @property
    def current(self) -> str:
        """What Vault wraps with, as it said lately: it may be rotated there, by its schedule or by hand."""
        at, key_id = self._version
        if time.monotonic() - at > _FRESH:
            key_id, _ = self.wrap(bytes(32))
        return key_id

    def wrap(self, data_key: bytes) -> tuple[str, bytes]:
        plaintext = b64encode(data_key).decode()
        answer = self._ask(lambda transit, where: transit.encrypt_data(plaintext=plaintext, **where))
        text = _text(answer, "ciphertext")
        match = _is_wrapped(text)
        if match is None:
            raise StoreError(f"{self._place.url}: what Vault answered is no ciphertext of the transit engine")
        key_id = f"vault:{self._place.key}:v{match[1]}"
        self._version = time.monotonic(), key_id
        return key_id, text.encode()

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        if not key_id.startswith(f"vault:{self._place.key}:v"):
            raise LookupError(key_id)
        text = wrapped.decode("ascii", "replace")
        if _is_wrapped(text) is None:
            raise ValueError("not wrapped by Vault")
        answer = self._ask(lambda transit, where: transit.decrypt_data(ciphertext=text, **where))
        return b64decode(_text(answer, "plaintext"), validate=True)

    def rotate(self) -> str:
        """A new version of the key; its id."""
        self._ask(lambda transit, where: transit.rotate_key(**where))
        self._version = -1e9, ""
        return self.current

    def _ask(self, question: Callable[[Any, dict[str, str]], Any]) -> Any:
        """Once more after a new login, where the token has run out."""
        import requests
        from hvac import exceptions

        where = {"name": self._place.key, "mount_point": self._place.mount}
        with self._lock:
            try:
                try:
                    return question(self._connected().secrets.transit, where)
                except (exceptions.Forbidden, exceptions.Unauthorized):
                    self._client = None
                    return question(self._connected().secrets.transit, where)
            except exceptions.InvalidRequest:  # 400: a ciphertext that is none of this key's, or of a version too old
                raise ValueError("Vault does not take it") from None
            except (exceptions.VaultError, requests.RequestException, OSError) as error:
                raise StoreError(f"{self._place.url}: Vault cannot be used: {_why(error)}") from None

    def _connected(self) -> hvac.Client:
        if self._client is None:
            import hvac
            import requests

            place = self._place
            session = requests.Session()
            session.trust_env = False  # no proxy, no netrc
            self._client = hvac.Client(
                url=place.url,
                namespace=place.namespace or None,
                verify=str(place.ca) if place.ca is not None else True,
                timeout=_TIMEOUT,
                allow_redirects=False,
                session=session,
            )
            session.verify = str(place.ca) if place.ca is not None else True
            if place.token is not None:
                self._client.token = place.token()
            elif place.secret_id is not None:
                self._client.auth.approle.login(role_id=place.role_id, secret_id=place.secret_id())
        return self._client

    def __repr__(self) -> str:
        return f"VaultTransit({self._place.url}, {self._place.mount}/{self._place.key})"


def _text(answer: Any, name: str) -> str:
    text = answer.get("data", {}).get(name) if isinstance(answer, dict) else None
    if not isinstance(text, str):
        raise StoreError(f"what Vault answered has no {name}")
    return text


def _why(error: Exception) -> str:
    """A word of ours: what Vault or the network says may hold a token or a path."""
    return type(error).__name__
