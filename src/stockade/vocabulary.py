"""The words that all rooms share. Start reading here.

A door hands a `Request` to the engine. The engine runs the route's controls over one `Exchange`, in the order of the
catalogue. A control's hook answers with a `Verdict`: `Pass` (perhaps with what it learned) or `Stop` (with a ready
response). What a hook must ask the outside it asks with an `Ask`, a question with a typed reply. What it noticed it
says as a `Finding`. When all is over one `Record` says what happened.

    Request ──▶ Session ──▶ Control.on_request(Exchange) ──▶ Pass | Stop        (yielding Asks on the way)
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeAlias, TypeVar
from urllib.parse import quote

from msgspec import UNSET, Struct, UnsetType, field
from msgspec.structs import force_setattr

from stockade.certificates import CertificateRecord, Partner
from stockade.logins import Identity
from stockade.messages import Message, Protocol
from stockade.ownership import Confidence
from stockade.passwords import Place, User
from stockade.tokens import ApiKeyRecord, Claims, IssuerMetadata, VerificationKeys
from stockade.wire import Request, Response, problem

Texts: TypeAlias = Callable[[], Iterable[tuple[str, str]]]
Action: TypeAlias = Literal["allow", "deny", "challenge", "redirect", "throttle"]
Mode: TypeAlias = Literal["block", "monitor", "off"]
Failure: TypeAlias = Literal["closed", "open"]
Severity: TypeAlias = Literal["info", "low", "medium", "high", "critical"]


class Finding(Struct, frozen=True, gc=False, omit_defaults=False):
    """Something a control noticed. `evidence` is masked by whoever makes the finding, never later."""

    rule: str  # stable name within the control, e.g. "address-denied"
    where: str = ""  # place in the message, e.g. "header:x-api-key"
    evidence: str = ""
    severity: Severity = "medium"
    control: str = ""  # filled in by the Session
    monitor: bool = False  # filled in by the Session: true when the control only watches
    policy: str = ""  # filled in by the Session: file:line of the policy that made it so
    # What a rule of a rule set says of itself; the record has these of such rules only.
    message: str | UnsetType = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    offset: int | UnsetType = UNSET  # of the match in the value, bytes
    detail: str | UnsetType = UNSET  # what the rule wants logged; masked like `evidence`


_EXTENDED = "utf-8''"
PRINCIPAL_HEADERS = ("x-stockade-principal", "x-stockade-credential", "x-stockade-scopes")


class Principal(Struct, frozen=True, gc=False):
    """Who is asking, once proven. `credential` names the proof (key id, token id), never the secret.

    acr, amr, auth_time: how, by which methods and when (epoch seconds) they logged in, where the credential says so
    (OpenID Connect Core, section 2; RFC 8176).
    """

    id: str
    kind: str  # "api_key", "jwt", "oauth2", "certificate", "signature", "webhook", "user"
    credential: str = ""
    scopes: frozenset[str] = frozenset()
    acr: str = ""
    amr: frozenset[str] = frozenset()
    auth_time: float | None = None
    told: tuple[tuple[str, str], ...] = ()  # made from the others: the headers by which the upstream learns of it
    claims: Mapping[str, Any] = {}  # of a token: personal data, for rules alone
    roles: frozenset[str] = frozenset()  # which nobody is told
    client: str = ""  # of our own token service, by which it asks

    def __post_init__(self) -> None:
        values = (self.id, self.credential, " ".join(sorted(self.scopes)))
        pairs = zip(PRINCIPAL_HEADERS, map(_field_text, values), strict=True)
        force_setattr(self, "told", tuple(pair for pair in pairs if pair[1]))


def _field_text(text: str) -> str:
    """Text that is safe in a header field, and no two alike: a principal's name may come from a token.

    What cannot stand there as it is is written as RFC 8187, section 3.2.1, has it: utf-8''Zo%C3%AB.
    """
    if text.isascii() and text.isprintable() and text == text.strip() and not text.startswith(_EXTENDED):
        return text
    return _EXTENDED + quote(text, safe="", errors="surrogatepass")


class Edits(Struct, frozen=True, gc=False):
    """Changes to the message in hand; names are lower case. `set` replaces, `remove` drops.

    A name that stands twice in `set` has two lines, as Set-Cookie must. Where two controls set the same name, what the
    later one says holds.
    """

    set: tuple[tuple[str, str], ...] = ()
    remove: tuple[str, ...] = ()
    replace: Response | None = None  # response phase only: send this instead
    body: bytes | None = None  # body phases only: this in place of the body that came


class Proofs(Struct, frozen=True, eq=False, gc=False):
    """Arguments of which something has been proved. query: names of parameters. json: JSON pointers into the body (RFC
    6901), with "*" for every item of an array. all_of_body: there is nothing else in the body, names included."""

    query: tuple[str, ...] = ()
    json: tuple[str, ...] = ()
    all_of_body: bool = False


class Pass(Struct, frozen=True, gc=False):
    """Go on. A control that watches (`mode: monitor`) keeps its findings and its principal, but not its edits.

    operation: what the request is called from here on, where its body says more than its path; of few values.
    calls: how many calls of that operation it is, for limits.
    proofs: which of its arguments are known to hold no injection. texts: all that the client chose freely in a body
    whose language the control has read, with its places; who looks for injections need not look at the rest.
    unknown: the arguments that the description does not name, by parameter or JSON pointer, and their texts.
    request: its head as the controls after this one shall see it, where `edits` change what it says of its body.
    """

    findings: tuple[Finding, ...] = ()
    principal: Principal | None = None
    edits: Edits | None = None
    operation: str | None = None
    calls: int = 1
    proofs: Proofs | None = None
    texts: Texts | None = None
    decided: str = ""  # the rule that let it pass, for the record
    unknown: Texts | None = None
    request: Request | None = None
    risk: int = 0  # 0 to 100; the highest that is said holds


class Closing(Struct, frozen=True, gc=False):
    """How a WebSocket is ended: status code and reason of the Close frame (RFC 6455, section 7.4)."""

    code: int = 1008  # policy violation
    reason: str = ""


class Stop(Struct, frozen=True, gc=False):
    """Go no further and answer `response`. The last finding is the reason.

    A stream whose response has begun cannot be answered any more: a WebSocket ends with `closing`, a gRPC call with
    the `grpc-status` and `grpc-message` of `response`, a stream of events after the last good one.
    """

    response: Response
    findings: tuple[Finding, ...]
    action: Action = "deny"
    operation: str | None = None  # as in Pass
    closing: Closing = Closing()


Verdict: TypeAlias = Pass | Stop
PASS = Pass()


class Shortcut(Struct, frozen=True, gc=False):
    """A control's promise that lets a door decide without asking it.

    For every response whose status is under `below`, that has none of the headers in `absent`, and whose content type
    begins with none of `not_media`, `on_response` returns `Pass(edits=edits)` and nothing else. Where it also reads
    bodies, `bodies` promises that it wants none of those responses'.
    """

    edits: Edits
    below: int = 600
    absent: frozenset[str] = frozenset()
    not_media: tuple[str, ...] = ()
    bodies: bool = False


class Exchange(Struct, gc=False):
    """One request and its response as the controls see them. The Session alone writes to it."""

    request: Request
    api: str
    operation: str
    client: str  # address, after trusted proxies were believed
    principal: Principal | None = None
    request_body: bytes = b""
    response: Response | None = None
    response_body: bytes = b""
    calls: int = 1  # of the operation; this and those below: see Pass
    proofs: Proofs | None = None
    texts: Texts | None = None
    unknown: Texts | None = None
    risk: int = 0  # 0 to 100: how suspicious the controls before have found it

    def problem(self, status: int, detail: str, *headers: tuple[str, str], **members: object) -> Response:
        """A problem-details response (RFC 9457) that carries this request's id."""
        return problem(status, detail, self.request.id, headers, **members)


