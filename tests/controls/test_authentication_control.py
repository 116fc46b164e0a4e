"""The authentication control, with keys from the real store and tokens of a real issuer."""

from __future__ import annotations

import asyncio
import base64
import json
import time
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from stockade.controls.authentication import ApiKeys, Authentication, Jwts, Scheme
from stockade.controls.authentication import api_key as api_key_module
from stockade.controls.authentication import jwt as jwt_module
from stockade.engine import Answer, NotNow, drive, resume
from stockade.identity import ApiKeys as Issuance
from stockade.identity import Issued
from stockade.operations import OperationTable
from stockade.stores import Counters, KeySources, KeyStore, Source, Stores
from stockade.tokens import make_api_key, parse_jwks
from stockade.tokens.api_key import _base62
from stockade.vocabulary import PASS, Pass, Stop, StoreError
from tests.controls.issuers import Issuer
from tests.exchanges import AT, Pairs, make_exchange, make_request

HASH_KEY = b"h" * 32
A_WEEK = 7 * 86400.0


@pytest.fixture(scope="module")
def issuer():
    return Issuer("https://issuer.example")


@pytest.fixture(scope="module")
def other():
    return Issuer("https://other.example")


class World:
    """A store of keys, two issuers, and a control that takes whatever schemes a test wants."""

    def __init__(self, folder: Path, issuer: Issuer, other: Issuer) -> None:
        self.keys = KeyStore(folder / "keys.db")
        self.issuance = Issuance(self.keys, HASH_KEY)
        self.issuer, self.other = issuer, other
        self.sources = [Source(item.url, keys=parse_jwks(item.jwks())) for item in (issuer, other)]
        self.stores = Stores(Counters(), self.keys, KeySources(self.sources))
        self.api_keys = ApiKeys(header="X-API-Key", hash_key=HASH_KEY)
        self.jwts = Jwts(source=issuer.url, rules=issuer.rules())
        self.others_jwts = Jwts(source=other.url, rules=other.rules())

    def control(self, *schemes: Scheme, anonymous: Iterable[str] = ("GET /health", "POST /login")) -> Authentication:
        return Authentication(
            realm="shop", any_of=schemes or (self.api_keys, self.jwts), anonymous=OperationTable(anonymous)
        )

    def verdict(
        self,
        control: Authentication,
        headers: Pairs = (),
        *,
        method: str = "GET",
        path: str = "/orders/7",
        at: float = AT,
        client: str = "203.0.113.9",
        answer: Answer | None = None,
    ) -> Any:
        exchange = make_exchange(make_request(method, path, headers, at=at), client=client)
        return drive(control.on_request(exchange), answer or self.stores.answer)

    def issue(self, **fields: Any) -> Issued:
        return self.issuance.issue("alice", AT - 1000, scopes=["orders:read"], **fields)


@pytest.fixture
def world(tmp_path, issuer, other):
    world = World(tmp_path, issuer, other)
    yield world
    world.stores.close()


def key_header(text: str, name: str = "X-API-Key") -> list[tuple[str, str]]:
    return [(name, text)]


def bearer(token: str, scheme: str = "Bearer") -> list[tuple[str, str]]:
    return [("Authorization", f"{scheme} {token}")]


def refused(verdict: Any) -> tuple[int, list[str]]:
    """The status and the reasons."""
    assert isinstance(verdict, Stop)
    assert verdict.action == "deny"
    return verdict.response.status, [finding.rule for finding in verdict.findings]


# API keys.


def test_a_good_key(world):
    issued = world.issue()
    verdict = world.verdict(world.control(), key_header(issued.text))
    assert isinstance(verdict, Pass)
    principal = verdict.principal
    assert principal is not None
    assert (principal.id, principal.kind, principal.credential, principal.scopes) == (
        "alice",
        "api_key",
        issued.record.id,
        frozenset({"orders:read"}),
    )
    assert verdict.findings == ()


class KeyCase(NamedTuple):
    title: str
    reason: str
    spoil: Callable[[World, Issued], str]  # of the world and an issued key, the text that is sent


def revoke(world: World, issued: Issued) -> str:
    world.issuance.revoke(issued.record.id, AT - 1)
    return issued.text


def from_another_store(world: World, issued: Issued) -> str:
    return make_api_key(b"i" * 16, b"s" * 32)


def with_another_secret(world: World, issued: Issued) -> str:
    """The id of a key that exists, and a right checksum."""
    body = issued.text[:17] + "0" * 32
    return body + _base62(zlib.crc32(body.encode()), 6)


