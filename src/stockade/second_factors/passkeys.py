"""Passkeys (W3C Web Authentication, level 3), by the webauthn package: what a browser is asked, and its answer judged.

A browser does all of it with `navigator.credentials.create` and `.get`; both sides speak the JSON of
`PublicKeyCredential.toJSON()` and `parseCreationOptionsFromJSON()`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from msgspec import Struct

CHALLENGE_BYTES = 32
_LONGEST = 64 << 10  # characters of an answer
_PATIENCE = 300_000  # milliseconds that a person may take
R = TypeVar("R")


class BadPasskey(ValueError):
    """An answer that proves nothing. The message is for the log, never for the client."""


class RelyingParty(Struct, frozen=True):
    """Who we are to an authenticator. id: the domain, "example.com"; origins: where our pages are, "https://…".

    verified: whether a person must show the authenticator who they are (PIN, finger, face), and not just be there.
    """

    id: str
    origins: tuple[str, ...]
    name: str = "Stockade"
    verified: bool = True


class Passkey(Struct, frozen=True):
    """What is kept of one: nothing secret. count: of signatures, 0 where the authenticator keeps none."""

    id: bytes
    public_key: bytes
    count: int = 0
    verified: bool = False  # the user, at the last occasion


def registration_options(
    party: RelyingParty, *, user_id: bytes, user_name: str, challenge: bytes, known: Sequence[bytes] = ()
) -> str:
    """JSON for `navigator.credentials.create`. known: ids of the user's passkeys; no authenticator makes two."""
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
    )

    return options_to_json(
        generate_registration_options(
            rp_id=party.id,
            rp_name=party.name,
            user_id=user_id,
            user_name=user_name,
            challenge=challenge,
            timeout=_PATIENCE,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED, user_verification=_verification(party)
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
        )
    )


def verify_registration(party: RelyingParty, answer: str, challenge: bytes) -> Passkey:
    """The new passkey. Attestation is not asked for: which make an authenticator is decides nothing here.

    Raises BadPasskey.
    """
    from webauthn import verify_registration_response

    found = _judge(
        lambda: verify_registration_response(
            credential=_bounded(answer),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            require_user_verification=party.verified,
        )
    )
    return Passkey(
        found.credential_id,
        found.credential_public_key,
        found.sign_count,
        found.user_verified,
    )


def authentication_options(party: RelyingParty, *, challenge: bytes, allowed: Sequence[bytes] = ()) -> str:
    """JSON for `navigator.credentials.get`. allowed: ids of the user's passkeys; none: whichever the user picks."""
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    return options_to_json(
        generate_authentication_options(
            rp_id=party.id,
            challenge=challenge,
            timeout=_PATIENCE,
            allow_credentials=[PublicKeyCredentialDescriptor(id=each) for each in allowed],
            user_verification=_verification(party),
        )
    )


def credential_id(answer: str) -> bytes:
    """Which passkey an answer claims to be of. Raises BadPasskey."""
    from webauthn.helpers import parse_authentication_credential_json

    return bytes(_judge(lambda: parse_authentication_credential_json(_bounded(answer))).raw_id)


def verify_authentication(party: RelyingParty, answer: str, challenge: bytes, passkey: Passkey) -> Passkey:
    """The passkey as it must be kept from now on: its count has grown. Raises BadPasskey, also on a count that has not:
    then there are two authenticators with one key.
    """
    from webauthn import verify_authentication_response

    found = _judge(
        lambda: verify_authentication_response(
            credential=_bounded(answer),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.count,
            require_user_verification=party.verified,
        )
    )
    if bytes(found.credential_id) != passkey.id:
        raise BadPasskey("the answer is of another passkey")
    return Passkey(passkey.id, passkey.public_key, found.new_sign_count, found.user_verified)


def _verification(party: RelyingParty) -> Any:
    from webauthn.helpers.structs import UserVerificationRequirement

    return UserVerificationRequirement.REQUIRED if party.verified else UserVerificationRequirement.PREFERRED


def _bounded(answer: str) -> str:
    if len(answer) > _LONGEST:
        raise BadPasskey("the answer is too long")
    return answer


def _judge(work: Callable[[], R]) -> R:
    """Every way in which the package, or what it stands on, says no is ours."""
    try:
        return work()
    except BadPasskey:
        raise
    except Exception as error:  # noqa: BLE001 - hostile CBOR, DER and JSON come through several libraries
        raise BadPasskey(f"{type(error).__name__}: {error}"[:200]) from None
