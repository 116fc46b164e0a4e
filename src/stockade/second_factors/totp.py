"""Time-based one-time passcodes (RFC 6238), by pyotp. A code is good once: the caller keeps the last one's step."""

from __future__ import annotations

from base64 import b32encode
from hmac import compare_digest
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from pyotp import TOTP

SECRET_BYTES = 20  # RFC 4226, section 4: 160 bits are recommended


class TotpRules(Struct, frozen=True):
    """What authenticator apps understand are the defaults. window: steps of clock drift that are forgiven, each way."""

    digits: int = 6
    period: int = 30
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha1"
    window: int = 1


_DEFAULT = TotpRules()


def make_secret(random: bytes) -> bytes:
    """A secret from 20 random bytes or more."""
    if len(random) < SECRET_BYTES:
        raise ValueError(f"a secret needs {SECRET_BYTES} random bytes")
    return random


def provisioning_uri(secret: bytes, name: str, issuer: str, rules: TotpRules = _DEFAULT) -> str:
    """otpauth://totp/…: what an app reads from a QR code. It holds the secret."""
    return _totp(secret, rules).provisioning_uri(name=name, issuer_name=issuer)


def is_code(text: str, rules: TotpRules = _DEFAULT) -> bool:
    """Whether it has the shape of a code."""
    return len(text) == rules.digits and text.isascii() and text.isdigit()


def step_of(secret: bytes, code: str, at: float, last: int = -1, rules: TotpRules = _DEFAULT) -> int | None:
    """The step that this code is of, when it is good at that time and later than `last`; else None.

    Who accepts it keeps the step, and hands it in as `last` from then on: no code is good twice (section 5.2).
    """
    if not is_code(code, rules) or not 0 <= at < 1e11:
        return None
    totp = _totp(secret, rules)
    now = int(at) // rules.period
    found = None
    for step in range(max(now - rules.window, 0), now + rules.window + 1):  # all of them: in constant time
        if compare_digest(totp.generate_otp(step).encode(), code.encode()) and step > last and found is None:
            found = step
    return found


def _totp(secret: bytes, rules: TotpRules) -> TOTP:
    import hashlib

    from pyotp import TOTP

    text = b32encode(secret).decode().rstrip("=")
    return TOTP(text, digits=rules.digits, digest=getattr(hashlib, rules.algorithm), interval=rules.period)
