"""Authentication: who is asking. One file per scheme; any one of which is enough, or all of several.

Findings: credential-missing, or the reason for which the credential was refused (401), or login-too-weak and
login-too-old where an operation asks for more (`step_up`).
"""

from collections.abc import Sequence
from typing import Any

from stockade.controls.authentication.all_of import all_of
from stockade.controls.authentication.api_key import ApiKeys
from stockade.controls.authentication.aws4 import CanonicalRequests
from stockade.controls.authentication.basic import Basic
from stockade.controls.authentication.body import BodyAuthentication
from stockade.controls.authentication.certificate import CertificateRule, ClientCertificates
from stockade.controls.authentication.control import Authentication
from stockade.controls.authentication.guessing import Guess, Guessing, Lockout
from stockade.controls.authentication.jwt import Jwts
from stockade.controls.authentication.login_pages import LoginPages, LoginPaths
from stockade.controls.authentication.logins import Denied, LoginRules, Logins, Proven
from stockade.controls.authentication.oauth2 import OAuth2, SenderConstraint, peer_certificate
from stockade.controls.authentication.oidc import LoginPlace, Oidc
from stockade.controls.authentication.scheme import Refused, Scheme
from stockade.controls.authentication.signature import Signatures
from stockade.controls.authentication.step_up import StepUp
from stockade.controls.authentication.webhook import Webhooks

__all__ = [
    "ApiKeys",
    "Authentication",
    "Basic",
    "BodyAuthentication",
    "CanonicalRequests",
    "CertificateRule",
    "ClientCertificates",
    "Denied",
    "Guess",
    "Guessing",
    "Jwts",
    "Lockout",
    "LoginPages",
    "LoginPaths",
    "LoginPlace",
    "LoginRules",
    "Logins",
    "OAuth2",
    "Oidc",
    "Proven",
    "Refused",
    "Scheme",
    "SenderConstraint",
    "Signatures",
    "StepUp",
    "Webhooks",
    "all_of",
    "authentication",
    "peer_certificate",
]


def authentication(*, any_of: Sequence[Scheme], **fields: Any) -> Authentication:
    """The control, which reads bodies only where a scheme needs them."""
    kind = BodyAuthentication if any(hasattr(scheme, "verify_body") for scheme in any_of) else Authentication
    return kind(any_of=any_of, **fields)
