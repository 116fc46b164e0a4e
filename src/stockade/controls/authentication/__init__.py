"""Authentication: who is asking. One file per scheme; any one of which is enough, or all of several.

Findings: credential-missing, or the reason for which the credential was refused (401), or login-too-weak and
login-too-old where an operation asks for more (`step_up`).
"""

from stockade.controls.authentication.all_of import AllOf
from stockade.controls.authentication.api_key import ApiKeys
from stockade.controls.authentication.control import Authentication
from stockade.controls.authentication.jwt import Jwts
from stockade.controls.authentication.oauth2 import OAuth2, SenderConstraint
from stockade.controls.authentication.scheme import Refused, Scheme
from stockade.controls.authentication.step_up import StepUp

__all__ = [
    "AllOf",
    "ApiKeys",
    "Authentication",
    "Jwts",
    "OAuth2",
    "Refused",
    "Scheme",
    "SenderConstraint",
    "StepUp",
]
