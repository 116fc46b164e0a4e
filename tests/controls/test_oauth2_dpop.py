"""OAuth 2 access tokens that are bound to a key by DPoP (RFC 9449): bad proofs as a table."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from stockade.controls.authentication import SenderConstraint
from stockade.tokens import make_nonce
from stockade.vocabulary import Pass
from tests.controls.oauth2_issuers import DpopClient, OAuthIssuer, b64
from tests.controls.oauth2_world import World, by_dpop, challenge, issuer, reason, served
from tests.exchanges import AT

__all__ = ["issuer", "served"]
URL = "https://api.example.com/orders/7"
NONCE_KEY = b"n" * 32


class BadProof(NamedTuple):
    title: str
    wanted: str
    make: Callable[[DpopClient, str], list[str]]  # of the client and its token, the lines of the DPoP field


def _with(**fields: Any) -> Callable[[DpopClient, str], list[str]]:
    return lambda client, token: [client.proof(token, **{"method": "GET", "url": URL, "at": AT, **fields})]


def rewritten(**members: Any) -> Callable[[DpopClient, str], list[str]]:
    """A header that no library would write; it is read before the signature is."""

    def make(client: DpopClient, token: str) -> list[str]:
        header, rest = client.proof(token, "GET", URL, at=AT).split(".", 1)
        said = {**json.loads(urlsafe_b64decode(header + "==")), **members}
        return [f"{b64(json.dumps(said).encode())}.{rest}"]

    return make


BAD_PROOFS = [
    BadProof("none", "not-one", lambda client, token: []),
    BadProof("two", "not-one", lambda client, token: [*_with()(client, token), *_with()(client, token)]),
    BadProof("no JWT", "malformed", lambda client, token: ["proof"]),
    BadProof("not ASCII", "malformed", lambda client, token: ["é.é.é"]),
    BadProof("long", "too-long", lambda client, token: ["a" * 5000]),
    BadProof(
        "a changed signature", "bad-signature", lambda client, token: [_with()(client, token)[0][:-8] + "AAAAAAAA"]
    ),
    BadProof("another's key", "of-another-key", lambda client, token: _with()(DpopClient(), token)),
    BadProof("another's key pasted in", "bad-signature", lambda client, token: pasted(client, token)),
    BadProof("another type", "header-refused", _with(header={"typ": "JWT"})),
    BadProof("no type", "header-refused", _with(header={"typ": None})),
    BadProof("no key", "header-refused", _with(header={"jwk": None})),
    BadProof("a key that is a text", "header-refused", rewritten(jwk="key")),
    BadProof("a symmetric key", "header-refused", _with(header={"jwk": {"kty": "oct", "k": "c2VjcmV0"}})),
    BadProof("a private key", "bad-key", lambda client, token: private(client, token)),
    BadProof("a critical extension", "header-refused", rewritten(crit=["x"], x=1)),
    BadProof("another method", "wrong-method", _with(method="POST")),
    BadProof("no method", "wrong-method", _with(htm=None)),
    BadProof("another path", "wrong-url", _with(url="https://api.example.com/orders/8")),
    BadProof("another host", "wrong-url", _with(url="https://evil.example/orders/7")),
    BadProof("another port", "wrong-url", _with(url="https://api.example.com:8443/orders/7")),
    BadProof("no URL", "wrong-url", _with(htu=None)),
    BadProof("old", "expired", _with(at=AT - 70)),
    BadProof("from the future", "issued-in-future", _with(at=AT + 60)),
    BadProof("no time", "missing-claim", _with(iat=None)),
    BadProof("no id", "missing-claim", _with(jti=None)),
    BadProof("an id that is no text", "missing-claim", _with(jti=7)),
    BadProof("an id that is a list", "missing-claim", _with(jti=["a"])),
    BadProof("an empty id", "missing-claim", _with(jti="")),
    BadProof("an id beyond all bounds", "missing-claim", _with(jti="a" * 257)),
    BadProof("another token", "wrong-token", _with(ath=b64(hashlib.sha256(b"other").digest()))),
    BadProof("no token", "wrong-token", _with(ath=None)),
]


def pasted(client: DpopClient, token: str) -> list[str]:
    return _with(header={"jwk": client.key.as_dict(private=False)})(DpopClient(), token)


def private(client: DpopClient, token: str) -> list[str]:
    return _with(header={"jwk": client.key.as_dict(private=True)})(client, token)


@pytest.mark.parametrize("case", BAD_PROOFS, ids=lambda case: case.title)
def test_bad_proofs(issuer: OAuthIssuer, case: BadProof) -> None:
    world, client = World(issuer), DpopClient()
    token = issuer.token(at=AT, cnf={"jkt": client.jkt})
    verdict = world.verdict(world.control(), by_dpop(token, *case.make(client, token)))
    assert reason(verdict) == f"proof-{case.wanted}"
    assert challenge(verdict)[1].startswith('DPoP realm="shop", error="invalid_dpop_proof", algs="')


def test_there_are_many_bad_proofs() -> None:
    assert len(BAD_PROOFS) == 31


@pytest.mark.parametrize(
    "url", [URL, f"{URL}?a=1#b", "https://API.example.com:443/orders/%37", "http://api.example.com/orders/7"]
)
def test_good_proofs(issuer: OAuthIssuer, url: str) -> None:
    world, client = World(issuer), DpopClient()
    token = issuer.token(at=AT, cnf={"jkt": client.jkt})
    control = world.control(sender=SenderConstraint("dpop"))
    assert isinstance(world.verdict(control, by_dpop(token, client.proof(token, "GET", url, at=AT))), Pass)


def test_a_proof_is_good_once(issuer: OAuthIssuer) -> None:
    world, client = World(issuer), DpopClient()
    token = issuer.token(at=AT, cnf={"jkt": client.jkt})
    headers = by_dpop(token, client.proof(token, "GET", URL, at=AT))
    controls = [world.control(), world.control()]  # of two workers
    assert isinstance(world.verdict(controls[0], headers), Pass)
    for later in (0, 30, 64):
        assert reason(world.verdict(controls[1], headers, at=AT + later)) == "proof-replayed"


def test_a_proof_for_an_unbound_token(issuer: OAuthIssuer) -> None:
    world, client = World(issuer), DpopClient()
    token = issuer.token(at=AT)
    proof = client.proof(token, "GET", URL, at=AT)
    assert reason(world.verdict(world.control(), by_dpop(token, proof))) == "token-not-bound"


def test_a_nonce_is_asked_for(issuer: OAuthIssuer) -> None:
    world, client = World(issuer), DpopClient()
    token = issuer.token(at=AT, cnf={"jkt": client.jkt})
    control = world.control(sender=SenderConstraint("dpop", nonce_key=NONCE_KEY))
    verdict = world.verdict(control, by_dpop(token, client.proof(token, "GET", URL, at=AT)))
    assert reason(verdict) == "proof-nonce-wanted"
    assert 'error="use_dpop_nonce"' in challenge(verdict)[0]
    (nonce,) = verdict.response.headers.all("dpop-nonce")
    good = by_dpop(token, client.proof(token, "GET", URL, at=AT, nonce=nonce))
    assert isinstance(world.verdict(control, good), Pass)
    for bad in (make_nonce(NONCE_KEY, AT - 600), make_nonce(b"other", AT), "", "é", 7):
        proof = client.proof(token, "GET", URL, at=AT, nonce=bad)
        assert reason(world.verdict(control, by_dpop(token, proof))) == "proof-nonce-wanted"
