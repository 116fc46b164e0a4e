"""argon2id: matched, found out of date, and refused where a stored text asks for too much."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher, extract_parameters

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


@pytest.mark.parametrize("password", ["open sesame", ""])
def test_the_work_for_nobody_is_that_for_somebody(monkeypatch, password):
    """The same function of argon2 with the same parameters and the same length; `stores` says that it is false."""
    asked = []
    verify = PasswordHasher.verify

    def watched(self, encoded, given):
        asked.append((encoded, given))
        return verify(self, encoded, given)

    monkeypatch.setattr(PasswordHasher, "verify", watched)
    argon2 = Argon2(memory=8192, passes=1)
    kept = argon2.hash("secret", SALT)
    assert not argon2.matches(kept, password)
    argon2.waste(password)
    (somebodys, given), (nobodys, wasted) = asked
    assert extract_parameters(nobodys) == extract_parameters(somebodys)
    assert len(nobodys) == len(somebodys)
    assert wasted == given == password.encode()


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
