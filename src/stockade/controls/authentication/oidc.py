"""Browsers that logged in at an OpenID provider: a session cookie, and the way to one for who has none."""

from __future__ import annotations

from msgspec import Struct

from stockade.browsers import CrossSite
from stockade.controls.authentication.scheme import Refused
from stockade.logins import (
    LONGEST_LOGIN,
    RANDOM_BYTES,
    Attempts,
    CookieNames,
    Identity,
    Sealer,
    clearing,
    cookie_values,
    is_navigation,
    other_cookies,
    return_target,
    setting,
)
from stockade.tokens import IssuerMetadata
from stockade.vocabulary import (
    Asking,
    Edits,
    Exchange,
    Finding,
    FindIssuer,
    FindSession,
    LoginSession,
    Principal,
    RandomBytes,
    Stop,
    StoreError,
)
from stockade.wire import Headers, Request, Response

KIND = "oidc"
NOT_KEPT = (("cache-control", "no-store"), ("referrer-policy", "no-referrer"))
_REMEMBERED = 10_000


class LoginPlace(Struct, frozen=True):
    """Where an API's browsers log in. url: its origin as they see it. prefix: of its paths. login: path of the page
    that begins a login."""

    url: str
    prefix: str
    login: str


class Oidc:
    """party: we, as the stores know us. sealer: of session cookies. forward: whether the upstream gets the access
    token, as a bearer token."""

    carriers = ()

    def __init__(
        self,
        *,
        party: str,
        place: LoginPlace,
        cookies: CookieNames,
        sealer: Sealer,
        attempts: Attempts,
        cross_site: CrossSite,
        forward: bool = False,
    ) -> None:
        self.forward = True  # what must be kept from the upstream is one cookie of many: see `hide`
        self.party = party
        self.place = place
        self.cookies = cookies
        self._names = cookies.all
        self.attempts = attempts
        self.cross_site = cross_site
        self._sealer = sealer
        self._context = f"session {party}"
        self._tokens: dict[str, str] | None = {} if forward else None
        self._secrets: dict[str, str] = {}  # by the cookie that was opened
        self._principals: dict[str, tuple[LoginSession, Principal]] = {}

    def describe(self) -> str:
        return f"login of browsers ({self.party}, {self.cookies.session})"

    # Who is asking.

    def find(self, request: Request) -> str | None:
        values = cookie_values(request.headers, self.cookies.session)
        return "\n".join(values) if values else None

    def verify(self, credential: str, exchange: Exchange) -> Asking[Principal | Refused]:
        where = "header:cookie"
        secret = self.secret_of(credential)
        if secret is None:
            # Two of that name: another host's page has planted one, and nobody knows which (cookie tossing).
            return Refused("session-ambiguous" if "\n" in credential else "session-unknown", where)
        trouble = self.cross_site.trouble(exchange.request)
        if trouble:
            return Refused("session-cross-site", f"header:{trouble}", status=403)
        session: LoginSession | None = yield FindSession(self.party, secret, exchange.request.at)
        if session is None:
            over = clearing(self.cookies.session, secure=self.cookies.secure)
            return Refused("session-over", where, fields=(over,))
        if self._tokens is not None:
            if len(self._tokens) >= _REMEMBERED:
                self._tokens.clear()
            self._tokens[session.ref] = session.access_token
        known = self._principals.get(session.ref)
        if known is not None and known[0] is session:
            return known[1]
        if len(self._principals) >= _REMEMBERED:
            self._principals.clear()
        principal = _principal(session.identity, session.ref)
        self._principals[session.ref] = (session, principal)
        return principal

    def secret_of(self, cookie: str) -> str | None:
        """The session's secret in a cookie; None for what we have not made."""
        known = self._secrets.get(cookie)
        if known is not None:
            return known
        plain = self._sealer.open(cookie, self._context)
        if plain is None:
            return None
        if len(self._secrets) >= _REMEMBERED:
            self._secrets.clear()
        secret = self._secrets[cookie] = plain.decode()
        return secret

    def cookie_of(self, secret: str, nonce: bytes) -> str:
        return self._sealer.seal(secret.encode(), self._context, nonce)

    def hide(self, request: Request, principal: Principal | None) -> Edits | None:
        """Our cookies are nobody's business behind us; the access token is, where the policy says so."""
        rest = other_cookies(request.headers, self._names)
        sets: tuple[tuple[str, str], ...] = (("cookie", rest),) if rest else ()
        if self._tokens is not None and principal is not None and principal.kind == KIND:
            token = self._tokens.get(principal.credential)
            sets += (("authorization", f"Bearer {token}"),) if token else ()
        removes = ("cookie",) if rest == "" else ()
        return Edits(sets, removes) if sets or removes else None

    # The way to a session.

    def invites(self, request: Request) -> bool:
        """Whether a login may be the answer: a person goes to a page. A script gets 401, and may lead to `login`."""
        return is_navigation(request)

    def begin(
        self,
        exchange: Exchange,
        finding: Finding,
        *,
        target: str | None = None,
        acr: tuple[str, ...] = (),
        max_age: float | None = None,
    ) -> Asking[Stop]:
        """Send the browser to the provider. target: where it wants to be afterwards; None: here.

        Raises StoreError where the provider cannot be found: nobody gets in.
        """
        request = exchange.request
        metadata: IssuerMetadata = yield FindIssuer(self.party)
        if not metadata.authorization_endpoint:
            raise StoreError(f"{self.party}: the issuer names no authorization_endpoint")
        random: bytes = yield RandomBytes(RANDOM_BYTES)
        here = request.target or (f"{request.path}?{request.query}" if request.query else request.path)
        held = cookie_values(request.headers, self.cookies.binding)
        begun = self.attempts.begin(
            metadata.authorization_endpoint,
            random=random,
            at=request.at,
            return_to=return_target(here if target is None else target, self.place.prefix),
            binding=held[0] if len(held) == 1 else None,
            acr=acr,
            max_age=max_age,
        )
        cookie = setting(self.cookies.binding, begun.binding, secure=self.cookies.secure, max_age=LONGEST_LOGIN)
        headers = Headers.of([("location", begun.url), cookie, *NOT_KEPT])
        return Stop(Response(302, headers), (finding,), action="redirect")

    def challenges(self, realm: str, refused: Refused | None) -> tuple[str, ...]:  # noqa: ARG002 - a Scheme's
        return (f'OIDC realm="{realm}", login="{self.place.login}"',)


def _principal(identity: Identity, ref: str) -> Principal:
    return Principal(
        identity.id,
        KIND,
        ref,
        identity.scopes,
        acr=identity.acr,
        amr=identity.amr,
        auth_time=identity.auth_time,
        roles=identity.roles,
    )
