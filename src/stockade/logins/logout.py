"""Logout: ours to the provider (RP-Initiated Logout 1.0), and the provider's to us (Back-Channel Logout 1.0)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from msgspec import Struct
from msgspec.structs import replace

from stockade.logins.errors import BadLogin
from stockade.tokens import BadToken, JwtRules, VerificationKeys, read_header, verify_jwt

_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_TYPES: Final = frozenset({"logout+jwt", "jwt"})
_OLDEST: Final = 300.0  # seconds since it was issued
_LONGEST_HINT: Final = 4096  # characters of an ID token that still fits a URL
_LONGEST: Final = 255


class LogoutToken(Struct, frozen=True):
    """Whose sessions end: all of a subject's, or the one of the provider's session `sid`; at least one is there."""

    subject: str
    sid: str
    id: str
    issued: float
    expires: float


def read_logout_form(body: bytes) -> str:
    """The logout token in a form (section 2.5). Raises BadLogin."""
    try:
        pairs = parse_qsl(body.decode("ascii"), max_num_fields=8, keep_blank_values=True)
    except ValueError:
        raise BadLogin("logout-malformed") from None
    found = [value for name, value in pairs if name == "logout_token"]
    if len(found) != 1:
        raise BadLogin("logout-malformed")
    return found[0]


def verify_logout_token(token: str, keys: VerificationKeys, rules: JwtRules, at: float) -> LogoutToken:
    """Section 2.6. rules: with our client id as audience. Raises BadLogin."""
    try:
        header = read_header(token)
        # An ID token must not do for one: what is in it differs, and where the type is stated it must be this.
        if header.typ is not None and header.typ.lower().removeprefix("application/") not in _TYPES:
            raise BadLogin("logout-token-wrong-type")
        claims = verify_jwt(token, keys, replace(rules, required=frozenset({"iat", "jti", "events"})), at)
    except BadToken as error:
        raise BadLogin(f"logout-token-{error.reason}") from None
    members: Any = claims.members
    events, issued, sid = members.get("events"), members.get("iat"), members.get("sid", "")
    if not isinstance(events, dict) or not isinstance(events.get(_EVENT), dict) or "nonce" in members:
        raise BadLogin("logout-token-wrong-type")
    if not isinstance(sid, str) or max(len(sid), len(claims.subject or "")) > _LONGEST or not claims.token_id:
        raise BadLogin("logout-token-bad-claim")
    if not (sid or claims.subject):
        raise BadLogin("logout-token-missing-claim")
    if not at - issued <= _OLDEST:
        raise BadLogin("logout-token-expired")
    return LogoutToken(claims.subject or "", sid, claims.token_id, float(issued), claims.expires)


def end_session_url(endpoint: str, *, client_id: str, id_token: str, return_to: str) -> str:
    """Where the browser goes to log out at the provider too. return_to: a registered URL, empty for none."""
    parameters = {"client_id": client_id}
    if id_token and len(id_token) <= _LONGEST_HINT:
        parameters["id_token_hint"] = id_token
    if return_to:
        parameters["post_logout_redirect_uri"] = return_to
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"
