"""The header of an envelope, read as every reader must read it, before anything is done with it."""

from __future__ import annotations

from typing import Any, Final

from stockade.tokens import decode_base64url, decode_object

LONGEST_SIGNED: Final = 8 * 1024  # characters of a header, which may hold a certificate chain that nobody reads
LONGEST_ENCRYPTED: Final = 1024  # joserfc's own bound
_MAX_DEPTH: Final = 8
# Keys that the sender chose (RFC 8725, sections 3.10 and 2.9); extensions that must be understood, of which none is
# (RFC 7515, section 4.1.11; RFC 7797); what inflates (RFC 7516, section 4.1.3) and what takes as long as the sender
# says (PBES2; RFC 7518, section 4.8.1.2).
_REFUSED: Final = frozenset({"jwk", "jku", "x5u", "crit", "b64", "p2s", "p2c"})


class BadHeader(ValueError):
    """`reason` is a stable word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_header(token: str, segments: int) -> dict[str, Any]:
    """The protected header of a compact serialisation of so many segments: 3 for a JWS, 5 for a JWE.

    Raises BadHeader where a segment is not canonical base64url, the header no JSON object whose members differ, or
    where it says what nobody may say here.
    """
    try:
        return _read(token, segments)
    except BadHeader:
        raise
    except ValueError:
        raise BadHeader("malformed") from None


def _read(token: str, segments: int) -> dict[str, Any]:
    parts = token.encode("ascii").split(b".")
    if len(parts) != segments or len(parts[0]) > (LONGEST_SIGNED if segments == 3 else LONGEST_ENCRYPTED):
        raise BadHeader("malformed")
    header, *rest = parts
    for part in rest:
        decode_base64url(part)
    members = decode_object(decode_base64url(header), _MAX_DEPTH)
    if "zip" in members:
        raise BadHeader("compressed")
    if not _REFUSED.isdisjoint(members):
        raise BadHeader("malformed")
    for name in ("alg", "enc", "kid", "typ", "cty"):
        if not isinstance(members.get(name, ""), str):
            raise BadHeader("malformed")
    return members