R = TypeVar("R")


class Ask(Struct, Generic[R], frozen=True, gc=False):
    """An atomic question to the outside whose reply is an `R`. Never a get followed by a set."""


Asking: TypeAlias = Generator[Ask[Any], Any, R]
"""What a hook that must ask returns: a generator that yields Asks and returns a Verdict."""


class Watcher:
    """What a control keeps of one direction of one stream, and how it judges its messages, one by one.

    limit: of a message, bytes; a longer one comes with `too_long` and without content, before it is kept anywhere.
    keep: whether the content is wanted; a message is then held until it is complete. The door sees to both.
    """

    limit: int | None = None
    keep: bool = False

    def judge(self, message: Message, at: float) -> Verdict:
        """A message, or what is none ("malformed", after which nothing can be read). at: seconds since the epoch.

        A Pass lets it go on; its edits mean nothing here. It cannot ask the outside.
        """
        return PASS


class Sieve:
    """What a control does with the body of one response as it passes, whatever its size.

    hold: bytes. So much of what passes is kept, and the head with it, until the control has had a chance to Stop.
    """

    hold: int = 0

    def feed(self, data: bytes, ends: bool) -> tuple[bytes, Stop | None]:
        """What of these bytes, and of those held before, goes on. A Stop ends the response; nothing can be asked."""
        return data, None

    def rest(self) -> bytes:
        """What was fed and has not gone on, as it came: for when the control breaks and its policy says open."""
        return b""

    def tally(self) -> tuple[Finding, ...]:
        """What was noticed, in all; asked for once, when the exchange is over."""
        return ()


