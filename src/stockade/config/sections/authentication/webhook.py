"""`webhook:` messages that their sender signs with a shared secret."""

from __future__ import annotations

from base64 import b64decode
from typing import Literal

from pydantic import Field, field_validator

from stockade.config.base import Model, Secret
from stockade.config.site import Site
from stockade.config.units import Flag, PositiveDuration
from stockade.controls.authentication import Scheme, Webhooks

_SHORTEST = 16  # bytes of a secret


class WebhookScheme(Model):
    """Webhooks, in the style of Stripe, of GitHub, or of Standard Webhooks."""

    style: Literal["stripe", "github", "standard"]
    secrets: list[Secret] = Field(min_length=1, description="Any of these; two while one is replaced by the other.")
    sender: str = Field("", description="What the sender is called; default: the style.")
    tolerance: PositiveDuration = Field(300.0, description="How old a message may be, where it says its time.")
    forward: Flag = Field(True, description="Whether the upstream gets to see the signature.")

    @field_validator("sender")
    @classmethod
    def _printable(cls, sender: str) -> str:
        if not sender.isprintable():
            raise ValueError("the sender is a printable text")
        return sender


def make_webhook(site: Site, item: WebhookScheme, *place: str | int) -> Scheme | None:
    found: list[bytes] = []
    for index, secret in enumerate(item.secrets):
        data = site.secret(secret, "the secret", *place, "secrets", index)
        if data is None:
            continue
        if item.style == "standard" and data.startswith(b"whsec_"):
            try:
                data = b64decode(data.removeprefix(b"whsec_"), validate=True)
            except ValueError:
                site.problem("after whsec_ the secret must be base64", *place, "secrets", index)
                continue
        if len(data) < _SHORTEST:
            text = f"the secret has {len(data)} bytes; {_SHORTEST} are the least: openssl rand -hex 32"
            site.problem(text, *place, "secrets", index)
        found.append(data)
    if item.style == "github":
        site.warn("messages of this style tell no time: who records one can send it again", *place, "style")
    return Webhooks(
        style=item.style,
        sender=item.sender or item.style,
        secrets=tuple(found),
        tolerance=item.tolerance,
        forward=item.forward,
    )
