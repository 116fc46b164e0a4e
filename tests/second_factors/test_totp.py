"""One-time passcodes: the vectors of RFC 6238, drift, and no code twice."""

from __future__ import annotations

from base64 import b32decode
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.second_factors import TotpRules, make_secret, provisioning_uri, step_of

SEED = b"12345678901234567890"
SEEDS = {"sha1": SEED, "sha256": (SEED * 2)[:32], "sha512": (SEED * 4)[:64]}  # as the code in appendix A has them
VECTORS = [  # RFC 6238, appendix B
    (59, "94287082", "46119246", "90693936"),
    (1111111109, "07081804", "68084774", "25091201"),
    (1111111111, "14050471", "67062674", "99943326"),
    (1234567890, "89005924", "91819424", "93441116"),
    (2000000000, "69279037", "90698825", "38618901"),
    (20000000000, "65353130", "77737706", "47863826"),
]
CASES = [
    (at, algorithm, code)
    for at, *codes in VECTORS
    for algorithm, code in zip(("sha1", "sha256", "sha512"), codes, strict=True)
]


@pytest.mark.parametrize(("at", "algorithm", "code"), CASES)
def test_vectors(at, algorithm, code):
    rules = TotpRules(digits=8, algorithm=algorithm, window=0)
    assert step_of(SEEDS[algorithm], code, at, rules=rules) == at // 30
    assert step_of(SEEDS[algorithm], code, at + 30, rules=rules) is None
    assert step_of(SEED + b"x", code, at, rules=rules) is None


def test_all_vectors_ran():
    assert len(CASES) == 18


def test_a_code_is_good_once():
    at = 59
    step = step_of(SEED, "287082", at)
    assert step == 1
    assert step_of(SEED, "287082", at, last=step) is None
    assert step_of(SEED, "287082", at + 25, last=step) is None


@pytest.mark.parametrize(("at", "good"), [(0, True), (30, True), (59, True), (89, True), (90, False), (-1, False)])
def test_a_step_of_drift_is_forgiven(at, good):
    assert (step_of(SEED, "287082", at) is not None) is good


@pytest.mark.parametrize("code", ["", "28708", "2870822", "28708a", "٢٨٧٠٨٢", " 87082", "+87082", "1e5000"])
def test_what_is_no_code(code):
    assert step_of(SEED, code, 59) is None


@given(st.text(max_size=20), st.floats(allow_nan=False))
def test_nothing_is_raised(code, at):
    assert (
        step_of(SEED, code, at) in (None, int(at) // 30 - 1, int(at) // 30, int(at) // 30 + 1)
        if abs(at) < 1e11
        else True
    )
    step_of(SEED, "287082", at)


def test_what_an_app_reads():
    uri = urlsplit(provisioning_uri(SEED, "zoë@example.com", "The Shop"))
    fields = parse_qs(uri.query)
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert b32decode(fields["secret"][0]) == SEED
    assert fields["issuer"] == ["The Shop"]


def test_a_secret_is_long_enough():
    with pytest.raises(ValueError, match="20"):
        make_secret(b"short")
