"""Authentication: who is asking. API keys and JSON Web Tokens, any one of which is enough.

Findings: credential-missing, or the reason for which the credential was refused (401).
"""

from stockade.controls.authentication.api_key import ApiKeys
from stockade.controls.authentication.control import Authentication
from stockade.controls.authentication.jwt import Jwts
from stockade.controls.authentication.scheme import Refused, Scheme

__all__ = ["ApiKeys", "Authentication", "Jwts", "Refused", "Scheme"]