class Control:
    """One defence. Override the hooks that are needed: overriding is what subscribes to a phase.

    `rules` names, for each rule that findings carry, the key of the control's policy section that made it so.
    """

    name: ClassVar[str]
    rules: ClassVar[dict[str, str]] = {}
    bodies_alone: ClassVar[bool] = False  # its `on_request_body` has nothing to say of a request without a body
    seals: ClassVar[bool] = False  # its `on_response_body` comes last, after all sieves: nothing reads what it makes

    def describe(self) -> str:
        """What it enforces, in a few words, for `stockade check`."""
        return ""

    def on_request(self, exchange: Exchange) -> Verdict | Asking[Verdict]:
        """The request head is complete."""
        return PASS

    def wants_request_body(self, exchange: Exchange) -> bool:
        """Whether `on_request_body` is to be asked of the request whose head has passed. A body that nobody wants is
        not held, and nobody is asked."""
        return True

    def on_request_body(self, exchange: Exchange) -> Verdict | Asking[Verdict]:
        """The whole request body is in `exchange.request_body`."""
        return PASS

    def on_response(self, exchange: Exchange) -> Verdict | Asking[Verdict]:
        """The response head is in `exchange.response`."""
        return PASS

    def on_response_shortcut(self, scheme: str, *, known: bool = False) -> Shortcut | None:
        """What `on_response` says of an ordinary response to a request of that scheme; None: it must be asked.

        known: the request has a principal.
        """
        return None

    def own_response_headers(self, request: Request) -> tuple[tuple[str, str], ...]:
        """What a response that Stockade itself makes to this request carries, unless it says otherwise."""
        return ()

    def wants_response_body(self, exchange: Exchange) -> bool:
        """Whether `on_response_body` is to be asked of the response whose head has passed; else it is not held."""
        return True

    def on_response_body(self, exchange: Exchange) -> Verdict | Asking[Verdict]:
        """The whole response body is in `exchange.response_body`."""
        return PASS

    def on_request_stream(self, exchange: Exchange, protocol: Protocol) -> Watcher | None:
        """The request goes on as a stream of messages: who shall judge them? None: nobody, and they pass unread."""
        return None

    def on_response_stream(self, exchange: Exchange, protocol: Protocol) -> Watcher | None:
        """The same for the response, whose head is in `exchange.response`."""
        return None

    def on_response_pieces(self, exchange: Exchange) -> Sieve | None:
        """The body of the response, whose head is in `exchange.response`, comes in pieces. None: it passes unread."""
        return None


# What the controls ask. Each is answered by one store; see the `stores` room.


class Tokens(Struct, frozen=True, gc=False):
    """How a bucket or quota stands. Times are seconds from the moment of asking."""

    allowed: bool
    remaining: int
    reset: float  # until it is full again (rate) or the period ends (quota)
    retry_after: float = 0.0  # until `cost` would be allowed; 0 when allowed


class TakeTokens(Ask[Tokens], frozen=True, gc=False):
    """Take from a GCRA bucket. interval: seconds per token; burst: tokens; at: seconds since the epoch."""

    bucket: str
    interval: float
    burst: int
    at: float
    cost: int = 1


class TakeQuota(Ask[Tokens], frozen=True, gc=False):
    """Take from a fixed amount per period; `start` names the period, `end` is when it is over (epoch seconds)."""

    bucket: str
    limit: int
    start: float
    end: float
    at: float
    cost: int = 1


