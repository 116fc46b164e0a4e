"""Bodies that only the other end can read or have written: JOSE (RFC 7515, RFC 7516), by joserfc.

joserfc and cryptography are imported with the first key: a policy without sealed bodies does not pay for them.
"""

from stockade.sealing.envelopes import BadSeal, Content, Envelope, Seal, Signing, Wrapping
from stockade.sealing.keys import BadKey, Keys, keys_of_jwks, keys_of_secret
from stockade.sealing.opening import Locked, Opening, Signed

__all__ = [
    "BadKey",
    "BadSeal",
    "Content",
    "Envelope",
    "Keys",
    "Locked",
    "Opening",
    "Seal",
    "Signed",
    "Signing",
    "Wrapping",
    "keys_of_jwks",
    "keys_of_secret",
]
