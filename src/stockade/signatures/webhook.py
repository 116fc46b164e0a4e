"""Webhooks: a body, signed by its sender with a shared secret, in the styles in which senders do it."""

from __future__ import annotations

import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from stockade.wire import Headers

MAX_SIGNATURES: Final = 8  # of one message: senders send several while a secret is rotated
_hex = re.compile(r"[0-9a-f]{64}").fullmatch
_seconds = re.compile(r"[0-9]{1,12}").fullmatch

# The headers of each style, the one with the signature first.
STYLES: Final = {
    "stripe": ("stripe-signature",),
    "github": ("x-hub-signature-256",),
    "standard": ("webhook-signature", "webhook-id", "webhook-timestamp"),
}


class WebhookSignature(Struct, frozen=True):
    """What a webhook says of itself. sent: epoch seconds, None where the style has no time. prefix: signed before the
    body. signatures: HMAC-SHA256, any one of which is enough. id: of the message, empty where it has none."""

    sent: float | None
    prefix: bytes
    signatures: tuple[bytes, ...]
    id: str = ""

    def is_by(self, secrets: tuple[bytes, ...], body: bytes) -> bool:
        """Whether one of the secrets signed it; the work does not tell which came close."""
        found = False
        for secret in secrets:
            mac = hmac.digest(secret, self.prefix + body, "sha256")
            for signature in self.signatures:
                found |= hmac.compare_digest(mac, signature)
        return found


def read_webhook(style: str, headers: Headers) -> WebhookSignature | None:
    """None for what is not written as that style has it."""
    lines = [headers.all(name) for name in STYLES[style]]
    if any(len(line) != 1 or len(line[0]) > 4096 for line in lines):
        return None
    return _READERS[style](*(line[0] for line in lines))


def _read_stripe(field: str) -> WebhookSignature | None:
    """t=1492774577,v1=5257a869e7…,v0=…"""
    pairs = [part.strip().partition("=") for part in field.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    found = [value for name, _, value in pairs if name == "v1"]
    if len(times) != 1 or not _seconds(times[0]) or not 0 < len(found) <= MAX_SIGNATURES or not all(map(_hex, found)):
        return None
    return WebhookSignature(float(times[0]), f"{times[0]}.".encode(), tuple(map(bytes.fromhex, found)))


def _read_github(field: str) -> WebhookSignature | None:
    """sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"""
    name, _, value = field.partition("=")
    if name != "sha256" or not _hex(value):
        return None
    return WebhookSignature(None, b"", (bytes.fromhex(value),))


def _read_standard(field: str, message: str, sent: str) -> WebhookSignature | None:
    """Standard Webhooks: v1,g0hM9SsE… v1,…"""
    found = [text.removeprefix("v1,") for text in field.split(" ") if text.startswith("v1,")]
    if not _seconds(sent) or not 0 < len(found) <= MAX_SIGNATURES or not 0 < len(message) <= 256 or "." in message:
        return None
    try:
        signatures = tuple(b64decode(text, validate=True) for text in found)
    except ValueError:
        return None
    if [b64encode(value).decode() for value in signatures] != found:
        return None
    return WebhookSignature(float(sent), f"{message}.{sent}.".encode("utf-8", "replace"), signatures, message)


_READERS: Final[dict[str, Callable[..., WebhookSignature | None]]] = {
    "stripe": _read_stripe,
    "github": _read_github,
    "standard": _read_standard,
}
