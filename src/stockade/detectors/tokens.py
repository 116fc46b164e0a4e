"""Cloud and API tokens, by the prefixes and lengths that their makers document, and by their checksums where they have
one: AWS, Google, Azure, GitHub, GitLab, Slack, Stripe, npm, PyPI, OpenAI, Anthropic, SendGrid, Twilio, DigitalOcean,
Shopify, Square, Hugging Face, HashiCorp Vault, Databricks, Docker, Grafana, Linear, Telegram, Doppler, Stockade;
and passwords in the URLs of databases and brokers. Identifiers that may be public (publishable keys of Stripe, account
numbers) are none.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

from stockade.detectors.detector import Detector, Span, Trigger, Window, follows_word, pattern, precedes_word, start_at

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _shaped(prefix: bytes, shape: bytes, *, after: int = 256, trigger: bytes = b"") -> Trigger:
    """A token that begins with `prefix` and goes on in that shape. trigger: where the prefix is not enough."""
    token = pattern(shape)

    def confirm(window: Window) -> Span | None:
        start = start_at(window, prefix)
        return _whole(token, window, start)

    return Trigger(trigger or _quoted(prefix), confirm, after=after)


def _quoted(text: bytes) -> bytes:
    return b"".join(
        b"\\" + bytes([char]) if not (char in b"_" or bytes([char]).isalnum()) else bytes([char]) for char in text
    )


def _whole(token: Any, window: Window, start: int) -> Span | None:
    data, low, _, stop = window
    if start < 0 or follows_word(data, start, low):
        return None
    found = token.match(data, start, stop)
    if found is None or precedes_word(data, found.end(), stop):
        return None
    return (start, found.end()) if len(set(found[0][-16:])) > 4 else None


def checksum62(random: bytes) -> bytes:
    """The last six characters of a token of GitHub or npm: the CRC-32 of its random part, in base 62."""
    number, text = crc32(random), ""
    while number:
        number, digit = divmod(number, 62)
        text = _BASE62[digit] + text
    return text.rjust(6, "0").encode("ascii")


_CHECKED = pattern(rb"(?:gh[pousr]|npm)_[0-9A-Za-z]{36}")


def _confirm_checked(window: Window) -> Span | None:
    start = window.at - 4
    span = _whole(_CHECKED, window, start)
    if span is None:
        return None
    random = window.data[span[0] + 4 : span[1]]
    return span if checksum62(random[:30]) == random[30:] else None


_AWS_ID = pattern(rb"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}")
_AWS_SAMPLE = pattern(rb"(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}")


def _confirm_aws_id(window: Window) -> Span | None:
    return _whole(_AWS_ID, window, window.at - 4) or _whole(_AWS_SAMPLE, window, window.at - 4)


_AWS_SECRET = pattern(rb"(?:[A-Za-z0-9+/]|\\/){40}")
_AZURE_SECRET = pattern(rb"[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}")
_TELEGRAM = pattern(rb"\d{8,10}:AA[A-Za-z0-9_-]{33}")


def _confirm_aws_secret(window: Window) -> Span | None:
    start = window.at - 16
    found = _AWS_SECRET.match(window.data, start, window.stop)
    if found is None or window.data[found.end() : found.end() + 1].isalnum():
        return None
    return start, found.end()


def _confirm_azure_secret(window: Window) -> Span | None:
    return _whole(_AZURE_SECRET, window, window.at - 6)


def _confirm_telegram(window: Window) -> Span | None:
    for start in range(window.at - 13, window.at - 10):
        span = _whole(_TELEGRAM, window, start) if start >= window.low else None
        if span is not None:
            return span
    return None


_USER_PART = pattern(rb"""//[^\s:/@"'<>\\]{0,64}:([^\s/@"'<>\\]{3,128})@[A-Za-z0-9\[]""")


def _confirm_url(window: Window) -> Span | None:
    found = _USER_PART.match(window.data, window.at - 2, window.stop)
    return found.span(1) if found is not None else None


_STRIPE = (b"sk_live_", b"sk_test_", b"rk_live_", b"rk_test_")
_NAMED = rb"""[a-z_-]{0,16}["'\\]{0,2}\s?[:=]\s?["'\\]{0,2}"""

