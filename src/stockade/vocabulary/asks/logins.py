"""Questions of people who log in: at an issuer, with their sessions, or here, with a password and a second factor."""

from __future__ import annotations

from msgspec import Struct

from stockade.logins import Identity
from stockade.passwords import Place, User
from stockade.tokens import IssuerMetadata
from stockade.vocabulary.asks.question import Ask


class RandomBytes(Ask[bytes], frozen=True, gc=False):
    """So many bytes that nobody can guess."""

    count: int


class FindIssuer(Ask[IssuerMetadata], frozen=True, gc=False):
    """What the issuer says of itself (OpenID Connect Discovery 1.0). party: who asks, by its name."""

    party: str


class LoginSession(Struct, frozen=True, gc=False):
    """A browser that is logged in. ref: names the session, and opens nothing. access_token: empty for none."""

    ref: str
    identity: Identity
    access_token: str = ""

    def __repr__(self) -> str:
        return f"LoginSession({self.ref!r})"


class OpenSession(Ask[str], frozen=True, gc=False):
    """Redeem a code, believe the ID token, begin a session: its secret. A login that is not believed raises BadLogin.

    nonce, max_age, acr: what the ID token must have. at: epoch seconds.
    """

    party: str
    code: str
    verifier: str
    nonce: str
    at: float
    max_age: float | None = None
    acr: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"OpenSession({self.party!r})"


class FindSession(Ask[LoginSession | None], frozen=True, gc=False):
    """The session with that secret, its tokens fresh; None: it is over."""

    party: str
    secret: str
    at: float

    def __repr__(self) -> str:
        return f"FindSession({self.party!r})"


class EndSession(Ask[str], frozen=True, gc=False):
    """End it, in every worker at once. The reply is its ID token; empty where there is none."""

    party: str
    secret: str

    def __repr__(self) -> str:
        return f"EndSession({self.party!r})"


class EndSessions(Ask[int], frozen=True, gc=False):
    """End all sessions of a subject, or those of the issuer's session `sid`; how many there were."""

    party: str
    subject: str
    sid: str


class FindUser(Ask[User | None], frozen=True, gc=False):
    """The user of that name, in its one form (see `passwords.fold_name`)."""

    name: str


class CheckPassword(Ask[bool], frozen=True, gc=False):
    """Whether it is the user's password; the same work where there is no user. A good one is hashed anew where the
    parameters have changed. known: the user has logged in from there; such do not wait behind strangers.
    """

    user: User | None
    password: str
    known: bool = False

    def __repr__(self) -> str:
        return f"CheckPassword({self.user!r})"


class FindPlace(Ask[Place | None], frozen=True, gc=False):
    """When a user last logged in from a place. place: a keyed digest of an address or a device."""

    user: str
    place: bytes


class NotePlace(Ask[None], frozen=True, gc=False):
    """A user logged in from there. strong: when (epoch seconds) with a second factor; None says nothing of it."""

    user: str
    place: bytes
    at: float
    strong: float | None = None


class UsePasscode(Ask[bool], frozen=True, gc=False):
    """Whether a code of the user's authenticator app, or a recovery code, is good; it is used up then."""

    user: str
    code: str
    at: float

    def __repr__(self) -> str:
        return f"UsePasscode({self.user!r})"
