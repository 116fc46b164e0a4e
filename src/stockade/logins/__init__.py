"""OpenID Connect logins of browsers, as a relying party: what is sent to the provider, and what may be believed of what
comes back (OpenID Connect Core 1.0, RFC 7636, RFC 9207, OpenID Connect Back-Channel Logout 1.0).

Pure: keys, time and random bytes arrive as arguments; whoever calls talks to the provider and keeps the sessions.
"""

from stockade.logins.attempts import LONGEST_LOGIN, RANDOM_BYTES, Attempt, Attempts
from stockade.logins.callback import Callback, read_callback
from stockade.logins.cookies import CookieNames, clearing, cookie_values, other_cookies, setting
from stockade.logins.errors import BadLogin
from stockade.logins.identity import ClaimNames, Identity, check_id_token, check_userinfo, identity_of
from stockade.logins.logout import LogoutToken, end_session_url, read_logout_form, verify_logout_token
from stockade.logins.navigation import is_ahead_of_time, is_navigation, is_own_navigation, is_page_load, return_target
from stockade.logins.seals import Sealer
from stockade.logins.tokens import TokenReply, read_token_error, read_token_reply

__all__ = [
    "LONGEST_LOGIN",
    "RANDOM_BYTES",
    "Attempt",
    "Attempts",
    "BadLogin",
    "Callback",
    "ClaimNames",
    "CookieNames",
    "Identity",
    "LogoutToken",
    "Sealer",
    "TokenReply",
    "check_id_token",
    "check_userinfo",
    "clearing",
    "cookie_values",
    "end_session_url",
    "identity_of",
    "is_ahead_of_time",
    "is_navigation",
    "is_own_navigation",
    "is_page_load",
    "other_cookies",
    "read_callback",
    "read_logout_form",
    "read_token_error",
    "read_token_reply",
    "return_target",
    "setting",
    "verify_logout_token",
]
