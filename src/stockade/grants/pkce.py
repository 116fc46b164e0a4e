"""Proof Key for Code Exchange (RFC 7636), S256 alone: `plain` shows the verifier to whoever sees the request."""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping

from stockade.grants.refusals import Refusal

_is_challenge = re.compile(r"[A-Za-z0-9_-]{43}").fullmatch
_is_verifier = re.compile(r"[A-Za-z0-9._~-]{43,128}").fullmatch


def check_challenge(form: Mapping[str, str]) -> str:
    """The challenge of an authorization request, which every client must send. Raises Refusal."""
    challenge, method = form.get("code_challenge", ""), form.get("code_challenge_method", "plain")
    if not challenge:
        raise Refusal("invalid_request", "code_challenge is missing: PKCE is asked of every client (RFC 7636)")
    if method != "S256":
        raise Refusal("invalid_request", "code_challenge_method must be S256")
    if _is_challenge(challenge) is None:
        raise Refusal("invalid_request", "code_challenge is not the base64url of a SHA-256")
    return challenge


def challenge_of(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii", "replace")).digest()).rstrip(b"=").decode()


def is_answer(verifier: str, challenge: str) -> bool:
    """Whether the verifier is the one of the challenge, in constant time."""
    if _is_verifier(verifier) is None:
        return False
    return hmac.compare_digest(challenge_of(verifier), challenge)
