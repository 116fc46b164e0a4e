"""What an OAuth 2 authorization server must decide, without a socket, a store or a clock (RFC 6749, RFC 9700).

Forms are read strictly, clients are held to what they were registered for, and every refusal is one of the errors of
the standards with a text of our own: nothing that a client sent comes back in it.
"""

from stockade.grants.clients import (
    AUTHENTICATIONS,
    GRANTS,
    BadClient,
    Client,
    check_client,
)
from stockade.grants.forms import MAX_FORM, read_form
from stockade.grants.metadata import PATHS, metadata
from stockade.grants.pkce import challenge_of, check_challenge, is_answer
from stockade.grants.records import Grant, OwnToken, Revocation
from stockade.grants.redirects import BadRedirect, check_redirect, form_targets, redirect_url
from stockade.grants.refusals import Refusal
from stockade.grants.scopes import (
    MOST_AUDIENCES,
    audience_claim,
    audiences_of,
    narrow_audience,
    narrow_granted,
    narrow_scopes,
    of_user,
)
from stockade.grants.signing import Schedule, SigningKey
from stockade.grants.user_codes import make_user_code, read_user_code, show_user_code

__all__ = [
    "AUTHENTICATIONS",
    "GRANTS",
    "MAX_FORM",
    "MOST_AUDIENCES",
    "PATHS",
    "BadClient",
    "BadRedirect",
    "Client",
    "Grant",
    "OwnToken",
    "Refusal",
    "Revocation",
    "Schedule",
    "SigningKey",
    "audience_claim",
    "audiences_of",
    "challenge_of",
    "check_challenge",
    "check_client",
    "check_redirect",
    "form_targets",
    "is_answer",
    "make_user_code",
    "metadata",
    "narrow_audience",
    "narrow_granted",
    "narrow_scopes",
    "of_user",
    "read_form",
    "read_user_code",
    "redirect_url",
    "show_user_code",
]
