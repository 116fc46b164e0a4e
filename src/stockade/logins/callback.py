"""The answer that a browser brings from the provider (OpenID Connect Core, section 3.1.2.5; RFC 9207)."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from msgspec import Struct

from stockade.logins.errors import BadLogin

_LONGEST: Final = 16 * 1024  # characters of the query
_MOST_FIELDS: Final = 32
_LONGEST_CODE: Final = 4096


class Callback(Struct, frozen=True):
    """error: the provider's word for why nobody is logged in; else there is a code. issuer: empty where it is not
    said."""

    state: str
    code: str = ""
    issuer: str = ""
    error: str = ""


def read_callback(query: str, *, issuer: str, issuer_is_told: bool) -> Callback:
    """Raises BadLogin. issuer: the one that was asked; issuer_is_told: whether it says `iss` in its answers.

    A parameter that comes twice is refused (RFC 6749, section 3.1): two readers would see two answers.
    """
    if len(query) > _LONGEST:
        raise BadLogin("answer-malformed")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise BadLogin("answer-malformed") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadLogin("answer-ambiguous")
    told = fields.get("iss", "")
    # RFC 9207, section 2.4: another issuer's answer is not this one's, whatever the rest says (mix-up).
    if told != issuer and ("iss" in fields or issuer_is_told):
        raise BadLogin("issuer-mixed-up")
    state, code, error = fields.get("state", ""), fields.get("code", ""), fields.get("error", "")
    if not state or bool(code) == bool(error) or len(code) > _LONGEST_CODE or not _is_plain(code):
        raise BadLogin("answer-malformed")
    return Callback(state, code, told, error[:64] if _is_plain(error) else "unreadable")


def _is_plain(text: str) -> bool:
    """RFC 6749, appendix A: visible ASCII and spaces."""
    return text.isascii() and text.isprintable()
