"""Who is asking, once a credential has proved it, and what the upstream is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import force_setattr

_EXTENDED = "utf-8''"
PRINCIPAL_HEADERS = ("x-stockade-principal", "x-stockade-credential", "x-stockade-scopes")


class Principal(Struct, frozen=True, gc=False):
    """Who is asking, once proven. `credential` names the proof (key id, token id), never the secret.

    acr, amr, auth_time: how, by which methods and when (epoch seconds) they logged in, where the credential says so
    (OpenID Connect Core, section 2; RFC 8176).
    """

    id: str
    kind: str  # "api_key", "jwt", "oauth2", "certificate", "signature", "webhook", "user"
    credential: str = ""
    scopes: frozenset[str] = frozenset()
    acr: str = ""
    amr: frozenset[str] = frozenset()
    auth_time: float | None = None
    told: tuple[tuple[str, str], ...] = ()  # made from the others: the headers by which the upstream learns of it
    claims: Mapping[str, Any] = {}  # of a token: personal data, for rules alone
    roles: frozenset[str] = frozenset()  # which nobody is told
    client: str = ""  # of our own token service, by which it asks

    def __post_init__(self) -> None:
        values = (self.id, self.credential, " ".join(sorted(self.scopes)))
        pairs = zip(PRINCIPAL_HEADERS, map(_field_text, values), strict=True)
        force_setattr(self, "told", tuple(pair for pair in pairs if pair[1]))


def _field_text(text: str) -> str:
    """Text that is safe in a header field, and no two alike: a principal's name may come from a token.

    What cannot stand there as it is is written as RFC 8187, section 3.2.1, has it: utf-8''Zo%C3%AB.
    """
    if text.isascii() and text.isprintable() and text == text.strip() and not text.startswith(_EXTENDED):
        return text
    return _EXTENDED + quote(text, safe="", errors="surrogatepass")
