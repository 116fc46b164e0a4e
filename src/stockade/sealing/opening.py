"""Open what was sealed for us: a compact JWE, a compact JWS, or a JWE with a JWS in it."""

from __future__ import annotations

from msgspec import Struct

from stockade.sealing.envelopes import LONGEST, BadSeal, Content, Signing, Wrapping, check_content, verify
from stockade.sealing.keys import BadKey, Keys
from stockade.sealing.strict import BadHeader, read_header


class Locked(Struct, frozen=True):
    """What is encrypted for us must be so: by these algorithms, for one of these keys."""

    keys: Keys
    algorithms: frozenset[Wrapping]
    contents: frozenset[Content]


class Signed(Struct, frozen=True):
    """What is signed for us must be so: by these algorithms, with one of these keys."""

    keys: Keys
    algorithms: frozenset[Signing]


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
        header = read_header(token.decode("ascii"), 5)
        algorithm, kid = header.get("alg"), header.get("kid")
        _check(header, locked, content)
        assert isinstance(algorithm, str)
        registry = JWERegistry(algorithms=[algorithm, *locked.contents])
        registry.max_ciphertext_length = LONGEST
        key = locked.keys.find(algorithm, kid if isinstance(kid, str) else None, private=True)
        found = jwe.decrypt_compact(token, key, registry=registry)
    except BadKey:
        raise BadSeal("unknown-key") from None
    except BadHeader as error:
        raise BadSeal(error.reason) from None
    except BadSeal:
        raise
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        raise BadSeal("sealed-otherwise") from None
    if found.plaintext is None:
        raise BadSeal("sealed-otherwise")
    return found.plaintext


def _check(header: dict[str, object], locked: Locked, content: str) -> None:
    """The algorithms are ones that we chose, the key one of their type: neither is the sender's to say."""
    if header.get("alg") not in locked.algorithms or header.get("enc") not in locked.contents:
        raise BadSeal("algorithm")
    check_content(header, content)