class Pace(NamedTuple):
    """One token regained each `interval` nanoseconds, up to `burst` tokens."""

    interval: int
    burst: int


class Allowance(NamedTuple):
    """So much in the period [start, end), whole epoch seconds."""

    limit: int
    start: int
    end: int


class TakeAll(Ask[tuple[int, Tokens] | None], frozen=True, gc=False):
    """Take `cost` from every bucket, by its measure, or from none when one has too little. No bucket stands twice.

    The reply is None, or the place of the bucket that makes the caller wait longest, and how that one stands.
    """

    buckets: tuple[str, ...]
    measures: tuple[Pace | Allowance, ...]
    at: float
    cost: int = 1


class GiveBack(Ask[None], frozen=True, gc=False):
    """Give back to every bucket what TakeAll took from it, at most until it is full."""

    buckets: tuple[str, ...]
    measures: tuple[Pace | Allowance, ...]
    at: float
    cost: int = 1


class FindApiKey(Ask[ApiKeyRecord | None], frozen=True, gc=False):
    """The stored half of an API key, by its public id."""

    id: str


class FindCertificate(Ask[CertificateRecord | None], frozen=True, gc=False):
    """What is kept of a certificate that we issued, by its SHA-256 digest (hex)."""

    fingerprint: str


class FindPartner(Ask[Partner | None], frozen=True, gc=False):
    """The partner of that name, or "client:ID" for whose OAuth client that is; None where nobody is, as for most."""

    name: str


class FindVerificationKeys(Ask[VerificationKeys], frozen=True, gc=False):
    """The keys of a JWKS source; `kid`, when it is not among them, asks for one fresh look at the source."""

    source: str
    kid: str | None
    at: float


Exclusive: TypeAlias = Literal["never", "confident", "always"]


class Owned(NamedTuple):
    """What is known of each id that was asked for, and whether it is certain enough to refuse by, where it matters.

    found: -1 it is the asker's, 0 nobody was ever given it, else to how many others it was given.
    """

    found: tuple[int, ...]
    confident: bool


class FindOwners(Ask[Owned], frozen=True, gc=False):
    """Whose objects are. kind: of objects, with their API. names: of the asker, the first being its own. keep: seconds
    that what was learned lasts."""

    kind: str
    ids: tuple[str, ...]
    names: tuple[str, ...]
    at: float
    keep: float
    wanted: Confidence


class Teach(Ask[tuple[str, ...]], frozen=True, gc=False):
    """Objects were handed to names, or taken away. The reply: ids that are another's, and so were not taught.

    how: hold (also theirs), move (theirs alone), drop (no longer theirs), forget (nobody's).
    """

    kind: str
    ids: tuple[str, ...]
    names: tuple[str, ...]
    at: float
    keep: float
    how: Literal["hold", "move", "drop", "forget"]
    source: str
    exclusive: Exclusive = "never"  # when to hold only what is not another's already
    wanted: Confidence = Confidence()


class IntrospectToken(Ask[Claims | None], frozen=True, gc=False):
    """What the issuer says of an opaque token (RFC 7662); None: that it is not active. at: epoch seconds."""

    source: str
    token: str
    at: float

    def __repr__(self) -> str:
        return f"IntrospectToken({self.source!r})"


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


class FindRevocation(Ask[bool], frozen=True, gc=False):
    """Whether a token of our own service was revoked: itself, its family, its client or its user, as "jti:…",
    "grant:…", "client:…" and "user:…". issued: epoch seconds."""

    names: tuple[str, ...]
    issued: float


class StoreError(Exception):
    """A store cannot answer. The route's `failure` decides what that means for the request."""


class Record(Struct, frozen=True, gc=False, omit_defaults=False):
    """What happened, one line of the decision log. Durations are milliseconds."""

    time: str  # RFC 3339, UTC
    request_id: str
    api: str
    operation: str
    client: str
    principal: str | None
    method: str
    path: str
    status: int
    action: Action
    control: str | None
    findings: tuple[Finding, ...]
    headers: dict[str, str] = field(default_factory=dict)
    duration_ms: float = 0.0
    upstream_ms: float | None = None
    worker: int = 0
    decided: str | UnsetType = UNSET  # "control:rule" of those that let it pass, where they tell