KEY_CASES = [
    KeyCase("revoked", "key-revoked", revoke),
    KeyCase("unknown", "key-unknown", from_another_store),
    KeyCase("another secret", "key-unknown", with_another_secret),
    KeyCase("a mistyped letter", "key-malformed", lambda world, issued: issued.text[:-1] + "~"),
    KeyCase("a wrong checksum", "key-malformed", lambda world, issued: issued.text[:-6] + "000000"),
    KeyCase("a blank behind", "key-malformed", lambda world, issued: issued.text + " "),
    KeyCase("twice", "key-malformed", lambda world, issued: f"{issued.text}, {issued.text}"),
    KeyCase("empty", "key-malformed", lambda world, issued: ""),
    KeyCase("no key at all", "key-malformed", lambda world, issued: "password"),
    KeyCase("not ASCII", "key-malformed", lambda world, issued: "é" * 55),
    KeyCase("half a surrogate pair", "key-malformed", lambda world, issued: "\ud800" * 55),
    KeyCase("the stored digest", "key-malformed", lambda world, issued: issued.record.digest.hex()),
]


@pytest.mark.parametrize("case", KEY_CASES, ids=lambda case: case.title)
def test_a_bad_key(world, case):
    issued = world.issue()
    text = case.spoil(world, issued)
    verdict = world.verdict(world.control(), key_header(text))
    assert refused(verdict) == (401, [case.reason])
    assert verdict.findings[0].where == "header:x-api-key"
    told = json.loads(verdict.response.body)
    assert (told["detail"], told["request_id"]) == ("The credential is not valid.", "r-1")
    assert case.reason not in json.dumps(told)  # the client learns only that it failed


@pytest.mark.parametrize(("at", "reasons"), [(AT - 0.5, []), (AT, ["key-expired"]), (AT + A_WEEK, ["key-expired"])])
def test_a_key_that_expires(world, at, reasons):
    issued = world.issue(expires=AT)
    control = world.control()
    assert isinstance(world.verdict(control, key_header(issued.text), at=AT - 1), Pass)
    verdict = world.verdict(control, key_header(issued.text), at=at)  # known by now
    assert (refused(verdict)[1] if isinstance(verdict, Stop) else []) == reasons


def test_a_key_revoked_while_it_is_in_use(world):
    issued = world.issue()
    control = world.control()
    assert isinstance(world.verdict(control, key_header(issued.text)), Pass)
    world.issuance.revoke(issued.record.id, AT)
    assert refused(world.verdict(control, key_header(issued.text))) == (401, ["key-revoked"])


@pytest.mark.parametrize(
    ("networks", "client", "good"),
    [
        (["203.0.113.0/24"], "203.0.113.9", True),
        (["203.0.113.0/24"], "::ffff:203.0.113.9", True),
        (["203.0.113.0/24"], "198.51.100.7", False),
        (["198.51.100.0/24", "2001:db8::/32"], "2001:db8::1", True),
        (["198.51.100.0/24", "2001:db8::/32"], "unknown", False),
    ],
)
def test_a_key_may_be_bound_to_networks(world, networks, client, good):
    issued = world.issue(networks=networks)
    verdict = world.verdict(world.control(), key_header(issued.text), client=client)
    assert isinstance(verdict, Pass) if good else refused(verdict) == (401, ["key-wrong-address"])


def test_a_stolen_store_is_of_no_use_under_another_hash_key(world):
    issued = world.issue()
    stranger = ApiKeys(header="X-API-Key", hash_key=b"g" * 32)
    assert refused(world.verdict(world.control(stranger), key_header(issued.text))) == (401, ["key-unknown"])


def test_a_known_key_does_not_vouch_for_its_neighbour(world):
    """Principals are remembered by the digest of the whole key: one more key, one more look."""
    first, second = world.issue(), world.issuance.issue("bob", AT)
    control = world.control()
    for issued, owner in ((first, "alice"), (second, "bob"), (first, "alice")):
        assert world.verdict(control, key_header(issued.text)).principal.id == owner
    swapped = with_another_secret(world, first)
    assert refused(world.verdict(control, key_header(swapped))) == (401, ["key-unknown"])


def test_a_key_that_was_deleted_while_known(world):
    issued = world.issue()
    control = world.control()
    assert isinstance(world.verdict(control, key_header(issued.text)), Pass)
    assert refused(world.verdict(control, key_header(issued.text), answer=lambda ask: None)) == (401, ["key-unknown"])


