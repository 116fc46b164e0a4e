"""argon2id: matched, found out of date, and refused where a stored text asks for too much."""

from __future__ import annotations

import pytest

from stockade.passwords import Argon2, BadHash

CHEAP = Argon2(memory=8192, passes=1)
SALT = b"0123456789abcdef"


def test_a_hash_is_of_one_password():
    encoded = CHEAP.hash("open sesame", SALT)
    assert encoded.startswith("$argon2id$v=19$m=8192,t=1,p=1$")
    assert CHEAP.matches(encoded, "open sesame")
    assert not CHEAP.matches(encoded, "open sesamE")
    assert not CHEAP.matches(encoded, "")


def test_other_parameters_match_and_are_out_of_date():
    old = Argon2(memory=8192, passes=2).hash("open sesame", SALT)
    assert CHEAP.matches(old, "open sesame")
    assert CHEAP.outdated(old)
    assert not CHEAP.outdated(CHEAP.hash("x", SALT))


def test_nobody_is_never_let_in():
    CHEAP.waste("open sesame")
    CHEAP.waste("")


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        "plain",
        "$2b$12$abcdefghijklmnopqrstuv",
        "$argon2i$v=19$m=8192,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$bJ5Y2Qy3bQ",
        "$argon2id$v=19$m=4194304,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$bJ5Y2Qy3bQbJ5Y2Qy3bQ",
        "$argon2id$v=19$m=8192,t=4000000,p=1$MDEyMzQ1Njc4OWFiY2RlZg$bJ5Y2Qy3bQbJ5Y2Qy3bQ",
        "$argon2id$v=19$m=8192,t=1,p=1$!$!",
        "$argon2id$v=19$m=x,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$bJ5Y2Qy3bQ",
        "$argon2id$v=19$m=8192$MDEyMzQ1Njc4OWFiY2RlZg$bJ5Y2Qy3bQ",
    ],
)
def test_stored_texts_that_are_no_hash_of_ours(encoded):
    with pytest.raises(BadHash):
        CHEAP.matches(encoded, "open sesame")
