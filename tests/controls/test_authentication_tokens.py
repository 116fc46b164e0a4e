"""The authentication control and JWTs of a real issuer."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from typing import Any

import pytest

from stockade.controls.authentication import Jwts
from stockade.controls.authentication import api_key as api_key_module
from stockade.controls.authentication import jwt as jwt_module
from stockade.engine import NotNow, drive, resume
from stockade.stores import Counters, KeySources, Source, Stores
from stockade.tokens import make_api_key, parse_jwks
from stockade.vocabulary import Pass, Stop, StoreError
from tests.controls.credentials_world import bearer, forged, issuer, key_header, other, refused, world
from tests.controls.issuers import Issuer
from tests.exchanges import AT, make_exchange, make_request

__all__ = ["issuer", "other", "world"]


def test_a_good_token(world):
    verdict = world.verdict(world.control(), bearer(world.issuer.token()))
    assert isinstance(verdict, Pass)
    principal = verdict.principal
    assert principal is not None
    assert (principal.id, principal.kind, principal.credential) == ("user-1", "jwt", "token-1")
    assert principal.scopes == {"orders:read", "orders:write"}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_has_any_case(world, scheme):
    assert isinstance(world.verdict(world.control(), bearer(world.issuer.token(), scheme)), Pass)


TOKEN_CASES: list[tuple[str, str, Callable[[Issuer], str]]] = [
    ("expired", "token-expired", lambda issuer: issuer.token(exp=AT - 5)),
    ("no end", "token-missing-claim", lambda issuer: issuer.token(exp=None)),
    ("not yet", "token-not-yet-valid", lambda issuer: issuer.token(nbf=AT + 60)),
    ("issued in the future", "token-issued-in-future", lambda issuer: issuer.token(iat=AT + 60)),
    ("another audience", "token-wrong-audience", lambda issuer: issuer.token(aud="billing")),
    ("no audience", "token-missing-claim", lambda issuer: issuer.token(aud=None)),
    ("another issuer", "token-wrong-issuer", lambda issuer: issuer.token(iss="https://evil.example")),
    ("no issuer", "token-missing-claim", lambda issuer: issuer.token(iss=None)),
    ("an issuer that is no text", "token-bad-claim", lambda issuer: issuer.token(iss=7)),
    ("nobody", "token-missing-claim", lambda issuer: issuer.token(sub=None)),
    ("an empty subject", "token-missing-claim", lambda issuer: issuer.token(sub="")),
    ("another's key under the same id", "token-bad-signature", lambda issuer: forged(issuer)),
    ("an unknown key", "token-unknown-key", lambda issuer: issuer.token({"kid": "who"})),
    ("a changed letter", "token-bad-signature", lambda issuer: changed(issuer.token())),
    ("no signature", "token-bad-signature", lambda issuer: issuer.token().rpartition(".")[0] + "."),
    ("unsigned", "token-algorithm-refused", lambda issuer: unsigned(issuer.token())),
    ("text", "token-malformed", lambda issuer: "opaque-session-token"),
    ("empty", "token-malformed", lambda issuer: ""),
    ("two", "token-malformed", lambda issuer: f"{issuer.token()}, Bearer {issuer.token()}"),
    ("an API key", "token-malformed", lambda issuer: make_api_key(b"i" * 16, b"s" * 32)),
    ("not ASCII", "token-malformed", lambda issuer: "é.é.é"),
    ("half a surrogate pair", "token-malformed", lambda issuer: "\ud800.\ud800.\ud800"),
    ("very long", "token-too-long", lambda issuer: issuer.token(padding="x" * 9000)),
    ("nested without end", "token-malformed", lambda issuer: nested(issuer.token())),
]


def changed(token: str) -> str:
    """One bit of the signature, and still canonical base64url."""
    at = token.rindex(".") + 5
    return token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]


def unsigned(token: str) -> str:
    return "eyJhbGciOiJub25lIn0." + token.split(".")[1] + "."


def nested(token: str) -> str:
    payload = base64.urlsafe_b64encode(b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}").rstrip(b"=").decode()
    header, _, signature = token.split(".")
    return f"{header}.{payload}.{signature}".replace(header, "e30")


@pytest.mark.parametrize(("reason", "make"), [case[1:] for case in TOKEN_CASES], ids=[case[0] for case in TOKEN_CASES])
def test_a_bad_token(world, reason, make):
    verdict = world.verdict(world.control(), bearer(make(world.issuer)))
    assert refused(verdict) == (401, [reason])
    assert verdict.findings[0].where == "header:authorization"
    assert reason.encode() not in verdict.response.body


@pytest.mark.parametrize("value", ["Basic dXNlcjpwYXNz", "Bearer", "Bearertoken", "Token abc", "", "bearer\ttoken"])
def test_another_authorization_is_no_token(world, value):
    assert refused(world.verdict(world.control(), [("authorization", value)])) == (401, ["credential-missing"])


@pytest.mark.parametrize(("at", "good"), [(AT + 304.9, True), (AT + 305, False)])
def test_a_remembered_token_ends_when_it_says(world, at, good):
    control = world.control()
    token = world.issuer.token()
    assert isinstance(world.verdict(control, bearer(token)), Pass)
    verdict = world.verdict(control, bearer(token), at=at)
    assert isinstance(verdict, Pass) if good else refused(verdict) == (401, ["token-expired"])


def test_a_remembered_token_ends_with_the_key_that_signed_it(world):
    """The issuer withdrew its key: what it signed is good no more, remembered or not."""
    control = world.control()
    issuer = Issuer("https://issuer.example")
    world.sources[0].keys = parse_jwks(issuer.jwks())
    token = issuer.token()
    assert isinstance(world.verdict(control, bearer(token)), Pass)
    issuer.rotate()
    world.sources[0].keys = parse_jwks(issuer.jwks())  # both keys: the old token is still good
    assert isinstance(world.verdict(control, bearer(token)), Pass)
    assert isinstance(world.verdict(control, bearer(issuer.token())), Pass)
    del issuer.keys[0]
    world.sources[0].keys = parse_jwks(issuer.jwks())
    assert refused(world.verdict(control, bearer(token))) == (401, ["token-unknown-key"])
    assert isinstance(world.verdict(control, bearer(issuer.token())), Pass)


def test_a_remembered_token_is_known_by_every_letter(world):
    control = world.control()
    token = world.issuer.token()
    assert isinstance(world.verdict(control, bearer(token)), Pass)
    assert refused(world.verdict(control, bearer(changed(token)))) == (401, ["token-bad-signature"])


def test_a_remembered_token_is_not_verified_again(world):
    """Only the keys are asked for, to see that they are the same; a token that is not known asks by its key id."""
    asked: list[str | None] = []

    def answer(ask: Any) -> Any:
        asked.append(ask.kid)
        return world.stores.answer(ask)

    control, token, kid = world.control(world.jwts), world.issuer.token(), world.issuer.keys[-1].kid
    for at in (AT, AT + 1, AT + 304):
        assert isinstance(world.verdict(control, bearer(token), at=at, answer=answer), Pass)
    assert asked == [kid, None, None]
    world.sources[0].keys = parse_jwks(world.issuer.jwks())
    assert isinstance(world.verdict(control, bearer(token), answer=answer), Pass)
    assert asked[3:] == [None, kid]


def test_what_is_remembered_is_bounded(world, monkeypatch):
    for module in (api_key_module, jwt_module):
        monkeypatch.setattr(module, "_REMEMBERED", 3)
    control = world.control()
    for number in range(8):
        issued = world.issue(networks=[f"203.0.113.9/{number + 1}"])
        assert isinstance(world.verdict(control, key_header(issued.text)), Pass)
        assert isinstance(world.verdict(control, bearer(world.issuer.token(jti=str(number)))), Pass)
        for table in (world.api_keys._known, world.api_keys._networks, world.jwts._verified):
            assert 0 < len(table) <= 3


def test_a_bad_token_is_not_remembered(world):
    """Else whoever sends garbage would push out those that are in use."""
    control = world.control()
    for _, _, make in TOKEN_CASES:
        assert isinstance(world.verdict(control, bearer(make(world.issuer))), Stop)
    assert world.jwts._verified == {}


def test_an_unknown_key_id_waits_for_one_look_at_the_issuer(world):
    """`NotNow` leaves the driver with the generator attached; the door resumes it when the look is done."""
    issuer = Issuer("https://issuer.example")
    source = Source("x", url="https://issuer.example/jwks.json", keys=parse_jwks(issuer.jwks()))
    sources = KeySources([source])
    stores = Stores(Counters(), None, sources)
    control = world.control(Jwts(source="x", rules=issuer.rules()))
    issuer.rotate()
    exchange = make_exchange(make_request("GET", "/orders", bearer(issuer.token())))
    source.fetched = source.looked = float("-inf")
    with pytest.raises(StoreError, match="too old"):
        drive(control.on_request(exchange), stores.answer)
    source.fetched = time.monotonic()
    with pytest.raises(NotNow) as caught:
        drive(control.on_request(exchange), stores.answer)
    source.keys = parse_jwks(issuer.jwks())

    async def answer_later(ask):
        return sources.find(ask)

    verdict = asyncio.run(resume(caught.value, answer_later))
    assert verdict.principal.id == "user-1"
