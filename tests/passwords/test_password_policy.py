"""What a good password is: long, hard to guess, not breached, not one of before; all that is wrong said at once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.passwords import PasswordPolicy
from stockade.passwords.strength import strength_of

GOOD = "correct horse battery staple"


def rules(password: str, policy: PasswordPolicy | None = None, **fields) -> list[str]:
    return [fault.rule for fault in (policy or PasswordPolicy()).faults(password, **fields)]


@pytest.mark.parametrize(
    ("password", "found"),
    [
        (GOOD, []),
        ("grüner Käse fliegt übers Meer", []),
        ("長い合言葉は良い合言葉です、とても良い", []),
        ("short", ["too-short", "guessable"]),
        ("passwordpassword", ["guessable"]),
        ("aaaaaaaaaaaaaaaaaaaa", ["guessable"]),
        ("qwertyuiopasdfgh", ["guessable"]),
        ("alice-2026-alice", ["name"]),
        ("", ["too-short", "guessable"]),
        (GOOD + "\n", ["malformed"]),
        ("x" * 2000, ["malformed"]),
        (GOOD * 12, ["too-long"]),
    ],
    ids=lambda value: repr(value)[:24] if isinstance(value, str) else "",
)
def test_faults(password, found):
    assert rules(password, words=["alice"]) == found


def test_no_rule_of_composition():
    """NIST SP 800-63B-4, section 3.1.1.2: verifiers shall not impose them."""
    assert rules("lowercase letters and blanks only") == []


def test_eight_are_enough_where_the_operator_says_so():
    assert rules("kx9#qLv2", PasswordPolicy(length=8, strength=2)) == []


def test_a_password_that_came_before():
    assert rules(GOOD, used_before=lambda password: password == GOOD) == ["used-before"]


def test_costly_questions_come_last():
    asked: list[str] = []
    rules("short", used_before=lambda password: asked.append(password) is not None)  # type: ignore[func-returns-value]
    assert asked == []


def test_a_breached_password_is_refused_with_all_else():
    faults = PasswordPolicy().faults("password1", breached=lambda password: 2_413_945)
    assert [fault.rule for fault in faults] == ["too-short", "guessable", "breached"]
    assert "2413945 times" in faults[2].text


def test_what_cannot_be_asked_is_not_good():
    def down(password: str) -> int:
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - as it came
        PasswordPolicy().faults(GOOD, breached=down)


def test_nothing_tells_the_password():
    for password in ("hunter2hunter2", "tr0ub4dor&3"):
        assert not any(password in fault.text for fault in PasswordPolicy().faults(password))


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=400))
def test_anything_can_be_judged(password):
    PasswordPolicy().faults(password, words=["alice"])
    assert 0 <= strength_of(password).score <= 4


@pytest.mark.parametrize("text", ["a" * 1024, "aA1!" * 256, "0123456789" * 100, "qwerty" * 170, "é" * 1024])
def test_long_ones_take_no_longer(text):
    """zxcvbn's work grows with the square of the length; it is shown 72 characters."""
    assert strength_of(text) == strength_of(text[:72])
