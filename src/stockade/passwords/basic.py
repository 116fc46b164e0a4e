"""The Basic scheme's credentials (RFC 7617), in UTF-8."""

from __future__ import annotations

from base64 import b64encode
from binascii import Error, a2b_base64

from msgspec import Struct

from stockade.passwords.names import BadName, fold_name
from stockade.passwords.text import MOST_CHARACTERS, BadPassword, normalised

_MOST = 4 * (MOST_CHARACTERS + 256) * 4 // 3  # characters of base64


class Login(Struct, frozen=True, gc=False):
    """A name and a password as somebody sent them, each in its one form."""

    name: str
    password: str

    def __repr__(self) -> str:
        return f"Login({self.name!r})"

    def __rich_repr__(self) -> list[tuple[str, str]]:
        return [("name", self.name)]


def read_basic(credentials: str) -> Login | None:
    """What follows "Basic " in an Authorization field; None when it is no name and password in UTF-8."""
    if len(credentials) > _MOST or len(credentials) % 4:
        return None
    try:
        text = a2b_base64(credentials.encode("ascii"), strict_mode=True).decode()
    except (Error, ValueError):
        return None
    name, colon, password = text.partition(":")
    try:
        return Login(fold_name(name), normalised(password)) if colon else None
    except (BadName, BadPassword):
        return None


def make_basic(name: str, password: str) -> str:
    """The whole value of the field."""
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()
