"""OAuth 2 access tokens: a real issuer on the loopback interface, real stores, attacks as a table."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from stockade.controls.authentication import Authentication, SenderConstraint, StepUp, all_of
from stockade.operations import OperationTable
from stockade.tokens import ProofRules
from stockade.vocabulary import Pass, StoreError
from tests.controls.oauth2_issuers import OAuthIssuer, b64
from tests.controls.oauth2_world import World, bearer, challenge, issuer, reason, served
from tests.exchanges import AT

__all__ = ["issuer", "served"]


CERTIFICATE = hashlib.sha256(b"a certificate").hexdigest()
BOUND = {"x5t#S256": b64(bytes.fromhex(CERTIFICATE))}


def test_a_good_token_and_discovery(issuer: OAuthIssuer) -> None:
    world = World(issuer)
    verdict = world.verdict(world.control(), bearer(issuer.token(at=AT, acr="mfa", amr=["pwd", "otp"], auth_time=AT)))
    assert isinstance(verdict, Pass)
    principal = verdict.principal
    assert principal is not None
    assert (principal.id, principal.kind, principal.scopes) == ("carol", "oauth2", frozenset({"orders:read"}))
    assert (principal.acr, principal.amr, principal.auth_time) == ("mfa", frozenset({"pwd", "otp"}), AT)
    assert [path for _, path in issuer.asked] == ["/.well-known/openid-configuration", "/keys"]


def test_rotated_keys_are_found(issuer: OAuthIssuer) -> None:
    world, control = World(issuer), None
    control = world.control()
    assert isinstance(world.verdict(control, bearer(issuer.token(at=AT))), Pass)
    issuer.rotate()
    world.stores.sources.all()[0].looked = float("-inf")  # a while later
    assert isinstance(world.verdict(control, bearer(issuer.token(at=AT))), Pass)


@pytest.mark.parametrize(
    "said",
    [
        {"issuer": "https://evil.example"},
        {"jwks_uri": "http://evil.example/keys"},
        {"jwks_uri": None},
        {"jwks_uri": "ftp://[::1"},
    ],
    ids=["another issuer", "keys in clear", "no keys", "no URL"],
)
def test_metadata_that_cannot_be_believed(issuer: OAuthIssuer, said: dict[str, Any]) -> None:
    world, issuer.said = World(issuer), said
    with pytest.raises(StoreError):
        world.verdict(world.control(), bearer(issuer.token(at=AT)))


BAD_TOKENS: list[tuple[str, str, Callable[[OAuthIssuer], str]]] = [
    ("an ID token", "token-wrong-type", lambda issuer: issuer.token({"typ": "JWT"}, at=AT)),
    ("no type", "token-wrong-type", lambda issuer: issuer.token({"typ": None}, at=AT)),
    ("a proof", "token-wrong-type", lambda issuer: issuer.token({"typ": "dpop+jwt"}, at=AT)),
    ("no client", "token-missing-claim", lambda issuer: issuer.token(at=AT, client_id=None)),
    ("no id", "token-missing-claim", lambda issuer: issuer.token(at=AT, jti=None)),
    ("no time of issue", "token-missing-claim", lambda issuer: issuer.token(at=AT, iat=None)),
    ("nobody", "token-missing-claim", lambda issuer: issuer.token(at=AT, sub=None)),
    ("another audience", "token-wrong-audience", lambda issuer: issuer.token(at=AT, aud="billing")),
    ("another issuer", "token-wrong-issuer", lambda issuer: issuer.token(at=AT, iss="https://evil.example")),
    ("expired", "token-expired", lambda issuer: issuer.token(at=AT - 1000)),
    ("not asked about", "token-malformed", lambda issuer: "é" * 20),
    ("blanks", "token-malformed", lambda issuer: "a b"),
    ("endless", "token-malformed", lambda issuer: "a" * 5000),
    ("unknown opaque", "token-inactive", lambda issuer: "who-knows"),
    ("odd binding", "token-binding-unknown", lambda issuer: issuer.token(at=AT, cnf={"jwk": {}})),
    ("empty binding", "token-binding-unknown", lambda issuer: issuer.token(at=AT, cnf={})),
    ("binding to nothing", "token-binding-unknown", lambda issuer: issuer.token(at=AT, cnf={"jkt": ""})),
    ("binding to a number", "token-binding-unknown", lambda issuer: issuer.token(at=AT, cnf={"jkt": 7})),
    ("binding that is a text", "token-binding-unknown", lambda issuer: issuer.token(at=AT, cnf="jkt")),
    ("bound by a key, sent as bearer", "proof-missing", lambda issuer: issuer.token(at=AT, cnf={"jkt": "x"})),
    ("bound to a certificate", "certificate-missing", lambda issuer: issuer.token(at=AT, cnf=BOUND)),
]


@pytest.mark.parametrize(("wanted", "make"), [case[1:] for case in BAD_TOKENS], ids=[case[0] for case in BAD_TOKENS])
def test_bad_tokens(issuer: OAuthIssuer, wanted: str, make: Callable[[OAuthIssuer], str]) -> None:
    world = World(issuer)
    verdict = world.verdict(world.control(), bearer(make(issuer)))
    assert reason(verdict) == wanted
    assert challenge(verdict) == ['Bearer realm="shop", error="invalid_token"']


def test_there_are_many_bad_tokens() -> None:
    assert len(BAD_TOKENS) == 21


# Bound to a certificate (RFC 8705).


@pytest.mark.parametrize(
    ("certificate", "wanted"),
    [(CERTIFICATE, ""), ("", "certificate-missing"), ("00" * 32, "token-of-another-certificate")],
)
def test_bound_to_a_certificate(issuer: OAuthIssuer, certificate: str, wanted: str) -> None:
    world = World(issuer)
    verdict = world.verdict(world.control(), bearer(issuer.token(at=AT, cnf=BOUND)), certificate=certificate)
    assert isinstance(verdict, Pass) if not wanted else reason(verdict) == wanted


@pytest.mark.parametrize("required", ["any", "mtls", "dpop"])
def test_unbound_tokens_may_be_refused(issuer: OAuthIssuer, required: Any) -> None:
    world = World(issuer)
    control = world.control(sender=SenderConstraint(required))
    assert reason(world.verdict(control, bearer(issuer.token(at=AT)))) == "token-not-bound"


# Scopes, step-up, combinations.


def test_a_scope_that_is_missing(issuer: OAuthIssuer) -> None:
    world = World(issuer)
    control = world.control(scopes=frozenset({"orders:write", "orders:read"}), metadata="https://api.example.com/m")
    verdict = world.verdict(control, bearer(issuer.token(at=AT)))
    assert (verdict.response.status, reason(verdict)) == (403, "scope-missing")
    assert challenge(verdict) == [
        'Bearer realm="shop", resource_metadata="https://api.example.com/m", error="insufficient_scope", '
        'scope="orders:read orders:write"'
    ]


@pytest.mark.parametrize(
    ("claims", "wanted"),
    [
        ({"acr": "mfa", "auth_time": AT - 100}, ""),
        ({"acr": "1", "amr": ["pwd", "mfa"], "auth_time": AT - 100}, ""),
        ({"acr": "1", "auth_time": AT - 100}, "login-too-weak"),
        ({"auth_time": AT - 100}, "login-too-weak"),
        ({"acr": ["mfa"], "auth_time": AT}, "login-too-weak"),
        ({"acr": "mfa", "auth_time": AT - 306}, "login-too-old"),
        ({"acr": "mfa"}, "login-too-old"),
        ({"acr": "mfa", "auth_time": "now"}, "login-too-old"),
        ({"acr": "mfa", "auth_time": True}, "login-too-old"),
        ({"acr": "mfa", "auth_time": AT + 3600}, "login-too-old"),
    ],
)
def test_step_up(issuer: OAuthIssuer, claims: dict[str, Any], wanted: str) -> None:
    world = World(issuer)
    control = world.control(step_up=[StepUp(OperationTable(["GET /orders/{id}"]), ("mfa", "hwk"), 300)])
    verdict = world.verdict(control, bearer(issuer.token(at=AT, **claims)))
    if not wanted:
        assert isinstance(verdict, Pass)
        return
    assert (verdict.response.status, reason(verdict), verdict.action) == (401, wanted, "challenge")
    assert challenge(verdict) == [
        'Bearer realm="shop", error="insufficient_user_authentication", '
        'error_description="A stronger or more recent login is required", acr_values="mfa hwk", max_age="300"'
    ]


def test_all_of_several(issuer: OAuthIssuer) -> None:
    world = World(issuer)
    both = all_of([world.scheme(), world.scheme(scopes=frozenset({"orders:write"}))])
    control = Authentication(realm="shop", any_of=[both], anonymous=OperationTable())
    assert world.verdict(control, bearer(issuer.token(at=AT))).response.status == 403
    good = world.verdict(control, bearer(issuer.token(at=AT, scope="orders:write")))
    assert good.principal.id == "carol"
    assert reason(world.verdict(control, [])) == "credential-missing"


# Opaque tokens (RFC 7662).


def active(**claims: Any) -> dict[str, Any]:
    return {"active": True, "sub": "dave", "aud": "orders", "scope": "a b", "exp": AT + 300, **claims}


def test_opaque_tokens_are_asked_about_once(issuer: OAuthIssuer) -> None:
    world, issuer.opaque = World(issuer), {"t1": active(cnf=BOUND)}
    control = world.control()
    for _ in range(3):
        verdict = world.verdict(control, bearer("t1"), certificate=CERTIFICATE)
        assert (verdict.principal.id, verdict.principal.scopes) == ("dave", {"a", "b"})
    assert reason(world.verdict(control, bearer("t1"))) == "certificate-missing"
    posts = [told for kind, told in issuer.asked if kind == "POST"]
    assert posts == ["Basic Z2F0ZSt3YXk6cyUzQWNyZXQ="]


def test_who_waits_for_the_same_token_shares_a_look(issuer: OAuthIssuer) -> None:
    world, issuer.opaque, issuer.slow = World(issuer), {"t1": active()}, 0.1
    control = world.control()

    async def crowd() -> list[Any]:
        return await asyncio.gather(*(world.ask(control, bearer("t1")) for _ in range(50)))

    assert all(isinstance(verdict, Pass) for verdict in asyncio.run(crowd()))
    assert world.introspection.asked == 1


@pytest.mark.parametrize(
    "answer",
    [
        {"active": False},
        active(aud="billing"),
        active(aud=None),
        active(iss="https://evil.example"),
        active(exp=AT - 60),
        active(nbf=AT + 60),
        active(exp="soon"),
        active(sub=None),
        {"active": True, "sub": "dave"},
    ],
)
def test_answers_that_refuse(issuer: OAuthIssuer, answer: dict[str, Any]) -> None:
    world, issuer.opaque = World(issuer), {"t1": answer}
    assert reason(world.verdict(world.control(), bearer("t1"))) == "token-inactive"


@pytest.mark.parametrize("answer", [{}, {"active": "true"}, {"active": 1}])
def test_answers_that_are_none(issuer: OAuthIssuer, answer: dict[str, Any]) -> None:
    world, issuer.opaque = World(issuer), {"t1": answer}
    with pytest.raises(StoreError):
        world.verdict(world.control(), bearer("t1"))


def test_an_issuer_that_is_down(issuer: OAuthIssuer) -> None:
    world, issuer.opaque = World(issuer, cache=0.01, stale=60.0), {"t1": active()}
    control = world.control()
    assert isinstance(world.verdict(control, bearer("t1")), Pass)
    issuer.dead = True
    asyncio.run(asyncio.sleep(0.02))
    assert isinstance(world.verdict(control, bearer("t1")), Pass)  # the last answer stands in
    before = world.introspection.asked
    with pytest.raises(StoreError, match="a moment ago"):
        world.verdict(control, bearer("t2"))
    assert world.introspection.asked == before


def test_what_is_described(issuer: OAuthIssuer) -> None:
    world = World(issuer)
    rule = StepUp(OperationTable(["POST /transfers"]), ("mfa",), 300)
    control = world.control(sender=SenderConstraint("dpop", ProofRules()), step_up=[rule])
    assert control.describe() == (
        f"OAuth 2 access token of {issuer.url} (JWT, ES256 or introspection, bound by DPoP); "
        "acr mfa and a login within 300 s for 1 operation(s)"
    )
    assert "secret" not in repr(world.introspector)
