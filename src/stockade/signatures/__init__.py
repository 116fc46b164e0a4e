"""Signed requests: HTTP message signatures (RFC 9421), content digests (RFC 9530), and the HMAC styles of webhooks.

Pure: what must be signed and what the signature is are found here; the keys, and what verifies under them, are the
caller's, as are the time and the memory of nonces.
"""

from stockade.signatures.base import BadComponent, signature_base
from stockade.signatures.canonical import UNSIGNED, CanonicalRules, CanonicalSignature, is_by, read_canonical
from stockade.signatures.digest import digest_trouble
from stockade.signatures.message import (
    ALGORITHMS,
    BadSignature,
    Signature,
    SignatureRules,
    check_signature,
    read_signatures,
)
from stockade.signatures.structured import BadField, parse_dictionary
from stockade.signatures.webhook import STYLES, WebhookSignature, read_webhook

__all__ = [
    "ALGORITHMS",
    "STYLES",
    "UNSIGNED",
    "BadComponent",
    "BadField",
    "BadSignature",
    "CanonicalRules",
    "CanonicalSignature",
    "Signature",
    "SignatureRules",
    "WebhookSignature",
    "check_signature",
    "digest_trouble",
    "is_by",
    "parse_dictionary",
    "read_canonical",
    "read_signatures",
    "read_webhook",
    "signature_base",
]
