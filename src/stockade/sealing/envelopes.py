"""Sign, encrypt, verify: compact JWS and JWE, and detached signatures (RFC 7515, appendix F)."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from stockade.sealing.keys import BadKey, Keys
from stockade.sealing.strict import BadHeader, read_header

Signing: TypeAlias = Literal[
    "HS256",
    "HS384",
    "HS512",
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "Ed25519",
]
Wrapping: TypeAlias = Literal["RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW", "A256KW", "dir"]  # of keys
Content: TypeAlias = Literal["A128GCM", "A256GCM", "A128CBC-HS256", "A256CBC-HS512"]
LONGEST: Final = 16 << 20  # characters of an envelope


class BadSeal(ValueError):
    """A signature that does not hold, or no envelope at all. `reason` is a stable word; nothing of the body is told."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Seal(Struct, frozen=True):
    """How a body is signed (`signature`) or encrypted (`wrapping`, `content`), and with whose key."""

    keys: Keys
    algorithm: Signing | Wrapping
    content: Content | Literal[""] = ""  # where it is encrypted
    kid: str | None = None

    def check(self) -> None:
        """Whether the key is there and does for the algorithms, by trying. Raises BadKey."""
        from joserfc.errors import JoseError

        try:
            _encrypted(self, b"", "json") if self.content else _signed(self, b"", "json")
        except BadKey:
            raise
        except (JoseError, ValueError, TypeError) as error:
            what = f"{self.algorithm} with {self.content}" if self.content else self.algorithm
            raise BadKey(f"the key does not do for {what} ({type(error).__name__})") from None


class Envelope(Struct, frozen=True):
    """What is done to a body that leaves: signed first, then encrypted, either or both. detached: see `seal`."""

    signing: Seal | None = None
    encrypting: Seal | None = None

    def seal(self, body: bytes, media_type: str = "json") -> bytes:
        """The body as a compact JWS, JWE, or a JWE with a JWS in it. Raises BadKey."""
        sealed, kind = body, media_type
        if self.signing is not None:
            sealed, kind = _signed(self.signing, sealed, kind), "JOSE"
        if self.encrypting is not None:
            sealed = _encrypted(self.encrypting, sealed, kind)
        return sealed

    def signature(self, body: bytes) -> str:
        """A detached JWS: what stands between its two dots is the body itself. Raises BadKey."""
        assert self.signing is not None
        header, _, signature = _signed(self.signing, body, "json").decode().split(".")
        return f"{header}..{signature}"


def _signed(seal: Seal, body: bytes, kind: str) -> bytes:
    from joserfc import jws

    key = seal.keys.find(seal.algorithm, seal.kid, private=True)
    header = {"alg": seal.algorithm, "cty": kind, **({"kid": key.kid} if key.kid else {})}
    return jws.serialize_compact(header, body, key, algorithms=[seal.algorithm]).encode()


def _encrypted(seal: Seal, body: bytes, kind: str) -> bytes:
    from joserfc import jwe

    key = seal.keys.find(seal.algorithm, seal.kid)
    header = {"alg": seal.algorithm, "enc": seal.content, "cty": kind, **({"kid": key.kid} if key.kid else {})}
    return jwe.encrypt_compact(header, body, key, algorithms=[seal.algorithm, seal.content]).encode()


def verify(
    token: str, keys: Keys, algorithms: frozenset[str], body: bytes | None = None, *, content: str = ""
) -> bytes:
    """The payload of a compact JWS. body: what a detached one is about. content: see `check_content`. Raises BadSeal.

    The algorithm is one that we chose, the key one of its type: neither is the sender's to say. Extensions (`crit`)
    are none that we know, so they are refused (RFC 7515, section 4.1.11).
    """
    from joserfc import jws
    from joserfc.errors import JoseError
    from joserfc.jws import JWSRegistry

    if len(token) > LONGEST or token.count(".") != 2 or not token.isascii():
        raise BadSeal("malformed")
    if body is not None:
        header, payload, signature = token.split(".")
        if payload:
            raise BadSeal("not-detached")
        token = f"{header}.{urlsafe_b64encode(body).rstrip(b'=').decode()}.{signature}"
    try:
        registry = JWSRegistry(algorithms=algorithms)
        registry.max_payload_length = LONGEST  # of which a route's `body` lets pass what it likes
        stated = read_header(token, 3)
        algorithm, kid = stated.get("alg"), stated.get("kid")
        if algorithm not in algorithms or "crit" in stated or not isinstance(kid, str | None):
            raise BadSeal("algorithm" if algorithm not in algorithms else "malformed")  # noqa: TRY301 - as any other
        check_content(stated, content)
        found = jws.deserialize_compact(token, keys.find(algorithm, kid), registry=registry)
    except BadKey:
        raise BadSeal("unknown-key") from None
    except BadHeader as error:
        raise BadSeal(error.reason) from None
    except BadSeal:
        raise
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BadSeal("bad-signature") from None
    return found.payload


def check_content(header: Mapping[str, object], content: str) -> None:
    """Raises BadSeal where the header says that another kind of content is in it (`cty`; RFC 7515, section 4.1.10).

    content: a media type, "json" for application/json; "" for any.
    """
    stated = header.get("cty")
    if not content or stated is None:
        return
    if not isinstance(stated, str) or stated.lower().removeprefix("application/") != content.lower():
        raise BadSeal("content-type")
