"""What a way of authenticating must offer."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from stockade.vocabulary import Asking, Exchange, Principal
from stockade.wire import Request


class Refused(Struct, frozen=True, gc=False):
    """A credential was sent and is not good. `reason` is for the log; the client learns only that it failed.

    Unless `error` says more: an error code that the scheme's own standard tells the client (RFC 6750, section 3.1).
    status: of the answer where this scheme's credential is the only one. fields: header fields to add to it.
    """

    reason: str
    where: str
    evidence: str = ""
    error: str = ""
    status: int = 401
    fields: tuple[tuple[str, str], ...] = ()
    scheme: str = ""  # of the authorization header that brought it, where the challenge must know


class Pending(Struct, frozen=True, gc=False):
    """The head is as it should be, and the body must prove the rest (see BodyScheme)."""

    principal: Principal


class Scheme(Protocol):
    """One way to authenticate."""

    @property
    def carriers(self) -> tuple[str, ...]:
        """The headers that carry the credential, lower case; none where the connection does."""

    @property
    def forward(self) -> bool:
        """Whether the upstream gets to see it."""

    def describe(self) -> str:
        """The kind of credential and where it is read."""

    def find(self, request: Request) -> str | None:
        """The credential that this scheme should judge; None when the request has none of its kind."""

    def verify(self, credential: str, exchange: Exchange) -> Asking[Principal | Pending | Refused]:
        """Judge it."""

    def challenges(self, realm: str, refused: Refused | None) -> tuple[str, ...]:
        """The challenges for `WWW-Authenticate` (RFC 9110, section 11.6.1); `refused` where it was tried."""


class BodyScheme(Scheme, Protocol):
    """One whose credential the body proves, wholly or in part."""

    def verify_body(self, exchange: Exchange) -> Asking[Refused | None]:
        """None when `exchange.request_body` is what the credential says."""
