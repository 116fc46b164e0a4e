"""What the token endpoint answers (RFC 6749, sections 5.1 and 5.2; OpenID Connect Core, section 3.1.3.3)."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from stockade.logins.errors import BadLogin
from stockade.tokens import decode_object

_MAX_DEPTH: Final = 8
_LONGEST_TOKEN: Final = 16 * 1024
_LONGEST_LIFE: Final = 10 * 366 * 86400.0


class TokenReply(Struct, frozen=True):
    """lifetime: seconds of the access token, None where it is not told. scopes: None where they are as asked."""

    access_token: str
    id_token: str = ""
    refresh_token: str = ""
    lifetime: float | None = None
    scopes: frozenset[str] | None = None

    def __repr__(self) -> str:
        return "TokenReply(…)"


def read_token_reply(data: bytes, *, id_token: bool) -> TokenReply:
    """id_token: whether there must be one. Raises BadLogin."""
    document = _document(data)
    if _text(document, "token_type").lower() != "bearer":
        raise BadLogin("token-type")
    access = _text(document, "access_token")
    identity = _text(document, "id_token", needed=id_token)
    scope = document.get("scope")
    return TokenReply(
        access,
        identity,
        _text(document, "refresh_token", needed=False),
        _lifetime(document.get("expires_in")),
        frozenset(filter(None, scope.split(" "))) if isinstance(scope, str) and len(scope) <= 4096 else None,
    )


def read_token_error(data: bytes) -> str:
    """The error code; a word of ours where it cannot be read."""
    try:
        error = _document(data).get("error")
    except BadLogin:
        return "unreadable"
    return error if isinstance(error, str) and error.isascii() and error.isprintable() and len(error) < 64 else ""


def _document(data: bytes) -> dict[str, Any]:
    try:
        return decode_object(data, _MAX_DEPTH)
    except ValueError:
        raise BadLogin("token-answer-malformed") from None


def _text(document: dict[str, Any], name: str, *, needed: bool = True) -> str:
    value = document.get(name)
    if value is None and not needed:
        return ""
    plain = isinstance(value, str) and 0 < len(value) <= _LONGEST_TOKEN and value.isascii() and value.isprintable()
    if not plain:
        raise BadLogin(f"{name.replace('_', '-')}-missing")
    return str(value)


def _lifetime(value: object) -> float | None:
    """Some providers write the number as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        value = int(value)
    if type(value) not in (int, float) or not 0 < value <= _LONGEST_LIFE:  # type: ignore[operator]
        return None
    return float(value)  # type: ignore[arg-type]
