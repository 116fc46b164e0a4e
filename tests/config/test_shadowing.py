"""What Stockade serves itself is found by its routes, whatever other APIs the policy has."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stockade.config import BadConfig, build, load_text
from stockade.config.sections.identity import IdentitySection, own_paths
from stockade.controls.authentication import LoginPages

HEAD = """\
version: 1
listen: [{address: "127.0.0.1:8080"}]
keys: {hash_key: 0123456789abcdef0123456789abcdef}
secrets: {key: 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff}
identity: {issuer: "https://auth.example.com/t"}
apis:
  - name: shop
    hosts: [%s]
    upstream: {url: "http://127.0.0.1:9000"}
    authentication:
      any_of: [{oidc: {issuer: https://id.example, client_id: shop, url: https://shop.example.com}}]
"""
OTHER = """\
  - name: other%d
    hosts: ["%s"]
    prefix: %s
    upstream: {url: "http://127.0.0.1:9001"}
"""
HOSTS = ["*", "*.example.com", "*.shop.example.com", "auth.example.com", "shop.example.com", "a.shop.example.com"]
PREFIXES = [
    "/",
    "/t",
    "/t/oauth2",
    "/t/oauth2/token",
    "/t/oauth2/token/",
    "/.well-known",
    "/.stockade",
    "/.stockade/callback",
    "/.stockade/callback/x",
    "/.stockade/backchannel-logout",
    "/orders",
]


@settings(max_examples=150, deadline=None)
@given(
    own=st.sampled_from(['"*"', '"*.example.com"', "shop.example.com"]),
    others=st.lists(
        st.tuples(st.sampled_from(HOSTS), st.sampled_from(PREFIXES)), max_size=3, unique_by=lambda pair: pair
    ),
)
def test_a_policy_that_is_taken_sends_no_own_page_to_an_upstream(own: str, others: list[tuple[str, str]]) -> None:
    """Asked as requests would: at the token service, where browsers log in, and wherever the API is at all."""
    text = (HEAD % own) + "".join(OTHER % (number, *each) for number, each in enumerate(others))
    built, strange = None, []
    try:
        built = build(load_text(text, Path("stockade.yaml"), {}))
    except BadConfig as error:
        strange = [each for each in error.problems if "Stockade serves itself" not in each.text]
    if built is None:
        assert all("already belongs to" in each.text for each in strange)
        return
    route = built.policy.route
    for path in own_paths(IdentitySection(issuer="https://auth.example.com/t")):
        found = route("Auth.Example.com.:443", path)
        assert found is not None
        assert found.api == "identity"
        below = route("auth.example.com", f"{path}/")
        assert below is None or below.api == "identity" or not path.startswith("/t")
    pages = next(
        binding.control
        for each in built.policy.routes
        for binding in each.bindings
        if isinstance(binding.control, LoginPages)
    )
    for host in ("shop.example.com", "a.shop.example.com", "b.shop.example.com", "example.org"):
        there = route(host, "/~")
        lives = there is not None and there.api == "shop"
        for path in pages.paths.all if lives or host == "shop.example.com" else ():
            found = route(host, path)
            assert found is not None
            assert any(binding.control is pages for binding in found.bindings)


def problems_of(text: str) -> list[tuple[int, str]]:
    with pytest.raises(BadConfig) as caught:
        build(load_text(text, Path("stockade.yaml"), {}))
    return [(each.line, each.text) for each in caught.value.problems]


def test_every_problem_is_told_at_once() -> None:
    text = (HEAD % '"*"') + (OTHER % (0, "auth.example.com", "/t/oauth2")) + (OTHER % (1, "x.example", "/.stockade"))
    told = problems_of(text)
    assert [line for line, _ in told] == [14, 18]
    assert "'other0' takes /t/oauth2/authorize" in told[0][1]
    assert "'other1' takes /.stockade/backchannel-logout" in told[1][1]


def test_an_api_of_the_same_name_hides_nothing() -> None:
    other = (OTHER % (0, "x.example", "/.stockade")).replace("other0", "shop")
    told = problems_of((HEAD % '"*"') + other)
    assert any("two APIs are called 'shop'" in text for _, text in told)
