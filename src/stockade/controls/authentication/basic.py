"""Basic (RFC 7617) against our users. A one-time passcode comes in a header of its own."""

from __future__ import annotations

from hashlib import blake2b
from math import ceil
from typing import NamedTuple

from stockade.controls.authentication.logins import Denied, Logins, Proven, SecondFactor
from stockade.controls.authentication.scheme import Refused
from stockade.passwords import User, read_basic
from stockade.redaction import excerpt, mask
from stockade.vocabulary import Asking, Exchange, FindUser, Principal
from stockade.wire import Request

_REMEMBERED = 4096
_TOLD = {"enrolled": "if-enrolled", "always": "required"}
_WHERE = "header:authorization"


class _Known(NamedTuple):
    stamp: int
    principal: Principal
    name: str
    until: float


class Basic:
    """realm: what is told in the challenge; "" for the API's name. remember: seconds for which a password that was
    right is not hashed again, as long as its user does not change. key: of the digest under which it is remembered.
    """

    def __init__(
        self,
        *,
        logins: Logins,
        key: bytes,
        realm: str = "",
        remember: float = 300.0,
        code_header: str = "x-otp",
        second_factor: SecondFactor = "enrolled",
        forward: bool = False,
    ) -> None:
        self._code_header = code_header.lower() if second_factor != "never" else ""
        self.carriers = tuple(filter(None, ("authorization", self._code_header)))
        self.forward = forward
        self._logins = logins
        self._key = key[:64]
        self._realm = realm
        self._remember_for = remember
        self._second_factor = second_factor
        self._told = ((self._code_header, _TOLD[second_factor]),) if self._code_header else ()
        self._known: dict[bytes, _Known] = {}

    def describe(self) -> str:
        second = {"enrolled": ", second factor where enrolled", "always": ", second factor", "never": ""}
        return f"Basic{second[self._second_factor]}"

    def find(self, request: Request) -> str | None:
        value = request.headers.get("authorization")
        if value is None or value[:6].lower() != "basic ":
            return None
        return value[6:].strip(" ")

    def verify(self, credential: str, exchange: Exchange) -> Asking[Principal | Refused]:
        at, client = exchange.request.at, exchange.client
        code = (exchange.request.headers.get(self._code_header) or "").strip() if self._code_header else ""
        digest = self._digest(credential, client)
        known = self._known.get(digest)
        if known is not None and at < known.until and not code:
            user: User | None = yield FindUser(known.name)
            if user is not None and user.stamp == known.stamp and user.refusal(at) is None:
                return known.principal
        login = read_basic(credential)
        if login is None:
            return Refused("login-malformed", _WHERE, fields=self._told)
        judged = yield from self._logins.prove(login, at, address=client, codes=(code,) if code else ())
        if isinstance(judged, Denied):
            return self._refused(judged, login.name)
        return self._remember(digest, judged, at)

    def _remember(self, digest: bytes, proven: Proven, at: float) -> Principal:
        user, methods = proven.user, proven.methods
        principal = Principal(
            user.name,
            "user",
            user.id,
            user.scopes,
            acr=methods.acr,
            amr=methods.amr,
            auth_time=proven.auth_time,
            roles=user.roles,
        )
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        until = self._logins.good_until(proven, at + self._remember_for)
        self._known[digest] = _Known(user.stamp, principal, user.name, until)
        return principal

    def _refused(self, denied: Denied, name: str) -> Refused:
        """One answer for all that may be wrong: whether the name, the password or the code is nobody's business.

        People type passwords where names belong: what is no user's name is not logged whole.
        """
        known = denied.reason not in ("user-unknown", "login-wrong-again", "too-many-guesses")
        evidence = excerpt(name) if known else mask(name)
        if denied.wait:
            wait = ("retry-after", str(ceil(denied.wait)))
            return Refused(denied.reason, _WHERE, evidence, status=429, fields=(wait, *self._told))
        return Refused(denied.reason, _WHERE, evidence, fields=self._told)

    def _digest(self, credential: str, client: str) -> bytes:
        told = f"{client}\0{credential}".encode("utf-8", "surrogatepass")
        return blake2b(told, key=self._key, person=b"basic", digest_size=32).digest()

    def challenges(self, realm: str, refused: Refused | None) -> tuple[str, ...]:  # noqa: ARG002 - it has no error code
        return (f'Basic realm="{self._realm or realm}", charset="UTF-8"',)
