"""Message signatures and webhooks in the control: keys from the store, bodies judged, replays refused."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry

from stockade.controls.authentication import ApiKeys, Scheme, Signatures, Webhooks, all_of, authentication
from stockade.operations import OperationTable
from stockade.signatures import BadSignature, SignatureRules, check_signature, read_signatures
from stockade.stores import Counters, KeySources, Source, Stores
from stockade.tokens import parse_jwks
from stockade.vocabulary import Pass, Stop
from tests.exchanges import AT, Door, Pairs, make_request, make_route

BODY = b'{"amount": 7}'
COVERED = '("@method" "@authority" "@path" "@query" "content-digest")'
SECRET = b"s" * 32


class Client:
    """Signs with Ed25519."""

    def __init__(self, keyid: str = "partner-1") -> None:
        self.keyid = keyid
        self.key = OKPKey.generate_key("Ed25519", {"kid": keyid})

    def headers(
        self, body: bytes = BODY, *, at: float = AT, covered: str = COVERED, more: str = "", **fields: Any
    ) -> Pairs:
        digest = f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"
        params = f'{covered};created={int(at)};keyid="{self.keyid}"{more}'
        pairs = [("content-digest", digest), ("signature-input", f"s={params}"), ("signature", "s=:AAAA:")]
        request = make_request("POST", "/transfers", pairs, has_body=True, **fields)
        rules = SignatureRules(components=(), digest=False)
        try:
            base = check_signature(read_signatures(request.headers, rules)[0], request, rules, at)
        except BadSignature:
            base = b""
        signature = b64encode(JWSRegistry.algorithms["EdDSA"].sign(base, self.key)).decode()
        return [*pairs[:2], ("signature", f"s=:{signature}:")]


class World:
    def __init__(self) -> None:
        self.client = Client()
        keys = msgspec.json.encode({"keys": [self.client.key.as_dict(private=False)]})
        self.stores = Stores(Counters(), None, KeySources([Source("directory", keys=parse_jwks(keys))]))

    def signatures(self, owners: dict[str, str] | None = None, **rules: Any) -> Signatures:
        return Signatures(source="directory", rules=SignatureRules(**rules), owners=owners or {"partner-1": "alice"})

    def send(
        self, *schemes: Scheme, headers: Pairs = (), body: bytes = BODY, method: str = "POST", **fields: Any
    ) -> Door:
        control = authentication(realm="shop", any_of=schemes, anonymous=OperationTable(["POST /open"]))
        door = Door(make_route(control, speaks_grpc=True), answer=self.stores.answer)
        given = {"has_body": bool(body), "id": uuid4().hex, **fields}
        path = given.pop("path", "/transfers")
        self.verdict = door.send(make_request(method, path, headers, **given), body)
        return door

    def reason(self) -> str:
        assert isinstance(self.verdict, Stop), self.verdict
        return self.verdict.findings[-1].rule


@pytest.fixture
def world() -> World:
    return World()


def test_a_signed_request(world: World) -> None:
    door = world.send(world.signatures(), headers=world.client.headers())
    principal = door.session.exchange.principal
    assert isinstance(world.verdict, Pass)
    assert principal is not None
    assert (principal.id, principal.kind, principal.credential) == ("alice", "signature", "partner-1")


def test_a_body_that_was_changed(world: World) -> None:
    world.send(world.signatures(), headers=world.client.headers(), body=BODY.replace(b"7", b"9"))
    assert world.reason() == "digest-wrong"


def test_a_body_that_is_streamed_past(world: World) -> None:
    """What no control can read whole cannot be proved."""
    headers = [*world.client.headers(), ("content-type", "application/grpc")]
    world.send(world.signatures(), headers=headers)
    assert world.reason() == "digest-wrong"


@pytest.mark.parametrize(
    ("wanted", "fields"),
    [
        ("signature-wrong", {"method": "PUT"}),
        ("signature-wrong", {"path": "/transfers/9"}),
        ("signature-wrong", {"query": "a=1"}),
        ("signature-wrong", {"host": "other.example.com"}),
        ("signature-expired", {"at": AT + 400}),
        ("signature-created-in-future", {"at": AT - 400}),
    ],
)
def test_what_was_signed_cannot_be_changed(world: World, wanted: str, fields: dict[str, Any]) -> None:
    world.send(world.signatures(), headers=world.client.headers(), **fields)
    assert world.reason() == wanted


def test_a_stranger(world: World) -> None:
    world.send(world.signatures(), headers=Client("stranger").headers())
    assert world.reason() == "signature-unknown-key"
    world.send(world.signatures(), headers=Client().headers())
    assert world.reason() == "signature-wrong"


def test_without_digest(world: World) -> None:
    headers = world.client.headers(covered='("@method" "@authority" "@path" "@query")')
    world.send(world.signatures(), headers=headers)
    assert world.reason() == "signature-not-covered"


def test_a_nonce_is_good_once(world: World) -> None:
    scheme, headers = world.signatures(nonce=True), world.client.headers(more=';nonce="n-1"')
    world.send(scheme, headers=headers)
    assert isinstance(world.verdict, Pass)
    world.send(world.signatures(nonce=True), headers=headers)
    assert world.reason() == "signature-replayed"
    world.send(scheme, headers=world.client.headers())
    assert world.reason() == "signature-missing-nonce"


def test_nothing_is_signed(world: World) -> None:
    world.send(world.signatures())
    assert world.reason() == "credential-missing"
    assert isinstance(world.verdict, Stop)
    assert world.verdict.response.headers.get("www-authenticate") == 'Signature realm="shop"'


# Webhooks.


def stripe(body: bytes = BODY, at: float = AT, secret: bytes = SECRET) -> Pairs:
    mac = hmac.digest(secret, f"{int(at)}.".encode() + body, "sha256").hex()
    return [("stripe-signature", f"t={int(at)},v1={mac}")]


def webhooks(style: str = "stripe") -> Webhooks:
    return Webhooks(style=style, sender="billing", secrets=(b"old" * 8, SECRET))


def test_a_webhook(world: World) -> None:
    door = world.send(webhooks(), headers=stripe())
    assert isinstance(world.verdict, Pass)
    assert door.session.exchange.principal is not None
    assert door.session.exchange.principal.id == "billing"


def test_the_upstream_is_told_with_the_head(world: World) -> None:
    from stockade.engine import REQUEST_HEAD, drive, open_session

    control = authentication(realm="shop", any_of=[webhooks()], anonymous=OperationTable())
    door = Door(make_route(control))
    session = open_session(door.policy, make_request("POST", "/hook", stripe(), has_body=True))
    verdict = drive(session.receive(REQUEST_HEAD), world.stores.answer)
    assert isinstance(verdict, Pass)
    assert verdict.edits is not None
    assert ("x-stockade-principal", "billing") in verdict.edits.set
    assert session.exchange.principal is None  # not yet


@pytest.mark.parametrize(
    ("wanted", "headers", "body"),
    [
        ("webhook-wrong-signature", stripe(), BODY + b" "),
        ("webhook-wrong-signature", stripe(secret=b"x" * 32), BODY),
        ("webhook-wrong-signature", stripe(), b""),
        ("webhook-expired", stripe(at=AT - 400), BODY),
        ("webhook-expired", stripe(at=AT + 400), BODY),
        ("webhook-malformed", [("stripe-signature", "v1=abc")], BODY),
        ("credential-missing", [], BODY),
    ],
)
def test_bad_webhooks(world: World, wanted: str, headers: Pairs, body: bytes) -> None:
    world.send(webhooks(), headers=headers, body=body)
    assert world.reason() == wanted


def test_a_webhook_with_an_id_is_taken_once(world: World) -> None:
    signed = b"m-1.%d." % int(AT) + BODY
    mac = b64encode(hmac.digest(SECRET, signed, "sha256")).decode()
    headers = [("webhook-id", "m-1"), ("webhook-timestamp", str(int(AT))), ("webhook-signature", f"v1,{mac}")]
    world.send(webhooks("standard"), headers=headers)
    assert isinstance(world.verdict, Pass)
    world.send(webhooks("standard"), headers=headers)
    assert world.reason() == "webhook-replayed"


def test_a_good_signature_beside_a_forged_webhook(world: World) -> None:
    """What the head proves goes before what only the body could."""
    headers = [*stripe(secret=b"x" * 32), *world.client.headers()]
    door = world.send(webhooks(), world.signatures(), headers=headers)
    assert isinstance(world.verdict, Pass)
    assert door.session.exchange.principal is not None
    assert door.session.exchange.principal.id == "alice"


def test_both_are_needed(world: World) -> None:
    both = all_of([world.signatures(), webhooks()])
    world.send(both, headers=[*stripe(), *world.client.headers()])
    assert isinstance(world.verdict, Pass)
    world.send(both, headers=world.client.headers())
    assert world.reason() == "credential-missing"
    world.send(both, headers=[*stripe(secret=b"x" * 32), *world.client.headers()])
    assert world.reason() == "webhook-wrong-signature"


def test_anonymous_operations_need_no_body(world: World) -> None:
    world.send(webhooks(), path="/open")
    assert isinstance(world.verdict, Pass)
    world.send(webhooks(), path="/open", headers=stripe(secret=b"x" * 32))
    assert world.reason() == "webhook-wrong-signature"


def test_bodies_are_read_only_where_needed() -> None:
    plain = authentication(realm="x", any_of=[ApiKeys(header="x", hash_key=b"")], anonymous=OperationTable())
    assert not make_route(plain).on_request_body
    assert make_route(authentication(realm="x", any_of=[webhooks()], anonymous=OperationTable())).on_request_body


def test_what_is_described(world: World) -> None:
    assert webhooks().describe() == "webhook of billing (stripe style)"
    assert world.signatures(algorithms=frozenset({"ed25519"}), nonce=True).describe() == (
        "HTTP message signature (@method @authority @path @query content-digest; ed25519, a nonce)"
    )
