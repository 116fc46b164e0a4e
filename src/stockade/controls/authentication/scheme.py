"""What a way of authenticating must offer."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from stockade.vocabulary import Asking, Exchange, Principal
from stockade.wire import Headers


class Refused(Struct, frozen=True, gc=False):
    """A credential was sent and is not good. `reason` is for the log; the client learns only that it failed."""

    reason: str
    where: str
    evidence: str = ""


class Scheme(Protocol):
    """One entry of `any_of`. `forward` says whether the upstream gets to see the credential."""

    carrier: str  # the header that carries it, lower case
    forward: bool

    def describe(self) -> str:
        """The kind of credential and where it is read."""

    def find(self, headers: Headers) -> str | None:
        """The credential that this scheme should judge; None when the request has none of its kind."""

    def verify(self, credential: str, exchange: Exchange) -> Asking[Principal | Refused]:
        """Judge it."""

    def challenge(self, realm: str, refused: bool) -> str:
        """The challenge for `WWW-Authenticate` (RFC 9110, section 11.6.1)."""
