"""What a page hands to the next in a hidden field: sealed, short-lived, and good in one browser alone.

The service keeps nothing of those who have not logged in yet. A ticket holds what was asked for and what has been
proven so far; the cookie of the browser it was made for is part of what seals it, so that another site can neither
make one nor have a browser send one that is not its own (CSRF, login CSRF).
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

LIFE: Final = 600.0  # seconds
_NONCE: Final = 12
_MOST: Final = 12 * 1024  # characters


class BadTicket(ValueError):
    """Made up, over, or of another browser."""


class Ticket(Struct, frozen=True, kw_only=True):
    """step: which page comes next: "login", "factor", "consent". asked: the request. ends: epoch seconds.

    user, amr, auth_time: who has logged in, how and when; empty before. device: the device that is to be let in.
    acr: what the login was worth, where amr does not say it. challenge: the one that a passkey has to answer.
    """

    step: str
    asked: dict[str, str]
    ends: float
    user: str = ""
    amr: tuple[str, ...] = ()
    auth_time: float = 0.0
    device: str = ""
    acr: str = ""
    challenge: str = ""

    def __repr__(self) -> str:
        return f"Ticket({self.step!r})"


def new_browser() -> str:
    """The value of the cookie."""
    return secrets.token_urlsafe(24)


def seal(key: bytes, ticket: Ticket, browser: str) -> str:
    nonce = secrets.token_bytes(_NONCE)
    sealed = AESGCM(key).encrypt(nonce, msgspec.json.encode(ticket), browser.encode())
    return urlsafe_b64encode(nonce + sealed).decode()


def unseal(key: bytes, text: str, browser: str, step: str, at: float) -> Ticket:
    """Raises BadTicket, also for a ticket of another step."""
    if not browser or len(text) > _MOST or not text.isascii():
        raise BadTicket
    try:
        data = urlsafe_b64decode(text.encode())
        plain = AESGCM(key).decrypt(data[:_NONCE], data[_NONCE:], browser.encode("utf-8", "replace"))
        ticket = msgspec.json.decode(plain, type=Ticket)
    except (ValueError, InvalidTag, msgspec.MsgspecError):
        raise BadTicket from None
    if ticket.step != step or not at < ticket.ends:
        raise BadTicket
    return ticket
