"""Names of fields that say that what they hold is secret: the one list of them, for whoever must withhold a value.

A name is taken apart into words, whatever joins them (`client_secret`, `clientSecret`, `client[secret]`,
`json.client.secret`): a name within a secret one is secret as well, since nobody says what else stands there.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote_plus

# What no API sends out: nobody but who sets them has any business with them.
_KEPT = ("password", "passwd", "passphrase", "passwordhash", "secret", "privatekey", "ssn", "cvv", "cvc")
# Found anywhere in a name, the joints left out.
_STEMS = (
    *("password", "passwd", "passphrase", "passcode", "passwort", "kennwort", "contrasena", "contraseña"),
    *("motdepasse", "wachtwoord", "пароль", "secret", "token", "credential", "authorization", "jwt"),
    *("apikey", "accesskey", "privatekey", "secretkey", "signingkey", "encryptionkey", "masterkey", "licensekey"),
    *("cardnumber", "cardno", "cardnum", "ccnumber", "ccnum", "creditcard", "sessionid", "sessid", "sessionkey"),
    *("codeverifier", "authcode", "securitycode", "verificationcode", "recoverycode", "backupcode", "accesscode"),
    *("onetimecode", "smscode", "devicecode", "usercode", "resetcode", "activationcode", "confirmationcode"),
    *("clientassertion", "samlresponse", "securityanswer", "seedphrase", "mnemonic"),
)
# Too short for that: words of their own.
_WORDS = frozenset(
    {
        *("pwd", "pass", "pw", "psw", "mdp", "senha", "pin", "otp", "totp", "hotp", "mfa", "cvv", "cvc", "csc", "cvn"),
        *("pan", "ssn", "auth", "bearer", "session", "sid", "cookie", "cookies", "csrf", "xsrf", "assertion"),
        *("signature", "sig", "hmac"),
    }
)
_WHOLE = frozenset({"code"})  # of a grant, where nothing else stands in the name
# Without one of these in it, a text has none of those names, however their words are joined.
_HINTS = (
    *("pass", "pw", "psw", "mdp", "wort", "contras", "senha", "wacht", "пароль", "secret", "token", "cred", "auth"),
    *("jwt", "key", "card", "cc", "sess", "sid", "code", "assertion", "saml", "answer", "phrase", "mnemonic", "pin"),
    *("otp", "mfa", "cv", "csc", "pan", "ssn", "bearer", "cookie", "csrf", "xsrf", "sig", "hmac"),
)
_LONG = 256  # characters of a name that is not remembered

# "userPIN", "APIKey": where one word ends and the next begins.
_split = re.compile(r"(?<=[^\W\dA-Z_])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][^\W\dA-Z_])").sub
_words = re.compile(r"[^\W\d_]+").findall
# A field in a text of whatever language: a name, and an equals sign or a colon behind it; then what they give it.
_FIELD = re.compile(
    r"""(?<![\w.%\[\]$@-])(?P<name>[\w.%\[$@-][\w.%\[\]$@-]*+)(?:\\?["'`\]])*+\s{0,8}(?:=|:|%3[dDaA])>?\s{0,8}"""
)
_VALUE = re.compile(r""" "(?:[^"\\]|\\.)*" (?=[\s,;&}\])]|\Z) | [^&\n]* """, re.DOTALL | re.VERBOSE)
# The same in XML, where names stand in elements and attributes.
_ELEMENT = re.compile(r"<\s{0,8}([\w.:-]{1,128})")


def names_secret(name: str) -> bool:
    """Whether a field of this name holds a secret, or is within one that does.

    >>> names_secret("json.user.newPassword"), names_secret("passage"), names_secret("X-API-Key")
    (True, False, True)
    """
    return _remembered(name) if len(name) <= _LONG else _names_secret(name)


def _names_secret(name: str) -> bool:
    words = _parted(unquote_plus(name) if "%" in name else name)
    joined = "".join(words)
    return joined in _WHOLE or any(stem in joined for stem in _STEMS) or not _WORDS.isdisjoint(words)


_remembered = lru_cache(maxsize=4096)(_names_secret)


def names_kept_secret(name: str) -> bool:
    """Whether the name is one of a secret that nobody is ever sent: a password rather than a token.

    >>> names_kept_secret("clientSecret"), names_kept_secret("access_token"), names_kept_secret("password_changed")
    (True, False, False)
    """
    words = _parted(name)
    return any("".join(words[-count:]) in _KEPT for count in (1, 2) if count <= len(words))


def _parted(name: str) -> list[str]:
    return [word.lower() for word in _words(_split(" ", name))]


def mentions_secret(text: str) -> bool:
    """Whether a text has the name of such a field anywhere: of one whose language is not known."""
    if _may_name(text) and names_secret(text):
        return True
    return "%" in text and names_secret(unquote_plus(text))


def gives_secret(text: str) -> bool:
    """Whether a text gives such a field a value: `password=…`, `"pin": …`, `<secret>…`."""
    if "%" not in text and not _may_name(text):
        return False
    if any(names_secret(found["name"]) for found in _FIELD.finditer(text)):
        return True
    return any(names_secret(name) for name in _ELEMENT.findall(text))


def _may_name(text: str) -> bool:
    lowered = text.lower()
    return any(hint in lowered for hint in _HINTS)


def redact_fields(text: str) -> str:
    """The text with what it gives such fields withheld.

    >>> redact_fields('state=1&access_token=abc {"pin": "1234"}')
    'state=1&access_token=…(3) {"pin": …(6)}'
    """
    parts, start = [], 0
    for found in _FIELD.finditer(text):
        if found.start() >= start and names_secret(found["name"]):
            value = _VALUE.match(text, found.end())
            assert value is not None  # it matches nothing, too
            parts += [text[start : found.end()], withheld(value[0])]
            start = value.end()
    return "".join([*parts, text[start:]]) if parts else text


def withheld(value: str | bytes) -> str:
    """What is shown of a secret: its length, in characters or bytes."""
    return f"…({len(value)})" if value else ""
