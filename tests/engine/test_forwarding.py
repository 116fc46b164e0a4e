"""What the upstream is told: of the client only what we know, of the principal only what was proven."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.networks import NetworkSet
from stockade.vocabulary import Control, Edits, Pass, Principal
from stockade.wire import Request
from tests.exchanges import Door, make_control, make_request, make_route, says

PROXY = NetworkSet(["10.0.0.0/8"])
FORGED = [
    "x-stockade-principal",
    "x-stockade-credential",
    "x-stockade-scopes",
    "x-stockade-route",
]
A_PROXYS = [
    "forwarded",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-original-url",
    "x-rewrite-url",
]


def upstream_sees(request: Request, *controls: Control, **fields: Any) -> dict[str, str]:
    """The head that the upstream gets: edits applied as the doors do."""
    verdict = Door(make_route(*controls, **fields)).send(request)
    assert isinstance(verdict, Pass)
    assert verdict.edits is not None
    changed = {name for name, _ in verdict.edits.set}.union(verdict.edits.remove)
    return dict([*(pair for pair in request.headers if pair[0] not in changed), *verdict.edits.set])


def proven(**fields: Any) -> Control:
    return make_control("authentication", on_request=says(Pass(principal=Principal(**fields))))


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize("peer", ["203.0.113.9", "10.0.0.1"])
def test_forged_identity_is_removed_whoever_brings_it(name, peer):
    seen = upstream_sees(make_request(headers=[(name, "admin")], peer=peer), trusted_proxies=PROXY)
    assert seen.get(name) == ("shop-1" if name == "x-stockade-route" else None)


@pytest.mark.parametrize("name", A_PROXYS)
def test_what_only_a_proxy_may_say_is_kept_from_a_trusted_one_alone(name):
    forged = [(name, "127.0.0.1")]
    assert name not in upstream_sees(make_request(headers=forged), trusted_proxies=PROXY)
    assert name not in upstream_sees(make_request(headers=forged, peer="10.0.0.1"))
    assert upstream_sees(make_request(headers=forged, peer="10.0.0.1"), trusted_proxies=PROXY)[name] == "127.0.0.1"


@pytest.mark.parametrize(
    ("peer", "sent", "told"),
    [
        ("203.0.113.9", None, "203.0.113.9"),
        ("203.0.113.9", "127.0.0.1", "203.0.113.9"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7", "198.51.100.7, 10.0.0.1"),
        ("10.0.0.1", "127.0.0.1, 198.51.100.7", "198.51.100.7, 10.0.0.1"),
        ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7, 10.0.0.1"),
        ("10.0.0.1", "garbage", "10.0.0.1"),
    ],
)
def test_the_chain_of_x_forwarded_for_holds_nothing_that_an_untrusted_hop_wrote(peer, sent, told):
    headers = [] if sent is None else [("x-forwarded-for", sent)]
    assert upstream_sees(make_request(headers=headers, peer=peer), trusted_proxies=PROXY)["x-forwarded-for"] == told


def test_the_client_is_the_one_that_the_trusted_proxy_names():
    door = Door(make_route(trusted_proxies=PROXY))
    door.send(make_request(headers=[("x-forwarded-for", "198.51.100.7")], peer="10.0.0.1"))
    assert door.session.close(200, 1.0).client == "198.51.100.7"
    door.send(make_request(headers=[("x-forwarded-for", "198.51.100.7")]))
    assert door.session.close(200, 1.0).client == "203.0.113.9"


def test_a_principal_replaces_what_was_forged():
    control = proven(id="alice", kind="api_key", credential="k1", scopes=frozenset({"orders:write", "orders:read"}))
    seen = upstream_sees(make_request(headers=[(name, "admin") for name in FORGED]), control)
    assert {name: seen[name] for name in FORGED} == {
        "x-stockade-principal": "alice",
        "x-stockade-credential": "k1",
        "x-stockade-scopes": "orders:read orders:write",
        "x-stockade-route": "shop-1",
    }


def test_a_principal_without_scopes_or_credential_leaves_no_forged_ones():
    seen = upstream_sees(make_request(headers=[(name, "admin") for name in FORGED]), proven(id="alice", kind="jwt"))
    assert (seen["x-stockade-principal"], "x-stockade-scopes" in seen) == ("alice", False)
    assert seen.get("x-stockade-credential", "") == ""


@given(st.text(min_size=1, max_size=20), st.frozensets(st.text(min_size=1, max_size=5), max_size=3))
def test_a_principals_name_cannot_break_out_of_its_field(name, scopes):
    """A subject comes from a token: whoever chose it must not write headers of their own."""
    name, scopes = (name.encode("utf-8", "replace").decode(), frozenset(scope.strip() or "x" for scope in scopes))
    seen = upstream_sees(make_request(), proven(id=name, kind="jwt", scopes=scopes))
    for value in seen.values():
        assert value.isascii()
        assert value.isprintable()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("alice", "alice"),
        ("Alice Example", "Alice Example"),
        ("alice@example.com", "alice@example.com"),
        ("DOMAIN\\alice", "DOMAIN\\alice"),
        ("100%", "100%"),
        ("Zoë", "utf-8''Zo%C3%AB"),
        ("Zo\\xeb", "Zo\\xeb"),
        ("a\r\nx-stockade-scopes: admin", "utf-8''a%0D%0Ax-stockade-scopes%3A%20admin"),
        # a server strips blanks around a value: these two must not become "admin"
        (" admin", "utf-8''%20admin"),
        ("admin ", "utf-8''admin%20"),
        ("utf-8''Zo%C3%AB", "utf-8''utf-8%27%27Zo%25C3%25AB"),
        ("half \ud800", "utf-8''half%20%ED%A0%80"),
    ],
)
def test_how_a_name_is_written(name, told):
    """Readable where it can be, RFC 8187 where it cannot, and never as another name would be."""
    assert upstream_sees(make_request(), proven(id=name, kind="jwt"))["x-stockade-principal"] == told


@given(
    st.lists(st.text(min_size=1, max_size=8) | st.sampled_from(["é", "\\xe9", "%C3%A9", "utf-8''%C3%A9"]), min_size=2)
)
def test_no_two_names_are_written_alike(names):
    told = {upstream_sees(make_request(), proven(id=name, kind="jwt"))["x-stockade-principal"] for name in names}
    assert len(told) == len(set(names))


def test_a_controls_edits_are_carried_out_too():
    control = make_control("a", on_request=says(Pass(edits=Edits((("x-told", "1"),), ("x-api-key",)))))
    seen = upstream_sees(make_request(headers=[("x-api-key", "secret"), ("accept", "a")]), control)
    assert "x-api-key" not in seen
    assert (seen["x-told"], seen["accept"]) == ("1", "a")


def test_other_headers_are_left_alone():
    sent = [("accept", "a"), ("cookie", "b"), ("x-stockade-other", "c"), ("x-request-id", "d")]
    seen = upstream_sees(make_request(headers=sent))
    assert {name: seen[name] for name, _ in sent} == dict(sent)
