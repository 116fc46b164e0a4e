"""Client assertions (RFC 7523) and certificates (RFC 8705), and DPoP at the token endpoint: the good and the forged."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from stockade.identity.clients import Registered
from tests.controls.oauth2_issuers import DpopClient
from tests.identity.service.test_code_flow import claims
from tests.identity.service.test_token_endpoint import CLIENT, error
from tests.identity.service.token_service import BACK, ISSUER, VERIFIER, TokenService

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KEY = ECKey.generate_key("P-256")
JWKS = json.dumps({"keys": [KEY.as_dict(private=False)]}).encode()


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def said(served: TokenService, client: str, **changes: Any) -> dict[str, Any]:
    now = int(served.now)
    base = {"iss": client, "sub": client, "aud": ISSUER, "iat": now, "exp": now + 60, "jti": f"j{now}"}
    return {name: value for name, value in {**base, **changes}.items() if value is not None}


def send(served: TokenService, assertion: str, **form: str) -> httpx.Response:
    fields = {**CLIENT, "client_assertion_type": TYPE, "client_assertion": assertion, **form}
    return served.post("token", fields)


@pytest.fixture
def robot(served: TokenService) -> Registered:
    return served.robot(authentication="private_key_jwt", jwks=JWKS)


def signed(claims: dict[str, Any], key: Any = KEY, alg: str = "ES256", **header: Any) -> str:
    return jwt.encode({"alg": alg, **header}, claims, key, algorithms=[alg])


@pytest.mark.parametrize("audience", [ISSUER, ISSUER + "/oauth2/token", [ISSUER]], ids=str)
def test_an_assertion(served: TokenService, robot: Registered, audience: Any) -> None:
    assertion = signed(said(served, robot.client.id, aud=audience))
    assert send(served, assertion).status_code == 200
    assert error(send(served, assertion)) == (401, "invalid_client"), "used before"


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example"},
        {"aud": [ISSUER, "https://other.example"]},
        {"aud": []},
        {"aud": None},
        {"aud": ISSUER + "/"},
        {"exp": None},
        {"exp": 1_800_000_000 - 60},
        {"exp": 1_800_000_000 + 7200},
        {"jti": None},
        {"jti": ""},
        {"jti": "j" * 300},
        {"iss": "somebody-else"},
        {"sub": "somebody-else"},
        {"iss": None},
        {"nbf": 1_800_000_000 + 600},
    ],
    ids=lambda changes: repr(changes)[:60],
)
def test_assertions_that_say_something_else(served: TokenService, robot: Registered, changes: dict[str, Any]) -> None:
    reply = send(served, signed(said(served, robot.client.id, **changes)), client_id=robot.client.id)
    assert error(reply) in ((401, "invalid_client"), (400, "invalid_request"))


def forged(served: TokenService, client: str) -> dict[str, str]:
    members = said(served, client)
    payload = b64(json.dumps(members).encode())
    none = f"{b64(json.dumps({'alg': 'none'}).encode())}.{payload}."
    head = b64(json.dumps({"alg": "HS256"}).encode())
    pem = KEY.as_pem(private=False)
    confused = b64(hmac.digest(pem, f"{head}.{payload}".encode(), hashlib.sha256))
    other = ECKey.generate_key("P-256")
    rsa = RSAKey.generate_key(2048)
    own = other.as_dict(private=False)
    good = signed(members)
    zero = good.rpartition(".")[0] + "." + b64(bytes(64))
    return {
        "none": none,
        "none-with-signature": none + good.rpartition(".")[2],
        "confusion": f"{head}.{payload}.{confused}",
        "secret": signed(members, OctKey.import_key("of thirty-two bytes at the least."), "HS256"),
        "another-key": signed(members, other),
        "another-kind-of-key": signed(members, rsa, "RS256"),
        "embedded-key": signed(members, other, jwk=own),
        "a-place-for-keys": signed(members, other, jku="https://evil.example/jwks"),
        "psychic": zero,
        "cut": good[:-4],
        "empty": "..",
        "words": "a.b.c",
        "deep": f"{head}.{b64(b'[' * 5000)}.x",
        "no-subject": signed({**members, "sub": 7}),
    }


@pytest.mark.parametrize(
    "how",
    [
        "none",
        "none-with-signature",
        "confusion",
        "secret",
        "another-key",
        "another-kind-of-key",
        "embedded-key",
        "a-place-for-keys",
        "psychic",
        "cut",
        "empty",
        "words",
        "deep",
        "no-subject",
    ],
)
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_forged_assertions(served: TokenService, robot: Registered, how: str, known: bool) -> None:
    client = robot.client.id if known else "unknown"
    reply = send(served, forged(served, client)[how], client_id=client)
    assert error(reply) == (401, "invalid_client")


def test_an_assertion_for_a_client_with_another_way(served: TokenService) -> None:
    """And the other way round: what a client was registered for is the one way in."""
    secretive, signing = served.robot(), served.robot(authentication="private_key_jwt", jwks=JWKS)
    assert error(send(served, signed(said(served, secretive.client.id)))) == (401, "invalid_client")
    assert error(served.post("token", CLIENT, auth=(signing.client.id, ""))) == (401, "invalid_client")
    named = {**CLIENT, "client_id": signing.client.id}
    assert error(served.post("token", named)) == (401, "invalid_client")
    certificate = {"x-stockade-peer-certificate": "ab" * 32, "x-stockade-peer-subject": "CN=robot"}
    assert error(served.post("token", named, headers=certificate)) == (401, "invalid_client")


def test_the_type_of_the_assertion(served: TokenService, robot: Registered) -> None:
    assertion = signed(said(served, robot.client.id))
    saml = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"
    assert error(send(served, assertion, client_assertion_type=saml)) == (400, "invalid_request")
    assert error(send(served, assertion, client_secret="x")) == (400, "invalid_request")


# Certificates, as the gateway tells of them.


@pytest.mark.parametrize(
    "certificate",
    ["subject:CN=robot,O=Shop", "dns:robot.example", "uri:spiffe://example/robot", "sha256:" + "AB:" * 31 + "AB"],
    ids=lambda text: text.partition(":")[0],
)
def test_a_certificate(served: TokenService, certificate: str) -> None:
    robot = served.robot(authentication="tls", certificate=certificate, bound="mtls")
    facts = {
        "x-stockade-peer-certificate": "ab" * 32,
        "x-stockade-peer-subject": "CN=robot,O=Shop",
        "x-stockade-peer-dns": "robot.example",
        "x-stockade-peer-uri": "spiffe://example/robot",
    }
    form = {**CLIENT, "client_id": robot.client.id}
    reply = served.post("token", form, headers=facts)
    assert claims(reply.json()["access_token"])["cnf"] == {"x5t#S256": b64(bytes.fromhex("ab" * 32))}
    other = {name: "cd" * 32 if name.endswith("certificate") else "other" for name in facts}
    for wrong in ({}, other, dict.fromkeys(facts, "")):
        assert error(served.post("token", form, headers=wrong)) == (401, "invalid_client")


# DPoP.


def proof(served: TokenService, client: DpopClient, **changes: Any) -> dict[str, str]:
    url = ISSUER + "/oauth2/token"
    now = int(served.now)
    members = {"htm": "POST", "htu": url, "iat": now, "jti": f"p{now}", **changes}
    key = {name: value for name, value in client.key.as_dict(private=False).items() if name in ("kty", "crv", "x", "y")}
    return {"dpop": jwt.encode({"alg": "ES256", "typ": "dpop+jwt", "jwk": key}, members, client.key)}


def test_a_token_bound_by_dpop(served: TokenService) -> None:
    robot, client = served.robot(), DpopClient()
    sent = proof(served, client)
    reply = served.token(robot, CLIENT, headers=sent)
    assert reply.json()["token_type"] == "DPoP"
    assert claims(reply.json()["access_token"])["cnf"] == {"jkt": client.jkt}
    assert error(served.token(robot, CLIENT, headers=sent)) == (400, "invalid_dpop_proof"), "used before"
    forced = served.robot(bound="dpop")
    assert error(served.token(forced, CLIENT)) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize(
    "changes",
    [{"htm": "GET"}, {"htu": "https://other.example"}, {"iat": 1_700_000_000}, {"jti": ""}],
    ids=lambda changes: next(iter(changes)),
)
def test_proofs_that_do_not_fit(served: TokenService, changes: dict[str, Any]) -> None:
    reply = served.token(served.robot(), CLIENT, headers=proof(served, DpopClient(), **changes))
    assert error(reply) == (400, "invalid_dpop_proof")


def test_a_code_bound_to_a_key_is_good_with_that_key(served: TokenService) -> None:
    """RFC 9449, section 10."""
    web, client = served.web(), DpopClient()
    form = {"grant_type": "authorization_code", "redirect_uri": BACK, "code_verifier": VERIFIER}
    for key, status in ((DpopClient(), 400), (client, 200)):
        code = served.code(web, dpop_jkt=client.jkt)
        served.now += 1
        assert served.token(web, {**form, "code": code}, headers=proof(served, key)).status_code == status


def test_a_refresh_token_stays_with_its_key(served: TokenService) -> None:
    web, client = served.web(authentication="none", bound="dpop"), DpopClient()
    code = served.code(web)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    tokens = served.token(web, form, headers=proof(served, client)).json()
    refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    served.now += 1
    assert error(served.token(web, refresh, headers=proof(served, DpopClient()))) == (400, "invalid_grant")
    assert error(served.token(web, refresh)) == (400, "invalid_dpop_proof")
    assert served.token(web, refresh, headers=proof(served, client, jti="mine")).status_code == 200
