"""Codes and links that are sent to a user, each good once, for one purpose and a short time.

    told = sent.code("alice", now)                  # an id, whoever alice is; the mail goes to those who exist
    user = sent.check(told, "12345678", now)
    sent.link("alice", "https://shop.example/login", now)     # …/login?token=…
    user = sent.open(token, now)

Mail readers open links before people do: the page behind one should ask for a click, and `open` it then.
"""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol
from urllib.parse import urlsplit

from stockade.identity.factors import Factors, audited
from stockade.identity.users import derived
from stockade.passwords import User, fold_name
from stockade.second_factors import OneTime, code_digest, make_code, make_link_token
from stockade.second_factors.once import CODE_BYTES, LINK_BYTES
from stockade.stores.factors import FactorStore

_MOST_TRIES = 5
_MOST_WAITING = 100


class NotSent(Exception):
    """The sender could not pass it on. The message is for the operator."""


class Sender(Protocol):
    """What brings a text to a user: mail, or what you have."""

    def send(self, user: User, subject: str, text: str) -> None:
        """Raises NotSent."""


class Sent:
    """life: seconds for which a code or link is good. Sending happens behind: it takes the caller no time."""

    def __init__(
        self,
        factors: Factors,
        store: FactorStore,
        key: bytes,
        sender: Sender,
        *,
        name: str = "Stockade",
        life: float = 600.0,
    ) -> None:
        self._factors = factors
        self._store = store
        self._key = derived(key, "codes sent")
        self._sender = sender
        self._name = name
        self._life = life
        self._behind = ThreadPoolExecutor(1, thread_name_prefix="stockade-sender")
        self._waiting = 0

    def code(self, name: str, at: float, purpose: str = "login") -> str:
        """An id to check the code by: also for a user who does not exist, has no address, or has had too many."""
        code = make_code(secrets.token_bytes(CODE_BYTES))
        code_id = secrets.token_urlsafe(16)
        user = self._reachable(name, at)
        if user is not None:
            self._keep(code_id, user, purpose, code, at)
            text = f"{code}\n\nThis is your code for {self._name}. It is good for {self._life / 60:.0f} minutes, once."
            self._send(user, f"{self._name}: your code", text, at)
        return code_id

    def check(self, code_id: str, code: str, at: float, purpose: str = "login") -> User | None:
        """Whose code it is. Five wrong ones end it."""
        once = self._store.once(code_id)
        if once is None or not self._store.try_once(code_id, _MOST_TRIES):
            return None
        if not once.fits(self._key, purpose, code, at, _MOST_TRIES) or not self._store.use_once(code_id):
            return None
        user = self._store.users.by_id(once.user)
        return user if user is not None and user.refusal(at) is None else None

    def link(self, name: str, url: str, at: float, purpose: str = "login") -> None:
        """Send a link: the URL, with the parameter `token`. Raises ValueError on a URL that is not https."""
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError("a link that lets somebody in must be https")
        token = make_link_token(secrets.token_bytes(LINK_BYTES))
        link_id = secrets.token_urlsafe(16)
        user = self._reachable(name, at)
        if user is not None:
            self._keep(link_id, user, purpose, token, at)
            separator = "&" if parts.query else "?"
            text = f"{url}{separator}token={link_id}.{token}\n\nThis link lets you in to {self._name}. It is good for "
            text += f"{self._life / 60:.0f} minutes, once. If you did not ask for it, ignore it."
            self._send(user, f"{self._name}: your link", text, at)

    def open(self, token: str, at: float, purpose: str = "login") -> User | None:
        """Whose link it is."""
        link_id, dot, secret = token[:256].partition(".")
        return self.check(link_id, secret, at, purpose) if dot else None

    def close(self) -> None:
        """Wait until all that waits is sent."""
        self._behind.shutdown()

    def _reachable(self, name: str, at: float) -> User | None:
        try:
            folded = fold_name(name)
        except ValueError:
            return None
        user = self._store.users.by_name(folded)
        if self._factors.spend("send", folded, at) or user is None or not user.email or user.refusal(at) is not None:
            return None
        return user

    def _keep(self, code_id: str, user: User, purpose: str, secret: str, at: float) -> None:
        digest = code_digest(self._key, code_id, purpose, secret)
        assert digest is not None
        self._store.add_once(OneTime(code_id, user.id, purpose, digest, at + self._life), at)

    def _send(self, user: User, subject: str, text: str, at: float) -> None:
        if self._waiting >= _MOST_WAITING:
            self._store.users.note(audited(at, "stockade", user, "not sent: too many wait"))
            return
        self._waiting += 1

        def send() -> None:
            try:
                self._sender.send(user, subject, text)
            except NotSent as error:
                self._store.users.note(audited(at, "stockade", user, f"not sent: {error}"[:64]))
            finally:
                self._waiting -= 1

        self._behind.submit(send)
