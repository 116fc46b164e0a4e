"""The key of the keyed hash under which API keys are stored: read, and made when the default file is missing."""

from __future__ import annotations

import hmac
from secrets import token_bytes
from typing import TYPE_CHECKING

from stockade.config.base import INLINE
from stockade.config.errors import BadConfig, Problem
from stockade.config.key_files import make_key_file

if TYPE_CHECKING:
    from stockade.config.loading import Loaded

_PLACE = ("keys", "hash_key")
TOKENS = "identity tokens"  # the purpose of the key under which the digests of tokens are made
_LEAST = 32  # bytes


def read_hash_key(loaded: Loaded) -> bytes:
    """Raises BadConfig that says what is wrong with it."""
    keys = loaded.config.keys
    secret = keys.hash_key
    if secret.file is None:
        return _long_enough(loaded, (secret.value or "").encode(), "the hash key")
    path = loaded.folder / secret.file
    try:
        # A file that the operator named and that is gone must not be replaced: every key in the store hangs on it.
        # Nor one that other machines must have too: keys that these issued would be no keys here.
        if not path.exists() and "hash_key" not in keys.model_fields_set and loaded.config.database.url is None:
            if loaded.would_make is not None:
                loaded.would_make.append(path)
                return token_bytes(_LEAST)
            make_key_file(path)
        key = path.read_bytes().strip()
    except OSError as error:
        text = f"the hash key {path} cannot be read: {error.strerror}"
        if loaded.config.database.url is not None:
            text += "; every machine of a database needs the same (`openssl rand -hex 32` makes one)"
        raise BadConfig([loaded.problem(text, *_PLACE)]) from None
    return _long_enough(loaded, key, f"the hash key in {path}")


def own_key(hash_key: bytes, purpose: str) -> bytes:
    """A key for one purpose, made from the key of the keyed hash: the same in every process."""
    return hmac.digest(hash_key, purpose.encode(), "sha256")


def warn_of_hash_key(loaded: Loaded) -> list[Problem]:
    """A warning when the key stands in the policy itself."""
    return [loaded.problem(f"the hash key {INLINE}", *_PLACE)] if loaded.config.keys.hash_key.inline else []


def _long_enough(loaded: Loaded, key: bytes, what: str) -> bytes:
    if len(key) < _LEAST:
        text = f"{what} must have {_LEAST} bytes at least (`openssl rand -hex 32` makes one)"
        raise BadConfig([loaded.problem(text, *_PLACE)])
    return key
