"""The authentication control and API keys of the real store."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import NamedTuple

import pytest

from stockade.controls.authentication import ApiKeys
from stockade.identity import Issued
from stockade.tokens import make_api_key
from stockade.tokens.api_key import _base62
from stockade.vocabulary import Pass, Stop
from tests.controls.credentials_world import HASH_KEY, World, issuer, key_header, other, refused, world
from tests.exchanges import AT

__all__ = ["issuer", "other", "world"]
A_WEEK = 7 * 86400.0


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