TOKENS = Detector(
    "tokens",
    (
        Trigger(rb"(?:AKIA|ASIA|ABIA|ACCA)", _confirm_aws_id, after=32),
        Trigger(rb"secret" + _NAMED + rb"[A-Za-z0-9+/]{16}", _confirm_aws_secret, after=96, caseless=True),
        _shaped(b"AIza", rb"AIza[0-9A-Za-z_-]{35}"),
        _shaped(b"GOCSPX-", rb"GOCSPX-[0-9A-Za-z_-]{28}"),
        _shaped(b"ya29.", rb"ya29\.[0-9A-Za-z_-]{40,1000}", after=1100),
        _shaped(b"AccountKey=", rb"AccountKey=(?:[A-Za-z0-9+/]|\\/){86}=="),
        _shaped(b"SharedAccessKey=", rb"SharedAccessKey=(?:[A-Za-z0-9+/]|\\/){43}="),
        Trigger(rb"[A-Za-z0-9_~.]{3}\dQ~", _confirm_azure_secret, after=48),
        Trigger(rb"(?:gh[pousr]|npm)_", _confirm_checked, after=48),
        _shaped(b"github_pat_", rb"github_pat_[0-9A-Za-z]{22}_[0-9A-Za-z]{59}"),
        _shaped(
            b"gl",
            rb"gl(?:pat|dt|rt|ptt|ft|imt|agent|soat|cbt|oas)-[0-9A-Za-z_-]{20,300}",
            trigger=rb"gl(?:pat|dt|rt|ptt|ft|imt|agent|soat|cbt|oas)-",
            after=320,
        ),
        _shaped(b"xox", rb"xox[abeoprs]-(?:\d-)?[0-9A-Za-z]{6,}-[0-9A-Za-z-]{8,200}", trigger=rb"xox[abeoprs]-"),
        _shaped(b"xapp-", rb"xapp-\d-[A-Z0-9]{8,16}-\d{8,16}-[0-9a-f]{32,80}", after=200),
        _shaped(
            b"hooks.slack.com",
            rb"hooks\.slack\.com\\?/services\\?/T[A-Z0-9]{8,12}\\?/B[A-Z0-9]{8,12}\\?/[0-9A-Za-z]{24}",
        ),
        *(_shaped(prefix, prefix + rb"[0-9A-Za-z]{16,250}") for prefix in _STRIPE),
        _shaped(b"whsec_", rb"whsec_[0-9A-Za-z+/]{32,64}=?"),
        _shaped(b"pypi-", rb"pypi-AgE[0-9A-Za-z_-]{60,400}", after=512),
        _shaped(
            b"sk-",
            rb"sk-(?:(?:proj|svcacct|admin|None)-)?[0-9A-Za-z_-]{16,160}T3BlbkFJ[0-9A-Za-z_-]{16,160}",
            after=400,
        ),
        _shaped(b"sk-ant-", rb"sk-ant-[a-z]{3,8}\d{2}-[0-9A-Za-z_-]{80,120}"),
        _shaped(b"SG.", rb"SG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}"),
        _shaped(b"SK", rb"SK[0-9a-f]{32}", trigger=rb"SK[0-9a-f]{8}"),
        _shaped(b"do", rb"do[opr]_v1_[0-9a-f]{64}", trigger=rb"do[opr]_v1_"),
        _shaped(b"shp", rb"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}", trigger=rb"shp(?:at|ca|pa|ss)_"),
        _shaped(b"sq0", rb"sq0(?:atp|csp)-[0-9A-Za-z_-]{22,43}", trigger=rb"sq0(?:atp|csp)-"),
        _shaped(b"hf_", rb"hf_[A-Za-z]{34}"),
        _shaped(b"hvs.", rb"hvs\.[0-9A-Za-z_-]{24,120}"),
        _shaped(b"dapi", rb"dapi[0-9a-f]{32}(?:-\d)?", trigger=rb"dapi[0-9a-f]{4}"),
        _shaped(b"dckr_pat_", rb"dckr_pat_[0-9A-Za-z_-]{27}"),
        _shaped(b"glsa_", rb"glsa_[0-9A-Za-z]{32}_[0-9a-f]{8}"),
        _shaped(b"lin_api_", rb"lin_api_[0-9A-Za-z]{40}"),
        _shaped(b"dp.pt.", rb"dp\.pt\.[0-9A-Za-z]{43}"),
        _shaped(b"stk_", rb"stk_[0-9A-Za-z]{4,64}_[0-9A-Za-z]{16,120}"),
        Trigger(rb"\d{8}:AA", _confirm_telegram, after=48),
        Trigger(
            rb"(?:postgres|postgresql|mysql|mariadb|mongodb|redis|rediss|amqp|amqps|mssql|ftp|smtp|https?)(?:\+[a-z0-9]{1,12})?://",
            _confirm_url,
            after=256,
            caseless=True,
        ),
    ),
    "critical",
    "mask",
    "cloud and API tokens",
)
