"""Password hashes: bcrypt, Argon2, scrypt, yescrypt, crypt (MD5, SHA-256, SHA-512, apr1), phpass, PBKDF2 (passlib,
Django, Werkzeug), LDAP's `{SSHA}` family (RFC 2307), MySQL; and bare digests (MD5, SHA-1, SHA-2, in hexadecimal) that
a name such as `password_hash` tells. A digest without such a name is none: ETags, commits and checksums look the same.
"""

from __future__ import annotations

from typing import Any

from stockade.detectors.detector import Detector, Span, Trigger, Window, pattern, precedes_word, start_at

_SALT = rb"(?:[./A-Za-z0-9]|\\/)"
_BASE64 = rb"(?:[A-Za-z0-9+/=._-]|\\/)"
_MODULAR = pattern(
    rb"\$2[abxy]?\$[0-3]\d\$" + _SALT + rb"{53}"
    rb"|\$argon2(?:id|i|d)\$(?:v=\d{1,3}\$)?m=\d{1,9},t=\d{1,6},p=\d{1,4}\$"
    + _BASE64
    + rb"{8,120}\$"
    + _BASE64
    + rb"{16,200}"
    rb"|\$scrypt\$ln=\d{1,2},r=\d{1,4},p=\d{1,4}\$" + _BASE64 + rb"{8,120}\$" + _BASE64 + rb"{16,200}"
    rb"|\$s[01]\$[0-9a-f]{5,8}\$" + _BASE64 + rb"{8,120}\$" + _BASE64 + rb"{16,200}"
    rb"|\$7\$" + _SALT + rb"{11,100}\$" + _SALT + rb"{43}"
    rb"|\$g?y\$[./A-Za-z0-9]{1,12}\$" + _SALT + rb"{1,86}\$" + _SALT + rb"{43}"
    rb"|\$(?:1|apr1)\$" + _SALT + rb"{1,8}\$" + _SALT + rb"{22}"
    rb"|\$5\$(?:rounds=\d{1,9}\$)?" + _SALT + rb"{1,16}\$" + _SALT + rb"{43}"
    rb"|\$6\$(?:rounds=\d{1,9}\$)?" + _SALT + rb"{1,16}\$" + _SALT + rb"{86}"
    rb"|\$[PH]\$" + _SALT + rb"{31}"
    rb"|\$pbkdf2(?:-sha(?:1|256|512))?\$\d{1,9}\$" + _BASE64 + rb"{8,120}\$" + _BASE64 + rb"{20,200}"
)
_DJANGO = pattern(rb"(?:pbkdf2_sha(?:1|256|512)|scrypt|argon2|bcrypt(?:_sha256)?|md5|sha1)\$[^\s\"'<>,]{20,300}")
_WERKZEUG = pattern(
    rb"(?:pbkdf2:sha(?:1|256|512):\d{1,9}|scrypt:\d{1,9}:\d{1,3}:\d{1,3})\$[A-Za-z0-9./]{1,64}\$[0-9a-f]{40,128}"
)
_LDAP = pattern(
    rb"\{(?:S?MD5|S?SHA|S?SHA(?:224|256|384|512)|CRYPT|PBKDF2(?:-SHA\d{1,3})?|ARGON2)\}[A-Za-z0-9+/=$.\\,]{16,300}"
)
_MYSQL = pattern(rb"\*[0-9A-F]{40}")
_DIGEST = pattern(rb"[0-9a-fA-F]+")
_DIGEST_LENGTHS = frozenset({32, 40, 56, 64, 96, 128})


def _match(shape: Any, window: Window, start: int) -> Span | None:
    found = shape.match(window.data, start, window.stop) if start >= 0 else None
    if found is None or precedes_word(window.data, found.end(), window.stop):
        return None
    return start, found.end()


def _confirm_modular(window: Window) -> Span | None:
    """The trigger ends with the second dollar sign."""
    first = window.data.rfind(b"$", window.low, window.at - 1)
    return _match(_MODULAR, window, first)


def _confirm_django(window: Window) -> Span | None:
    for name in (b"pbkdf2_", b"bcrypt", b"argon2", b"scrypt", b"sha1", b"md5"):
        start = window.data.rfind(name, max(window.low, window.at - 16), window.at)
        if start >= 0:
            return _match(_DJANGO, window, start)
    return None


def _confirm_werkzeug(window: Window) -> Span | None:
    return _match(_WERKZEUG, window, max(start_at(window, b"pbkdf2:"), start_at(window, b"scrypt:")))


def _confirm_ldap(window: Window) -> Span | None:
    return _match(_LDAP, window, start_at(window, b"{"))


def _confirm_mysql(window: Window) -> Span | None:
    return _match(_MYSQL, window, start_at(window, b"*"))


def _confirm_digest(window: Window) -> Span | None:
    start = window.at - 32
    span = _match(_DIGEST, window, start)
    return span if span is not None and span[1] - span[0] in _DIGEST_LENGTHS else None


PASSWORD_HASHES = Detector(
    "password_hashes",
    (
        Trigger(
            rb"\$(?:2[abxy]?|argon2(?:id|i|d)|scrypt|s[01]|[1567]|g?y|apr1|pbkdf2(?:-sha\d{1,3})?|[PH])\$",
            _confirm_modular,
            after=700,
        ),
        Trigger(rb"(?:pbkdf2_sha\d{1,3}|bcrypt(?:_sha256)?|scrypt|argon2|md5|sha1)\$", _confirm_django, after=400),
        Trigger(rb"(?:pbkdf2:sha\d|scrypt:\d)", _confirm_werkzeug, after=300),
        Trigger(rb"\{(?:S?MD5|S?SHA\d{0,3}|CRYPT|PBKDF2(?:-SHA\d{1,3})?|ARGON2)\}", _confirm_ldap, after=400),
        Trigger(rb"\*[0-9A-F]{40}", _confirm_mysql, after=8),
        Trigger(
            rb"""(?:pass(?:word|wd|_?phrase)?|pwd)[a-z0-9_-]{0,16}["'\\]{0,2}(?:\s?[:=]\s?|>)["'\\]{0,2}[0-9a-f]{32}""",
            _confirm_digest,
            after=128,
            caseless=True,
        ),
    ),
    "critical",
    "mask",
    "password hashes",
)
