"""`Refusal`: what a client is told when it gets nothing (RFC 6749, section 5.2)."""

from __future__ import annotations


class Refusal(Exception):
    """error: a code of the standards. text: ours, fixed, for the client's developer. status: of the HTTP response.

    challenge: value of WWW-Authenticate; empty for none. fields: further headers.
    """

    def __init__(
        self,
        error: str,
        text: str,
        status: int = 400,
        *,
        challenge: str = "",
        fields: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(f"{error}: {text}")
        self.error = error
        self.text = text
        self.status = status
        self.challenge = challenge
        self.fields = fields
