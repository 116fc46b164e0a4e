"""Which names say that what they hold is secret, and what of a text is withheld by them."""

from __future__ import annotations

import string
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade import secret_names
from stockade.redaction import redact_path
from stockade.secret_names import gives_secret, mentions_secret, names_kept_secret, names_secret, redact_fields

SECRET = """
password Password newPassword password2 passwd pwd user[pass] passphrase db.secret client_secret clientSecret token
access_token refreshToken X-API-Key apikey API_KEY APIKey accessKeyId private_key privateKeyPem jwt sid session
PHPSESSID JSESSIONID session_id otp totp_code pin userPIN PINCode cvv cvc2 card_number cardNumber ccnum Authorization
Proxy-Authorization Cookie Set-Cookie credential credentials.value code_verifier code security_code csrf XSRF-TOKEN
X-Amz-Signature json.users.array_0.password json.passwords.array_1 p%61ssword Passwort пароль
"""
PLAIN = """
user name email note comment passage compass spin pinnacle inside resident residence shipping coverage code_of_conduct
country_code order_id key_result panel Content-Type User-Agent Accept If-None-Match json.items.array_0.text authors
"""


@pytest.mark.parametrize("name", SECRET.split())
def test_a_name_says_so(name: str) -> None:
    assert names_secret(name)
    assert mentions_secret(f'{{"a": 1, "{name}": "x"}}') or name == "code"
    assert gives_secret(f'{{"a": 1, "{name}": "x"}}')
    assert redact_fields(f"a=1&{name}=kanari") == f"a=1&{name}=…(6)"


@pytest.mark.parametrize("name", PLAIN.split())
def test_a_name_does_not(name: str) -> None:
    assert not names_secret(name)
    assert not gives_secret(f'{{"a": 1, "{name}": "x"}}')
    assert redact_fields(f"a=1&{name}=kanari") == f"a=1&{name}=kanari"


def test_every_such_name_has_what_texts_are_searched_for() -> None:
    hints = secret_names._HINTS
    assert [word for word in (*secret_names._STEMS, *secret_names._WORDS) if not any(h in word for h in hints)] == []


@pytest.mark.parametrize(
    "text",
    [
        "password='x'",
        "{'pin' : 1}",
        '{"credentials":{"a":1}}',
        '{\\"password\\":\\"x\\"}',
        "login(password: $p)",
        "<password>x",
        "<s:Secret >x",
        "<user pin='1'/>",
        "https://x.example/?access_token=1",
        "p%61ssword=x",
        "x;jsessionid=1",
    ],
)
def test_a_text_gives_one_a_value(text: str) -> None:
    assert gives_secret(text)


def test_the_attack_that_asks_for_passwords_gives_none() -> None:
    assert not gives_secret("1' UNION SELECT username, password FROM users --")


def test_what_is_kept_is_less_than_what_is_secret() -> None:
    assert [name for name in SECRET.split() if names_kept_secret(name)] == [
        *("password", "Password", "newPassword", "password2", "passwd", "passphrase", "db.secret", "client_secret"),
        *("clientSecret", "private_key", "cvv", "cvc2", "json.users.array_0.password"),
    ]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/orders;jsessionid=4711/7", "/orders;jsessionid=…(4)/7"),
        ("/cb?s=1&code=abc/d", "/cb?s=1&code=…(5)"),
        ("/a=b/c", "/a=b/c"),
    ],
)
def test_a_path_shows_no_secret_parameter(path: str, shown: str) -> None:
    assert redact_path(path) == shown


@given(st.sampled_from(["password", "apiKey", "otp"]), st.text(string.printable.replace("&", ""), min_size=1))
def test_all_of_a_value_is_withheld(name: str, value: str) -> None:
    value = value.replace("\n", "")
    assert redact_fields(f"/x?a=1&{name}=kanari{value}kanari&b=2").count("kanari") == 0


@given(st.text())
def test_no_text_is_too_odd(text: str) -> None:
    assert isinstance(redact_fields(text), str)
    assert gives_secret(text) in (True, False)
    assert mentions_secret(text) in (True, False)


@pytest.mark.parametrize("piece", ["a", "a.", "key=", "<", "pass ", '"', 'key"\\', "key   ", "[", "%", "aA", "ké"])
def test_no_text_takes_long(piece: str) -> None:
    text = "key=" + piece * 60_000
    begun = process_time()
    gives_secret(text)
    mentions_secret(text)
    redact_fields(text)
    assert process_time() - begun < 3
