"""The pages by which browsers log in and out, and the address at which the provider logs them out (back-channel).

They are answered here; nothing of them reaches the upstream.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from stockade.controls.authentication.oidc import NOT_KEPT, Oidc
from stockade.logins import (
    LONGEST_LOGIN,
    BadLogin,
    clearing,
    cookie_values,
    end_session_url,
    is_ahead_of_time,
    is_own_navigation,
    is_page_load,
    read_callback,
    read_logout_form,
    setting,
    verify_logout_token,
)
from stockade.tokens import BadToken, IssuerMetadata, JwtRules, VerificationKeys, read_header
from stockade.vocabulary import (
    PASS,
    Asking,
    Control,
    EndSession,
    EndSessions,
    Exchange,
    Finding,
    FindIssuer,
    FindVerificationKeys,
    OpenSession,
    RandomBytes,
    Stop,
    StoreError,
    TakeQuota,
    Tokens,
    Verdict,
)
from stockade.wire import Headers, Response

_NONCE = 12  # bytes of a seal's
_SLACK = 120  # seconds beyond which an attempt's id cannot matter any more
_FORM = "application/x-www-form-urlencoded"


class LoginPaths(Struct, frozen=True):
    login: str
    callback: str
    logout: str
    backchannel: str

    @property
    def all(self) -> frozenset[str]:
        return frozenset({self.login, self.callback, self.logout, self.backchannel})


class LoginPages(Control):
    """source: the provider's keys. rules: of its tokens. lifetime: seconds of a session's cookie. after_logout: URL
    that is registered with the provider, empty for none."""

    name = "authentication"

    def __init__(
        self,
        oidc: Oidc,
        *,
        paths: LoginPaths,
        source: str,
        rules: JwtRules,
        client_id: str,
        lifetime: float,
        after_logout: str = "",
    ) -> None:
        self.oidc = oidc
        self.paths = paths
        self._source = source
        self._rules = rules
        self._client_id = client_id
        self._lifetime = lifetime
        self._after_logout = after_logout
        self._pages: dict[str, tuple[tuple[str, ...], Callable[[Exchange], Asking[Verdict]]]] = {
            paths.login: (("GET",), self._login),
            paths.callback: (("GET",), self._callback),
            paths.logout: (("GET", "POST"), self._logout),
            paths.backchannel: (("POST",), self._await_form),
        }

    def describe(self) -> str:
        return "login pages"

    def on_request(self, exchange: Exchange) -> Asking[Verdict]:
        request = exchange.request
        if request.path not in self._pages:
            return Stop(exchange.problem(404, "There is no such page."), (Finding("no-page", "path", severity="low"),))
        methods, page = self._pages[request.path]
        if request.method not in methods:
            response = exchange.problem(405, "This method is not served here.", ("allow", ", ".join(methods)))
            return Stop(response, (Finding("method-refused", "method", severity="low"),))
        try:
            return (yield from page(exchange))
        except BadLogin as error:
            return self._refused(exchange, error)

    def _refused(self, exchange: Exchange, error: BadLogin) -> Stop:
        detail = "The login or logout was not completed. Please begin again."
        return Stop(exchange.problem(400, detail, *NOT_KEPT), (Finding(error.reason, "query", severity="medium"),))

    # In.

    def _login(self, exchange: Exchange) -> Asking[Verdict]:
        """A page's own link or script brings a person here: `?return_to=/orders`."""
        try:
            fields = dict(parse_qsl(exchange.request.query, max_num_fields=8))
        except ValueError:
            fields = {}
        target = fields.get("return_to", "")
        return (yield from self.oidc.begin(exchange, Finding("login-begun", severity="info"), target=target))

    def _callback(self, exchange: Exchange) -> Asking[Verdict]:
        """OpenID Connect Core, section 3.1.2.5 and following."""
        oidc, request = self.oidc, exchange.request
        metadata: IssuerMetadata = yield FindIssuer(oidc.party)
        answer = read_callback(request.query, issuer=metadata.issuer, issuer_is_told=metadata.tells_issuer)
        held = cookie_values(request.headers, oidc.cookies.binding)
        binding = held[0] if len(held) == 1 else None
        attempt, verifier, nonce = oidc.attempts.resume(answer.state, binding, request.at)
        yield from self._take_once("login", attempt.id.hex(), attempt.begun, LONGEST_LOGIN, request.at)
        if answer.error:
            finding = Finding("login-refused-by-provider", "query", answer.error, severity="low")
            return Stop(exchange.problem(403, "The login was not completed.", *NOT_KEPT), (finding,))
        secret: str = yield OpenSession(
            oidc.party, answer.code, verifier, nonce, request.at, attempt.max_age, attempt.acr
        )
        yield from self._end_own(exchange)
        seal: bytes = yield RandomBytes(_NONCE)
        secure = oidc.cookies.secure
        cookie = setting(oidc.cookies.session, oidc.cookie_of(secret, seal), secure=secure, max_age=self._lifetime)
        location = ("location", f"{oidc.place.url}{attempt.return_to}")
        headers = Headers.of([location, cookie, *NOT_KEPT])
        return Stop(Response(303, headers), (Finding("logged-in", severity="info"),), action="redirect")

    def _take_once(self, what: str, name: str, begun: float, lasts: float, at: float) -> Asking[None]:
        """Over all workers. Raises BadLogin."""
        told = hashlib.sha256(f"{self.oidc.party}\0{name}".encode("utf-8", "replace")).hexdigest()
        start, end = int(begun) - _SLACK, int(begun + lasts) + _SLACK
        first: Tokens = yield TakeQuota(f"{what}:{told}", 1, start, end, at)
        if not first.allowed:
            raise BadLogin(f"{what}-replayed")

    # Out.

    def _logout(self, exchange: Exchange) -> Asking[Verdict]:
        """Here at once, whatever the provider does; then there, if it can."""
        oidc, request = self.oidc, exchange.request
        if is_ahead_of_time(request) or not is_own_navigation(request) or oidc.cross_site.trouble(request):
            finding = Finding("logout-cross-site", "header:sec-fetch-site", severity="low")
            return Stop(exchange.problem(403, "Neither another site's page nor a look ahead logs you out."), (finding,))
        id_token = yield from self._end_own(exchange)
        url = ""
        try:
            metadata: IssuerMetadata = yield FindIssuer(oidc.party)
        except StoreError:
            pass  # nobody stays logged in here because the provider is down
        else:
            if metadata.end_session_endpoint:
                url = end_session_url(
                    metadata.end_session_endpoint,
                    client_id=self._client_id,
                    id_token=id_token,
                    return_to=self._after_logout,
                )
        url = url or self._after_logout
        gone = clearing(oidc.cookies.session, secure=oidc.cookies.secure)
        return Stop(
            _farewell(url, gone, page=is_page_load(request)), (Finding("logged-out", severity="info"),), "allow"
        )

    def _end_own(self, exchange: Exchange) -> Asking[str]:
        """End the sessions that this browser has. The ID token of one."""
        id_token = ""
        for cookie in cookie_values(exchange.request.headers, self.oidc.cookies.session)[:4]:
            secret = self.oidc.secret_of(cookie)
            if secret is not None:
                id_token = (yield EndSession(self.oidc.party, secret)) or id_token
        return id_token

    # Out, because the provider says so.

    def _await_form(self, exchange: Exchange) -> Asking[Verdict]:
        media = (exchange.request.headers.get("content-type") or "").partition(";")[0].strip().lower()
        if not exchange.request.has_body or media != _FORM:
            raise BadLogin("logout-malformed")
        return PASS
        yield  # a generator, as the other pages

    def on_request_body(self, exchange: Exchange) -> Asking[Verdict]:
        """OpenID Connect Back-Channel Logout 1.0, sections 2.5 to 2.8."""
        at = exchange.request.at
        try:
            token = read_logout_form(exchange.request_body)
            try:
                kid = read_header(token).kid
            except BadToken as error:
                raise BadLogin(f"logout-token-{error.reason}") from None
            keys: VerificationKeys = yield FindVerificationKeys(self._source, kid, at)
            logout = verify_logout_token(token, keys, self._rules, at)
            yield from self._take_once("logout", logout.id, logout.issued, logout.expires - logout.issued, at)
        except BadLogin as error:
            return self._refused(exchange, error)
        count: int = yield EndSessions(self.oidc.party, logout.subject, logout.sid)
        finding = Finding("logged-out-by-provider", evidence=f"{count} session(s)", severity="info")
        return Stop(Response(200, Headers.of([*NOT_KEPT])), (finding,), action="allow")


def _farewell(url: str, gone: tuple[str, str], *, page: bool) -> Response:
    """To the provider's logout page; a script is told where that is."""
    if page and url:
        return Response(303, Headers.of([("location", url), gone, *NOT_KEPT]))
    body = b"You are logged out.\n" if page else msgspec.json.encode({"logged_out": True, "continue": url})
    media = "text/plain; charset=utf-8" if page else "application/json"
    headers = [("content-type", media), gone, *NOT_KEPT]
    return Response(200, Headers.of(headers), body)