def test_keys_in_another_header(world):
    issued = world.issue()
    control = world.control(ApiKeys(header="X-Token", hash_key=HASH_KEY))
    assert isinstance(world.verdict(control, key_header(issued.text, "x-token")), Pass)
    assert refused(world.verdict(control, key_header(issued.text))) == (401, ["credential-missing"])


# Tokens.


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


def forged(issuer: Issuer) -> str:
    thief = Issuer(issuer.url)
    return thief.token({"kid": issuer.keys[-1].kid})


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


# Several schemes.


def test_any_one_is_enough(world):
    issued, token = world.issue(), world.issuer.token()
    for headers, who in [
        (key_header(issued.text), "alice"),
        (bearer(token), "user-1"),
        (key_header(issued.text) + bearer(token), "alice"),
        (key_header("bad") + bearer(token), "user-1"),
        (key_header(issued.text) + bearer("bad"), "alice"),
    ]:
        assert world.verdict(world.control(), headers).principal.id == who


def test_all_that_were_sent_and_refused_are_named(world):
    verdict = world.verdict(world.control(), key_header("bad") + bearer(world.issuer.token(exp=AT - 60)))
    assert refused(verdict) == (401, ["key-malformed", "token-expired"])


def test_two_issuers(world):
    control = world.control(world.jwts, world.others_jwts)
    assert world.verdict(control, bearer(world.issuer.token(sub="a"))).principal.id == "a"
    assert world.verdict(control, bearer(world.other.token(sub="b"))).principal.id == "b"
    crossed = world.other.token(iss=world.issuer.url)
    assert refused(world.verdict(control, bearer(crossed))) == (401, ["token-unknown-key", "token-wrong-issuer"])
    late = world.verdict(control, bearer(world.other.token(exp=AT - 60)))
    assert refused(late) == (401, ["token-wrong-issuer", "token-expired"])


def test_an_issuer_that_is_down_does_not_shut_out_the_callers_of_another(world):
    world.sources[0].keys = None
    control = world.control(world.jwts, world.others_jwts, world.api_keys)
    issued = world.issue()
    assert world.verdict(control, bearer(world.other.token(sub="b"))).principal.id == "b"
    assert world.verdict(control, key_header(issued.text) + bearer(world.issuer.token())).principal.id == "alice"
    with pytest.raises(StoreError, match="cannot be had"):
        world.verdict(control, bearer(world.issuer.token()))
    with pytest.raises(StoreError, match="cannot be had"):  # never a 401 for what could not be checked
        world.verdict(control, key_header("bad") + bearer(world.issuer.token()))
    assert world.verdict(control, bearer(world.issuer.token()), path="/health").principal is None


def test_a_token_of_one_issuer_never_sends_us_to_look_at_another(world):
    """Its key id is unknown there, and each look holds requests up."""
    asked = []

    def answer(ask):
        asked.append(ask.source)
        return world.stores.answer(ask)

    control = world.control(world.jwts, world.others_jwts)
    world.verdict(control, bearer(world.other.token()), answer=answer)
    assert set(asked) == {world.other.url}


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


# Anonymous operations.


@pytest.mark.parametrize(
    ("method", "path", "good"),
    [
        ("GET", "/health", True),
        ("POST", "/login", True),
        ("GET", "/login", False),
        ("HEAD", "/health", False),
        ("GET", "/health/", False),
        ("GET", "/health/x", False),
        ("GET", "/Health", False),
        ("GET", "/orders/health", False),
    ],
)
def test_anonymous_operations(world, method, path, good):
    verdict = world.verdict(world.control(), method=method, path=path)
    assert verdict is PASS if good else refused(verdict) == (401, ["credential-missing"])


def test_on_an_anonymous_operation_a_good_credential_still_names_its_owner(world):
    issued = world.issue()
    assert world.verdict(world.control(), key_header(issued.text), path="/health").principal.id == "alice"


def test_on_an_anonymous_operation_a_bad_credential_makes_nobody(world):
    verdict = world.verdict(world.control(), key_header("bad"), path="/health")
    assert isinstance(verdict, Pass)
    assert verdict.principal is None


# What the upstream gets to see.


class Hiding(NamedTuple):
    title: str
    sent: str  # of "key", "token", "bad key", "bad token", "basic"
    forward: str  # schemes that forward
    path: str
    hidden: set[str]


