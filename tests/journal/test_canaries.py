"""No secret in any record: whole exchanges with a canary in every place where a secret can stand.

Everything that outlives a request is searched: the encoded record, the line of the log, the metrics, and the bodies and
headers of our own responses.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from stockade.controls.authentication import ApiKeys, Authentication, Jwts
from stockade.controls.exposure import Exposure
from stockade.controls.firewall import Firewall
from stockade.controls.limits import Limit, Limits, Rate
from stockade.engine import Binding, Policy, refuse_unread
from stockade.identity import ApiKeys as Issuance
from stockade.journal import DecisionLog, Metrics, exposition, merge
from stockade.networks import NetworkSet
from stockade.operations import OperationTable
from stockade.stores import Counters, KeySources, KeyStore, Source, Stores
from stockade.tokens import make_api_key, parse_jwks
from stockade.vocabulary import PASS, Edits, Record, Stop, Verdict
from stockade.wire import BadRequest, Headers, Peer, Request, Response, read_request
from tests.controls.issuers import Issuer
from tests.exchanges import AT, Door, Pairs, make_control, make_route

HASH_KEY = b"h" * 32
REVOKED, FOREIGN = (make_api_key(bytes([byte]) * 16, bytes([byte]) * 32) for byte in (1, 2))
OPAQUE = "9f1c2a7b4d5e6f708192a3b4c5d6e7f8"
PASSWORD = "hunter2-hunter2"
BASIC = base64.b64encode(f"alice:{PASSWORD}".encode()).decode()


class World:
    """All four controls with real stores, every header that may be logged logged, and an observer of bodies."""

    def __init__(self, folder: Path) -> None:
        self.issuer = Issuer("https://issuer.example")
        keys = KeyStore(folder / "keys.db")
        self.good_key = Issuance(keys, HASH_KEY).issue("alice", AT - 10).text
        sources = KeySources([Source("issuer", keys=parse_jwks(self.issuer.jwks()))])
        self.stores = Stores(Counters(), keys, sources)
        firewall = Firewall(
            deny=NetworkSet(),
            allow=NetworkSet(),
            methods=["GET", "POST"],
            max_body=100,
            media_types=["application/json"],
        )
        authentication = Authentication(
            realm="shop",
            any_of=[
                ApiKeys(header="X-API-Key", hash_key=HASH_KEY),
                Jwts(source="issuer", rules=self.issuer.rules()),
            ],
            anonymous=OperationTable(["GET /health", "GET /reset/*"]),
        )
        limits = Limits("shop", [Limit("per-header", ("header:x-tenant", "principal"), Rate(1.0, 2))])
        exposure = Exposure(security_headers=True, hide_errors=True, remove_headers=["server"])
        reader = make_control("reader", on_request_body=lambda exchange: PASS, on_response_body=lambda exchange: PASS)
        self.route = make_route(
            Binding(firewall, line="p:1"),
            Binding(authentication, line="p:2"),
            Binding(limits),
            Binding(exposure),
            Binding(reader),
            own_headers=exposure.own_headers,
        )
        self.logged = ["user-agent", "x-note", "content-type"]

    def exchange(self, read: Request | BadRequest) -> tuple[Record, Verdict]:
        """The record of one exchange, and the last verdict."""
        if isinstance(read, BadRequest):
            session, refusal = refuse_unread(
                Policy([self.route], logged_headers=self.logged), read.request, read.trouble
            )
            return session.close(400, 1.0), refusal
        door = Door(self.route, answer=self.stores.answer, logged=self.logged)
        upstream = Response(500, Headers.of([("server", PASSWORD), ("set-cookie", f"session={OPAQUE}")]))
        verdict = door.send(read, f"password={PASSWORD}".encode(), upstream, f"traceback {PASSWORD}".encode())
        status = verdict.response.status if isinstance(verdict, Stop) else 500
        return door.session.close(status, 1.0), verdict


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("world"))
    yield world
    world.stores.close()


def request(
    headers: Pairs = (),
    *,
    target: str = "/orders/7",
    method: str = "GET",
    authority: str = "api.example.com",
    has_body: bool = False,
) -> Request | BadRequest:
    return read_request(
        id="r-1",
        at=AT,
        method=method,
        scheme="https",
        authority=authority,
        target=target,
        headers=Headers.of(headers),
        peer=Peer("203.0.113.9", "TLSv1.3", "ab" * 32, f"CN={PASSWORD}"),
        version="HTTP/2",
        has_body=has_body,
    )


def bearer(token: str) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {token}")]


# title, the request (of the world), and the canaries that must not be found
PLACES: list[tuple[str, Callable[[World], Request | BadRequest], Callable[[World], list[str]]]] = [
    ("a good API key", lambda w: request([("x-api-key", w.good_key)]), lambda w: [w.good_key]),
    ("an unknown API key", lambda w: request([("x-api-key", FOREIGN)]), lambda w: [FOREIGN]),
    ("a mistyped API key", lambda w: request([("x-api-key", FOREIGN[:-1] + "~")]), lambda w: [FOREIGN[:-1]]),
    ("two API keys", lambda w: request([("x-api-key", FOREIGN), ("x-api-key", REVOKED)]), lambda w: [FOREIGN, REVOKED]),
    ("a password in the key's header", lambda w: request([("x-api-key", PASSWORD)]), lambda w: [PASSWORD]),
    ("a good token", lambda w: request(bearer(w.issuer.token())), lambda w: w.issuer.token().split(".")[:2]),
    (
        "an expired token",
        lambda w: request(bearer(w.issuer.token(exp=1))),
        lambda w: w.issuer.token(exp=1).split(".")[:2],
    ),
    ("an opaque token", lambda w: request(bearer(OPAQUE)), lambda w: [OPAQUE]),
    ("Basic", lambda w: request([("authorization", f"Basic {BASIC}")]), lambda w: [BASIC, PASSWORD]),
    ("an API key as a token", lambda w: request(bearer(FOREIGN)), lambda w: [FOREIGN]),
    ("an API key as a subject", lambda w: request(bearer(w.issuer.token(sub=FOREIGN))), lambda w: [FOREIGN]),
    (
        "a token as a subject",
        lambda w: request(bearer(w.issuer.token(sub=w.issuer.token()))),
        lambda w: [w.issuer.token().split(".")[1]],
    ),
    ("a secret in another claim", lambda w: request(bearer(w.issuer.token(password=PASSWORD))), lambda w: [PASSWORD]),
    ("a cookie", lambda w: request([("cookie", f"session={OPAQUE}; k={FOREIGN}")]), lambda w: [OPAQUE, FOREIGN]),
    ("the query", lambda w: request(target=f"/health?key={FOREIGN}&p={PASSWORD}"), lambda w: [FOREIGN, PASSWORD]),
    ("a segment: an API key", lambda w: request(target=f"/reset/{FOREIGN}"), lambda w: [FOREIGN]),
    (
        "a segment: an escaped API key",
        lambda w: request(target=f"/reset/{FOREIGN.replace('_', '%5F')}"),
        lambda w: [FOREIGN],
    ),
    (
        "a segment: a JWT",
        lambda w: request(target=f"/reset/{w.issuer.token()}"),
        lambda w: w.issuer.token().split(".")[:2],
    ),
    ("a segment: an opaque token", lambda w: request(target=f"/reset/{OPAQUE}/now"), lambda w: [OPAQUE]),
    ("a segment: an Authorization value", lambda w: request(target=f"/reset/Basic%20{BASIC}"), lambda w: [BASIC]),
    ("a segment: a mail address", lambda w: request(target="/reset/alice%40mail.example"), lambda w: ["mail.example"]),
    ("an ambiguous target", lambda w: request(target=f"/reset/{OPAQUE}/{FOREIGN}/%2f"), lambda w: [OPAQUE, FOREIGN]),
    ("an ambiguous target with a query", lambda w: request(target=f"/a%2f?p={PASSWORD}"), lambda w: [PASSWORD]),
    ("an absolute target", lambda w: request(target=f"http://alice:{PASSWORD}@api.example.com/"), lambda w: [PASSWORD]),
    ("a fragment", lambda w: request(target=f"/health#{FOREIGN}"), lambda w: [FOREIGN]),
    ("the authority", lambda w: request(authority=f"alice:{PASSWORD}@api.example.com"), lambda w: [PASSWORD]),
    ("a logged header: an API key", lambda w: request([("user-agent", f"curl {FOREIGN}")]), lambda w: [FOREIGN]),
    ("a logged header: a token", lambda w: request([("x-note", f"Bearer {OPAQUE}")]), lambda w: [OPAQUE]),
    (
        "a logged header: a JWT",
        lambda w: request([("x-note", w.issuer.token())]),
        lambda w: w.issuer.token().split(".")[:2],
    ),
    ("a header that is not logged", lambda w: request([("x-secret", PASSWORD)]), lambda w: [PASSWORD]),
    ("a media type", lambda w: request([("content-type", FOREIGN)], method="POST", has_body=True), lambda w: [FOREIGN]),
    ("a method", lambda w: request(method=FOREIGN), lambda w: [FOREIGN]),
    ("the chain of proxies", lambda w: request([("x-forwarded-for", PASSWORD)]), lambda w: [PASSWORD]),
    (
        "a forged principal",
        lambda w: request([("x-stockade-principal", PASSWORD)], target="/health"),
        lambda w: [PASSWORD],
    ),
    ("a limit's key", lambda w: request([("x-tenant", PASSWORD)], target="/health"), lambda w: [PASSWORD]),
    ("bodies and the upstream's headers", lambda w: request(target="/health"), lambda w: [PASSWORD, OPAQUE]),
]


@pytest.mark.parametrize(("make", "canaries"), [place[1:] for place in PLACES], ids=[place[0] for place in PLACES])
def test_no_canary_is_found(world, tmp_path, make, canaries):
    metrics = Metrics()
    log = DecisionLog(str(tmp_path / "log"))
    told = ""
    for _ in range(4):  # the third is throttled
        record, verdict = world.exchange(make(world))
        metrics.count(record, 0.0001)
        log.write(record)
        told += msgspec.json.encode(record).decode() + our_words(verdict)
    log.close()
    told += (tmp_path / "log").read_text()
    told += exposition(merge([metrics.snapshot()]), workers=1, restarts=0, policy_generation=1, policy_ok=True).decode()
    assert told.count('"request_id":"r-1"') >= 8
    for canary in canaries(world):
        assert len(canary) >= 8
        assert canary not in told


def our_words(verdict: Verdict) -> str:
    """What we send to the client."""
    edits = verdict.edits if not isinstance(verdict, Stop) else Edits(replace=verdict.response)
    if edits is None or edits.replace is None:
        return ""
    return edits.replace.body.decode() + repr(list(edits.replace.headers))


def test_the_places_reach_what_they_are_about(world):
    """A canary in a request that was refused too early would prove nothing."""
    reached = {title: world.exchange(make(world))[0] for title, make, _ in PLACES}
    assert reached["a good API key"].principal == "alice"
    assert reached["a good token"].principal == "user-1"
    assert reached["an API key as a subject"].principal == "stk_…(55)"
    rules = {finding.rule for record in reached.values() for finding in record.findings}
    assert rules >= {
        "key-unknown",
        "key-malformed",
        "token-expired",
        "token-malformed",
        "credential-missing",
        "method",
        "media-type",
        "bad-target",
        "error-hidden",
        "per-header",
    }
    assert reached["a logged header: a token"].headers == {"x-note": "Bear…(39)"}
