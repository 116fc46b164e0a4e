"""Who may be called what. Names are ASCII and lower case, so that no two of them look alike or end early."""

from __future__ import annotations

import re
from typing import Final

_is_holder = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}").fullmatch
_is_label = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?").fullmatch
_MOST_DNS: Final = 253  # characters (RFC 1035, section 2.3.4)
_MOST_COMMON_NAME: Final = 64  # X.520, ub-common-name


class BadName(ValueError):
    """A text that cannot be a name of ours."""


def check_holder(text: str) -> str:
    """What a partner or service is called: in URLs, files and headers too. Raises BadName."""
    if _is_holder(text) is None:
        raise BadName(f"{_shown(text)} is not a name: a-z, 0-9, - and _, 63 at most, a letter or digit first")
    return text


def is_holder(text: str) -> bool:
    """Whether a partner or service can be called so."""
    return _is_holder(text) is not None


def check_dns(text: str) -> str:
    """A DNS name of one client, no wildcard (RFC 1034, section 3.5). Raises BadName."""
    labels = text.split(".")
    if len(text) > _MOST_DNS or not all(map(_is_label, labels)) or labels[-1].isdigit():
        raise BadName(
            f"{_shown(text)} is not a DNS name such as client.example.com: lower case, no wildcard, no final dot; "
            "other alphabets are written as xn--…"
        )
    return text


def check_title(text: str) -> str:
    """What an authority calls itself in its certificate. Raises BadName."""
    if not 0 < len(text) <= _MOST_COMMON_NAME or not text.isprintable() or text != text.strip():
        raise BadName(f"an authority's name has 1 to {_MOST_COMMON_NAME} printable characters, no blanks around them")
    return text


def is_within(name: str, domain: str) -> bool:
    """Whether a DNS name is the domain or under it (RFC 5280, section 4.2.1.10)."""
    return name == domain or name.endswith("." + domain)


def holder_uri(trust_domain: str, holder: str) -> str:
    """The URI by which a holder's certificates name it (in the form of SPIFFE ids)."""
    return f"spiffe://{trust_domain}/{holder}"


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 64 else text[:64] + "…")