HIDING = [
    Hiding("a key is ours to check", "key", "jwt", "/orders", {"x-api-key"}),
    Hiding("unless the policy forwards it", "key", "api_key jwt", "/orders", set()),
    Hiding("a token is the upstream's too", "token", "jwt", "/orders", set()),
    Hiding("unless the policy hides it", "token", "", "/orders", {"authorization"}),
    Hiding(
        "both good: only the proven one is vouched for", "key+token", "jwt", "/orders", {"x-api-key", "authorization"}
    ),
    Hiding("a forged token beside a good key", "key+bad token", "jwt", "/orders", {"x-api-key", "authorization"}),
    Hiding("a bad key beside a good token", "bad key+token", "api_key jwt", "/orders", {"x-api-key"}),
    Hiding("a forged token on an anonymous operation", "bad token", "jwt", "/health", {"authorization"}),
    Hiding("a bad key on an anonymous operation", "bad key", "jwt", "/health", {"x-api-key"}),
    Hiding("the upstream's own login", "basic", "jwt", "/health", set()),
    Hiding("the upstream's own login beside a key", "key+basic", "jwt", "/orders", {"x-api-key"}),
    Hiding("nothing to hide", "", "jwt", "/health", set()),
]


@pytest.mark.parametrize("case", HIDING, ids=lambda case: case.title)
def test_what_the_upstream_does_not_get_to_see(world, case):
    credentials = {
        "key": key_header(world.issue().text),
        "bad key": key_header("bad"),
        "token": bearer(world.issuer.token()),
        "bad token": bearer(forged(world.issuer)),
        "basic": [("authorization", "Basic dXNlcjpwYXNz")],
        "": [],
    }
    control = world.control(
        ApiKeys(header="X-API-Key", hash_key=HASH_KEY, forward="api_key" in case.forward),
        Jwts(source=world.issuer.url, rules=world.issuer.rules(), forward="jwt" in case.forward),
    )
    headers = [pair for name in case.sent.split("+") for pair in credentials[name]]
    verdict = world.verdict(control, [*headers, ("accept", "a")], path=case.path)
    assert isinstance(verdict, Pass)
    assert set(verdict.edits.remove if verdict.edits else ()) == case.hidden


def test_by_default_a_key_is_hidden_and_a_token_is_forwarded(world):
    assert not ApiKeys(header="x", hash_key=HASH_KEY).forward
    assert Jwts(source="x", rules=world.issuer.rules()).forward


def test_with_two_issuers_the_proven_ones_choice_holds(world):
    hiding = Jwts(source=world.issuer.url, rules=world.issuer.rules(), forward=False)
    control = world.control(hiding, world.others_jwts)
    assert world.verdict(control, bearer(world.other.token())).edits is None
    assert world.verdict(control, bearer(world.issuer.token())).edits.remove == ("authorization",)


# Challenges (RFC 9110, section 11.6.1).


def test_each_scheme_challenges(world):
    verdict = world.verdict(world.control())
    assert refused(verdict) == (401, ["credential-missing"])
    assert verdict.findings[0].where == "header:x-api-key+header:authorization"
    assert verdict.response.headers.all("www-authenticate") == [
        'ApiKey realm="shop", header="x-api-key"',
        'Bearer realm="shop"',
    ]
    assert json.loads(verdict.response.body)["detail"] == "A credential is required."


def test_a_token_that_was_refused_is_told_so(world):
    """RFC 6750, section 3.1: and a request without a token is told nothing."""
    verdict = world.verdict(world.control(world.jwts), bearer("bad"))
    assert verdict.response.headers.all("www-authenticate") == ['Bearer realm="shop", error="invalid_token"']


def test_two_issuers_make_one_challenge(world):
    control = world.control(world.jwts, world.others_jwts)
    assert world.verdict(control).response.headers.all("www-authenticate") == ['Bearer realm="shop"']


def test_what_is_described(world):
    assert world.control().describe() == (
        "API key (x-api-key) or JWT of https://issuer.example (ES256); none for 2 operation(s)"
    )
    assert world.control(world.api_keys, anonymous=()).describe() == "API key (x-api-key)"


# Failure.


def test_a_dead_store_is_no_401(world):
    issued = world.issue()
    world.keys.path.unlink()
    with pytest.raises(StoreError, match="unable to open"):
        world.verdict(world.control(), key_header(issued.text))


def test_no_secret_is_kept_or_shown(world):
    """After use, neither the schemes nor a repr of what they gave holds a key."""
    issued = world.issue()
    verdict = world.verdict(world.control(), key_header(issued.text))
    secret = issued.text[17:]
    assert secret not in repr(verdict) + repr(vars(world.api_keys)) + repr(issued)
