"""Second factors: one-time passcodes (RFC 6238), passkeys (W3C Web Authentication), recovery codes, what is sent.

Pure: secrets, randomness and time come in, what is to be kept goes out. pyotp and webauthn are imported with their
first use.
"""

from stockade.second_factors.methods import Methods
from stockade.second_factors.once import OneTime, code_digest, make_code, make_link_token
from stockade.second_factors.passkeys import (
    BadPasskey,
    Passkey,
    RelyingParty,
    authentication_options,
    registration_options,
    verify_authentication,
    verify_registration,
)
from stockade.second_factors.recovery import make_recovery_codes, recovery_digest
from stockade.second_factors.totp import TotpRules, is_code, make_secret, provisioning_uri, step_of

__all__ = [
    "BadPasskey",
    "Methods",
    "OneTime",
    "Passkey",
    "RelyingParty",
    "TotpRules",
    "authentication_options",
    "code_digest",
    "is_code",
    "make_code",
    "make_link_token",
    "make_recovery_codes",
    "make_secret",
    "provisioning_uri",
    "recovery_digest",
    "registration_options",
    "step_of",
    "verify_authentication",
    "verify_registration",
]
