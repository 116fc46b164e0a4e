"""What a login was worth: its context and its methods, `acr` and `amr` (OpenID Connect Core, section 2; RFC 8176)."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Proof: TypeAlias = Literal["password", "totp", "passkey", "passkey-unverified", "recovery", "code", "link"]

# RFC 8176: pwd, otp, hwk (a key that cannot leave its hardware) or swk, user (verified by the authenticator), mfa.
# A code that was sent is one-time too; by which way it came says no registered word but sms and tel.
_WORDS: dict[str, tuple[str, ...]] = {
    "password": ("pwd",),
    "totp": ("otp",),
    "recovery": ("otp",),
    "code": ("otp",),
    "link": ("otp",),
    "passkey": ("swk", "user"),
    "passkey-unverified": ("swk",),
}
_KNOWN, _HELD = frozenset({"password"}), frozenset(_WORDS) - {"password"}


class Methods(Struct, frozen=True):
    """acr: "phr" after a passkey, which no phisher can use (OpenID Connect EAP ACR values), else "mfa" or "pwd", or
    "otp" where nothing but a code or a link was shown. amr: as RFC 8176 calls them; "mfa" where there were two factors.
    """

    acr: str
    amr: frozenset[str]

    @classmethod
    def of(cls, *proofs: Proof) -> Methods:
        """Of what was shown, in any order. A passkey that verified its user is two factors by itself.

        >>> sorted(Methods.of("password", "totp").amr)
        ['mfa', 'otp', 'pwd']
        """
        shown = frozenset(proofs)
        amr = {word for proof in shown for word in _WORDS[proof]}
        two = "passkey" in shown or (bool(shown & _KNOWN) and bool(shown & _HELD))
        if two:
            amr.add("mfa")
        phishing_resistant = "passkey" in shown or ("passkey-unverified" in shown and two)
        acr = (
            "phr" if phishing_resistant else "mfa" if two else "pwd" if "password" in shown else "otp" if shown else ""
        )
        return cls(acr, frozenset(amr))
