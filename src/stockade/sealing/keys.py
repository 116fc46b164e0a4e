"""Keys for sealing and opening, from what operators have: a JWKS document (RFC 7517), private or not, or a secret."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from joserfc.jwk import Key

_MOST_BYTES = 1 << 20
_LEAST_SECRET = 32  # bytes (RFC 7518, section 3.2)
_LEAST_RSA = 2048  # bits (RFC 7518, sections 3.3 and 4.3)
_TYPES = {
    "HS": "oct", "di": "oct", "A1": "oct", "A2": "oct", "RS": "RSA", "PS": "RSA", "ES": "EC", "EC": "EC", "Ed": "OKP",
}  # fmt: skip


class BadKey(ValueError):
    """No key, or one that must not be used so. The message never holds key material."""


class Keys:
    """The keys of one source, by algorithm and key id."""

    def __init__(self, keys: list[Key]) -> None:
        self._keys = keys

    def find(self, algorithm: str, kid: str | None, *, private: bool = False) -> Key:
        """The one key that fits. Raises BadKey where there is none, or where it cannot be told which."""
        kind = _TYPES[algorithm[:2]]
        fitting = [
            key
            for key in self._keys
            if key.key_type == kind
            and (kid is None or key.kid == kid or (key.kid is None and len(self._keys) == 1))
            and (not private or kind == "oct" or key.is_private)
            and key.get("alg") in (None, algorithm)
        ]
        if len(fitting) != 1:
            what = "no key" if not fitting else f"{len(fitting)} keys"
            raise BadKey(f"{what} of the type {kind}{' with its private half' if private else ''} for {algorithm}")
        return fitting[0]

    def check(self, algorithm: str) -> None:
        """Whether something can be opened with one of them. Raises BadKey.

        Several may fit, where keys are changed: the sender says which (`kid`).
        """
        kind = _TYPES[algorithm[:2]]
        if not any(
            key.key_type == kind and (kind == "oct" or key.is_private) and key.get("alg") in (None, algorithm)
            for key in self._keys
        ):
            raise BadKey(f"no key of the type {kind} with its private half for {algorithm}")


def keys_of_jwks(data: bytes) -> Keys:
    """At most 1 MiB. Raises BadKey."""
    from joserfc.errors import JoseError
    from joserfc.jwk import import_key

    try:
        document: Any = msgspec.json.decode(data[: _MOST_BYTES + 1])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise BadKey('it is no JSON Web Key Set: {"keys": [{"kty": …}]}') from None
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or not listed:
        raise BadKey('it is no JSON Web Key Set with keys in it: {"keys": [{"kty": …}]}')
    keys = []
    for index, entry in enumerate(listed):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of short keys, which `_check` refuses
                key = import_key(entry)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError):
            raise BadKey(f"key {index} cannot be read") from None
        _check(key, f"key {index}")
        keys.append(key)
    return Keys(keys)


def keys_of_secret(secret: bytes) -> Keys:
    """One symmetric key. Raises BadKey."""
    from joserfc.jwk import OctKey

    if len(secret) < _LEAST_SECRET:
        raise BadKey(f"the secret has {len(secret)} bytes; {_LEAST_SECRET} or more are needed")
    return Keys([OctKey.import_key(secret)])


def _check(key: Key, what: str) -> None:
    raw: Any = key.raw_value
    size = len(raw) if key.key_type == "oct" else getattr(raw, "key_size", _LEAST_RSA)
    if key.key_type == "oct" and size < 16:
        raise BadKey(f"{what} is shorter than 16 bytes")
    if key.key_type == "RSA" and size < _LEAST_RSA:
        raise BadKey(f"{what} has {size} bits; RSA keys need {_LEAST_RSA}")
