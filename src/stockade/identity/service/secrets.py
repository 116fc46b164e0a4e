"""Random texts that are handed out, and the keyed hashes that are kept of them."""

from __future__ import annotations

import secrets
from typing import Final

from stockade.config.hash_key import TOKENS, own_key
from stockade.tokens import api_key_digester

CODE: Final = "stc_"  # an authorization code, or a device code
REFRESH: Final = "str_"
ACCESS: Final = "sta_"
SECRET: Final = "sts_"  # noqa: S105 - what client secrets begin with, so that secret scanners know one


def make_secret(kind: str) -> str:
    """256 random bits."""
    return kind + secrets.token_urlsafe(32)


class Digests:
    """Keyed hashes: whoever steals the tables can use nothing in them, nor put in what works."""

    def __init__(self, hash_key: bytes) -> None:
        self.token = api_key_digester(own_key(hash_key, TOKENS))
        self.secret = api_key_digester(own_key(hash_key, "identity client secrets"))
        self.once = api_key_digester(own_key(hash_key, "identity used once"))
        self.tickets = own_key(hash_key, "identity tickets")
        self.guesses = own_key(hash_key, "identity guesses")
