"""`Service`: what every endpoint of the token service uses, and who does what.

authenticating   who the client is              binding     to whom a token is bound
token_endpoint   which grant is asked for       exchanging  grants that end at the token endpoint
devices          the device flow                issuing     tokens, and what is kept of them
inspecting       introspection and revocation   authorizing what a browser sees, by way of tickets and pages
signing          the signing keys               guesses     what a wrong secret or code costs
trail            what happened
app              HTTP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from stockade.controls.authentication import Lockout
from stockade.grants import PATHS, metadata
from stockade.grants.clients import CLIENT_SUBJECT
from stockade.identity.service.assertions import ALGORITHMS
from stockade.identity.service.guesses import Guesses
from stockade.identity.service.secrets import Digests
from stockade.identity.service.settings import Settings
from stockade.identity.service.signing import SigningKeys
from stockade.identity.service.trail import Trail
from stockade.stores import Counters
from stockade.stores.clients import ClientStore
from stockade.stores.events import Event
from stockade.stores.tokens import TokenStore
from stockade.tokens import DPOP_ALGORITHMS

if TYPE_CHECKING:
    from stockade.identity.passkeys import Challenge
    from stockade.second_factors.methods import Proof


class Person(Protocol):
    """A user. scopes, roles: what the user may do. factors: whether a second factor is asked for."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def scopes(self) -> frozenset[str]: ...
    @property
    def roles(self) -> frozenset[str]: ...
    @property
    def factors(self) -> bool: ...


class People(Protocol):
    """Who can log in; see `people`."""

    def verify(self, name: str, password: str, at: float, *, address: str = "") -> Person | None:
        """None for a wrong name or password alike, after the same work. Raises TooMany."""

    def get(self, user_id: str, at: float) -> Person | None:
        """None for one who may not log in any more."""

    def check_factor(self, user_id: str, code: str, at: float) -> str | None:
        """The method that was used (RFC 8176), such as "otp"; None for a wrong code. Raises TooMany."""

    def challenge(self, user_id: str, at: float) -> Challenge | None:
        """For a passkey of the user; None where there is none to be shown."""

    def check_passkey(self, user_id: str, challenge_id: str, answer: str, at: float) -> Proof | None:
        """What was proven; None for an answer that proves nothing. The challenge is over either way."""

    def begin_passkey(self, user_id: str, at: float) -> Challenge | None:
        """For a new passkey of the user; None where there may be none, or no more."""

    def add_passkey(self, user_id: str, challenge_id: str, answer: str, label: str, at: float) -> bool:
        """Whether it was added. The challenge is over either way."""


class Service:
    """All of it is used by several threads at once."""

    def __init__(
        self,
        settings: Settings,
        clients: ClientStore,
        tokens: TokenStore,
        keys: SigningKeys,
        digests: Digests,
        people: People | None = None,
        *,
        counters: Counters | None = None,
        lockout: Lockout | None = None,
        trail: Trail | None = None,
    ) -> None:
        """counters, lockout: of wrong guesses, which count with those of the request path where it has the same.
        trail: what is told of it all; None: nothing is.
        """
        self.settings = settings
        self.clients = clients
        self.tokens = tokens
        self.keys = keys
        self.digests = digests
        self.people = people
        self.guesses = Guesses(digests.guesses, counters or Counters(), lockout or Lockout())
        self.trail = trail
        self.names = frozenset({settings.issuer, settings.base + PATHS["token_endpoint"]})

    def note(
        self, event: str, at: float, *, client: str = "", user: str = "", address: str = "", detail: str = ""
    ) -> None:
        """What is rare, or cost its maker much: written at once."""
        if self.trail is not None:
            self.trail.now(Event(at, event, client, user, address, detail))

    def count(
        self, event: str, at: float, *, client: str = "", user: str = "", address: str = "", detail: str = ""
    ) -> None:
        """What anybody can bring about at will."""
        if self.trail is not None:
            self.trail.count(Event(at, event, client, user, address, detail))

    def first_use(self, text: str, until: float) -> bool:
        """Whether the text was never used before, over all processes; remembered until then."""
        return self.tokens.first_use(self.digests.once(text), until)

    def user(self, user_id: str, at: float) -> Person | None:
        """Who may log in. An id that could be taken for a client's is nobody's."""
        if self.people is None or user_id.startswith(CLIENT_SUBJECT):
            return None
        return self.people.get(user_id, at)

    def metadata(self) -> dict[str, Any]:
        return metadata(
            self.settings.issuer,
            users=self.people is not None,
            assertion_algorithms=ALGORITHMS,
            dpop_algorithms=DPOP_ALGORITHMS,
            signing=self.settings.algorithm,
        )

    def keep_house(self, at: float) -> None:
        """To be called every few seconds: keys that are due, rows that are over."""
        self.keys.ensure(at)
        self.tokens.forget(at)
        if self.trail is not None:
            self.trail.keep_house(at)
