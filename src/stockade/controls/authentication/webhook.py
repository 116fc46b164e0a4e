"""Webhooks whose sender signs the body with a shared secret."""

from __future__ import annotations

from stockade.controls.authentication.scheme import Pending, Refused
from stockade.signatures import STYLES, read_webhook
from stockade.vocabulary import Asking, Exchange, Principal, TakeQuota, Tokens
from stockade.wire import Request


class Webhooks:
    """sender: the principal. secrets: any of them; several while one is rotated. tolerance: seconds of age."""

    def __init__(
        self, *, style: str, sender: str, secrets: tuple[bytes, ...], tolerance: float = 300.0, forward: bool = True
    ) -> None:
        self.forward = forward
        self.carriers = STYLES[style][:1]
        self._style = style
        self._sender = sender
        self._secrets = secrets
        self._tolerance = tolerance
        self._where = f"header:{self.carriers[0]}"

    def describe(self) -> str:
        return f"webhook of {self._sender} ({self._style} style)"

    def find(self, request: Request) -> str | None:
        return request.headers.get(self.carriers[0])

    def verify(self, credential: str, exchange: Exchange) -> Asking[Pending | Refused]:  # noqa: ARG002 - a Scheme's
        """What the head can tell: it is well written and fresh."""
        found = read_webhook(self._style, exchange.request.headers)
        if found is None:
            return Refused("webhook-malformed", self._where)
        if found.sent is not None and not abs(exchange.request.at - found.sent) <= self._tolerance:
            return Refused("webhook-expired", self._where)
        return Pending(Principal(self._sender, "webhook", found.id))
        yield  # a generator, as a Scheme's

    def verify_body(self, exchange: Exchange) -> Asking[Refused | None]:
        found = read_webhook(self._style, exchange.request.headers)
        if found is None or not found.is_by(self._secrets, exchange.request_body):
            return Refused("webhook-wrong-signature", self._where)
        if found.id and found.sent is not None:  # a message that has an id is taken once while it is fresh
            start, end = int(found.sent - self._tolerance) - 1, int(found.sent + self._tolerance) + 2
            first: Tokens = yield TakeQuota(f"webhook:{self._sender}:{found.id}", 1, start, end, exchange.request.at)
            if not first.allowed:
                return Refused("webhook-replayed", self._where)
        return None

    def challenges(self, realm: str, refused: Refused | None) -> tuple[str, ...]:  # noqa: ARG002 - a Scheme's
        return (f'Webhook realm="{realm}", style="{self._style}"',)
