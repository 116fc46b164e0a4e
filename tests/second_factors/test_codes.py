"""Recovery codes, codes and links that are sent, and what a login was worth."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stockade.second_factors import (
    Methods,
    OneTime,
    code_digest,
    make_code,
    make_link_token,
    make_recovery_codes,
    recovery_digest,
)

KEY = b"k" * 32
RANDOM = random.Random(1).randbytes(100)
AT = 1_763_766_422.0


def test_recovery_codes_are_many_and_different():
    codes = make_recovery_codes(RANDOM)
    assert len(set(codes)) == 10
    assert all(len(code) == 19 and code.count("-") == 3 for code in codes)


@pytest.mark.parametrize(
    "write", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code} ".replace("-", " ")]
)
def test_a_recovery_code_may_be_written_in_many_ways(write):
    for code in make_recovery_codes(RANDOM):
        assert recovery_digest(KEY, "u", write(code)) == recovery_digest(KEY, "u", code)


def test_letters_that_look_like_digits_are_digits():
    assert recovery_digest(KEY, "u", "O0I1L1-0000-0000-00") == recovery_digest(KEY, "u", "0011-1100-0000-0000")


def test_a_digest_is_of_one_user_one_key_one_code():
    codes = make_recovery_codes(RANDOM)[:2]
    digests = {recovery_digest(key, user, code) for key in (KEY, b"j") for user in ("u", "v") for code in codes}
    assert len(digests) == 8


@given(st.text(max_size=80))
def test_what_is_no_recovery_code(text):
    digest = recovery_digest(KEY, "u", text)
    assert digest is None or len(digest) == 32


def test_codes_and_links():
    assert make_code(b"\xff" * 16).isdigit()
    assert len(make_code(b"\0" * 16)) == 8
    assert len(make_link_token(RANDOM[:32])) == 43


def once(secret: str = "12345678", **fields: object) -> OneTime:
    digest = code_digest(KEY, "id", "login", secret)
    assert digest is not None
    made = OneTime("id", "u", "login", digest, AT + 600)
    return replace(made, **fields)


def fits(code: OneTime, secret: str = "12345678", purpose: str = "login", at: float = AT, key: bytes = KEY) -> bool:
    return code.fits(key, purpose, secret, at, 5)


def test_a_code_is_for_one_thing_and_a_short_time():
    assert fits(once())
    assert fits(once(), " 12345678 ")
    assert not fits(once(), "12345679")
    assert not fits(once(), purpose="reset")
    assert not fits(once(), at=AT + 600)
    assert not fits(once(), key=b"j")
    assert not fits(once(id="another"))
    assert not fits(once(tries=5))
    assert not fits(once(purpose="reset"), purpose="reset")


@pytest.mark.parametrize("secret", ["", "é" * 8, "1" * 200])
def test_what_is_no_code(secret):
    assert not fits(once(), secret)


@pytest.mark.parametrize(
    ("proofs", "acr", "amr"),
    [
        ((), "", ""),
        (("password",), "pwd", "pwd"),
        (("password", "totp"), "mfa", "mfa otp pwd"),
        (("password", "recovery"), "mfa", "mfa otp pwd"),
        (("password", "code"), "mfa", "mfa otp pwd"),
        (("passkey",), "phr", "mfa swk user"),
        (("passkey-unverified",), "", "swk"),
        (("password", "passkey-unverified"), "phr", "mfa pwd swk"),
        (("link",), "otp", "otp"),
        (("totp",), "otp", "otp"),
        (("totp", "code"), "otp", "otp"),
    ],
)
def test_what_a_login_was_worth(proofs, acr, amr):
    methods = Methods.of(*proofs)
    assert " ".join(sorted(methods.amr)) == amr
    if proofs != ("passkey-unverified",):
        assert methods.acr == acr
    assert ("mfa" in methods.amr) == (methods.acr in ("mfa", "phr"))
