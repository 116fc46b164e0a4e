"""Open what was sealed for us: a compact JWE, a compact JWS, or a JWE with a JWS in it."""

from __future__ import annotations

from msgspec import Struct

from stockade.sealing.envelopes import LONGEST, BadSeal, check_content, verify
from stockade.sealing.keys import BadKey, Keys

_LONGEST_HEADER = 1024  # characters; joserfc's own bound


class Locked(Struct, frozen=True):
    """What is encrypted for us must be so: by these algorithms (KEY_WRAPPING, CONTENT), for one of these keys."""

    keys: Keys
    algorithms: frozenset[str]
    contents: frozenset[str]


class Signed(Struct, frozen=True):
    """What is signed for us must be so: by these algorithms (SIGNATURES), with one of these keys."""

    keys: Keys
    algorithms: frozenset[str]


class Opening(Struct, frozen=True):
    """What a body must be wrapped in: a JWE, a JWS, or both, the JWS inside. content: the media type of what is in it,
    without "application/"; an envelope that states another is refused."""

    locked: Locked | None = None
    signed: Signed | None = None
    content: str = "json"

    def open(self, body: bytes) -> bytes:
        """What is in it. Raises BadSeal, whose reasons are for the log alone: to the sender all failures are one.

        Never longer than the body: what is compressed (`zip`; RFC 7516, section 4.1.3) is refused before any key is
        used.
        """
        signed, locked = self.signed, self.locked
        if locked is not None:
            body = _decrypted(body, locked, "JOSE" if signed is not None else self.content)
        if signed is not None:
            text = body.decode("ascii", "replace").strip()
            body = verify(text, signed.keys, signed.algorithms, content=self.content)
        return body


def _decrypted(body: bytes, locked: Locked, content: str) -> bytes:
    from joserfc import jwe
    from joserfc.errors import JoseError
    from joserfc.jwe import JWERegistry

    token = body.strip()
    if len(token) > LONGEST or token.count(b".") != 4:
        raise BadSeal("malformed")
    try:
        header = _header_of(token)
        algorithm, kid = header.get("alg"), header.get("kid")
        _check(header, locked, content)
        assert isinstance(algorithm, str)
        registry = JWERegistry(algorithms=[algorithm, *locked.contents])
        registry.max_ciphertext_length = LONGEST
        key = locked.keys.find(algorithm, kid if isinstance(kid, str) else None, private=True)
        found = jwe.decrypt_compact(token, key, registry=registry)
    except BadKey:
        raise BadSeal("unknown-key") from None
    except BadSeal:
        raise
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        raise BadSeal("sealed-otherwise") from None
    if found.plaintext is None:
        raise BadSeal("sealed-otherwise")
    return found.plaintext


def _header_of(token: bytes) -> dict[str, object]:
    """The protected header, before anything of it is believed."""
    from joserfc.util import json_b64decode

    segment = token.partition(b".")[0]
    if len(segment) > _LONGEST_HEADER:
        raise BadSeal("malformed")
    header = json_b64decode(segment)
    if not isinstance(header, dict):
        raise BadSeal("malformed")
    return header


def _check(header: dict[str, object], locked: Locked, content: str) -> None:
    """The algorithms are ones that we chose, the key one of their type: neither is the sender's to say."""
    if header.get("alg") not in locked.algorithms or header.get("enc") not in locked.contents:
        raise BadSeal("algorithm")
    if "zip" in header:
        raise BadSeal("compressed")
    if "crit" in header or not isinstance(header.get("kid"), str | None):
        raise BadSeal("malformed")
    check_content(header, content)
