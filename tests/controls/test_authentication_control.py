"""The authentication control, with keys from the real store and tokens of a real issuer: its schemes together."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest

from stockade.controls.authentication import ApiKeys, Jwts
from stockade.vocabulary import PASS, Pass, StoreError
from tests.controls.credentials_world import HASH_KEY, bearer, forged, issuer, key_header, other, refused, world
from tests.exchanges import AT

__all__ = ["issuer", "other", "world"]


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
