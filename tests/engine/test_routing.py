"""Which API a request belongs to: exact host before suffix before any, then the longest prefix of whole segments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockade.engine import Policy, Route, Upstream
from stockade.engine.paths import Paths
from stockade.engine.policy import host_of
from stockade.operations import OperationTable
from stockade.vocabulary import Stop
from stockade.wire import Response
from tests.exchanges import Door, make_request, make_route

CLAIMS = [
    ("any", ["*"], "/"),
    ("any-v2", ["*"], "/v2"),
    ("exact", ["api.example.com"], "/"),
    ("exact-orders", ["api.example.com", "Other.Example.com"], "/orders"),
    ("exact-orders-old", ["api.example.com"], "/orders/old"),
    ("slash", ["slash.example.com"], "/only/"),
    ("suffix", ["*.example.com"], "/"),
    ("deep-suffix", ["*.eu.example.com"], "/"),
    ("prefix-only", ["*.test"], "/x"),
    ("v6", ["2001:db8::1"], "/"),
    ("local", ["localhost"], "/"),
]
TABLE = [
    # host
    ("api.example.com", "/", "exact"),
    ("API.EXAMPLE.COM", "/", "exact"),
    ("api.example.com.", "/", "exact"),
    ("api.example.com:8443", "/", "exact"),
    ("API.example.com.:8443", "/", "exact"),
    ("other.example.com", "/orders", "exact-orders"),
    ("www.example.com", "/", "suffix"),
    ("a.b.example.com", "/", "suffix"),
    ("WWW.Example.Com:80", "/", "suffix"),
    ("fr.eu.example.com", "/", "deep-suffix"),
    ("eu.example.com", "/", "suffix"),
    ("example.com", "/", "any"),
    ("notexample.com", "/", "any"),
    ("api.example.com.evil.test", "/", "any"),
    ("evilapi.example.com", "/", "suffix"),
    ("", "/", "any"),
    ("[2001:db8::1]", "/", "v6"),
    ("[2001:DB8::1]:8443", "/", "v6"),
    ("[2001:db8::2]", "/", "any"),
    ("localhost:9000", "/", "local"),
    # prefix
    ("api.example.com", "/orders", "exact-orders"),
    ("api.example.com", "/orders/", "exact-orders"),
    ("api.example.com", "/orders/7", "exact-orders"),
    ("api.example.com", "/orders/older", "exact-orders"),
    ("api.example.com", "/orders/old", "exact-orders-old"),
    ("api.example.com", "/orders/old/7", "exact-orders-old"),
    ("api.example.com", "/ordersx", "exact"),
    ("api.example.com", "/Orders", "exact"),
    ("nobody.invalid", "/v2", "any-v2"),
    ("nobody.invalid", "/v2/x", "any-v2"),
    ("nobody.invalid", "/v2x", "any"),
    ("slash.example.com", "/only/x", "slash"),
    ("slash.example.com", "/only/", "slash"),
    # a host's APIs are asked first; where none owns the path, the wider claims are
    ("slash.example.com", "/only", "suffix"),
    ("other.example.com", "/elsewhere", "suffix"),
    ("a.test", "/x/y", "prefix-only"),
    ("a.test", "/y", "any"),
    ("a.test", "/v2", "any-v2"),
]


def policy_of(claims: Iterable[tuple[str, list[str], str]]) -> Policy:
    return Policy(make_route(api=api, hosts=tuple(hosts), prefix=prefix) for api, hosts, prefix in claims)


@pytest.mark.parametrize(("host", "path", "api"), TABLE)
def test_routing(host, path, api):
    for claims in (CLAIMS, CLAIMS[::-1]):  # the order of the file says nothing
        route = policy_of(claims).route(host, path)
        assert route is not None
        assert route.api == api


def test_no_api_claims_it():
    policy = policy_of([("exact", ["api.example.com"], "/orders"), ("suffix", ["*.test"], "/")])
    for host, path in [("api.example.com", "/"), ("example.com", "/orders"), ("test", "/"), ("", "/orders")]:
        assert policy.route(host, path) is None


@pytest.mark.parametrize(
    ("claim", "host"), [("api.example.com", "api.example.com"), ("*.example.com", "a.example.com")]
)
def test_a_policy_of_one_api_may_claim_one_kind_of_host(claim, host):
    policy = policy_of([("only", [claim], "/")])
    route = policy.route(host, "/")
    assert route is not None
    assert route.api == "only"
    assert policy.route("elsewhere.example", "/") is None


def test_no_api_is_a_404_on_the_record():
    door = Door(make_route(hosts=("api.example.com",)))
    verdict = door.send(make_request("POST", "/x", host="elsewhere.example", has_body=True))
    assert isinstance(verdict, Stop)
    assert verdict.response.status == 404
    record = door.session.close(404, 0.5)
    assert (record.api, record.action, record.control) == ("", "deny", "routing")
    assert [(finding.control, finding.rule) for finding in record.findings] == [("routing", "no-api")]
    session = door.session
    assert (session.reads_request_body, session.reads_response, session.reads_response_body) == (False, False, False)
    assert session.open_request_stream() is None
    assert session.open_response_stream(Response(200)) is None
    assert session.shortcut is None


def test_methods_that_nobody_knows_make_no_names():
    """The operation is a label of metrics, also where no API was asked for."""
    door = Door(make_route(hosts=("api.example.com",)))
    names = set()
    for method in ("GET", "FROB", "X" * 5000):
        door.send(make_request(method, "/x", host="elsewhere.example"))
        names.add(door.session.close(404, 0.5).operation)
    assert names == {"GET", "_OTHER"}


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        ("api.example.com", "api.example.com"),
        ("API.Example.com:443", "api.example.com"),
        ("api.example.com.", "api.example.com"),
        ("api.example.com.:443", "api.example.com"),
        ("[::1]", "::1"),
        ("[::1]:443", "::1"),
        ("[2001:DB8::A]", "2001:db8::a"),
        ("192.0.2.1:80", "192.0.2.1"),
        ("", ""),
        (":80", ""),
    ],
)
def test_the_host_of_an_authority(authority, host):
    assert host_of(authority) == host


segments = st.lists(st.sampled_from(["a", "b", "ab"]), max_size=4)


@given(segments, segments)
def test_a_prefix_owns_whole_segments(prefix, path):
    policy = policy_of([("it", ["*"], "/" + "/".join(prefix))])
    owned = policy.route("h", "/" + "/".join(path)) is not None
    assert owned == (path[: len(prefix)] == prefix)


@given(st.lists(segments, min_size=1, max_size=6), segments)
def test_of_several_prefixes_the_longest_that_owns_the_path_is_chosen(prefixes, path):
    policy = policy_of([("/".join(prefix), ["*"], "/" + "/".join(prefix)) for prefix in prefixes])
    owning = [prefix for prefix in prefixes if path[: len(prefix)] == prefix]
    route = policy.route("h", "/" + "/".join(path))
    if owning:
        assert route is not None
        assert route.api == max(("/".join(prefix) for prefix in owning), key=lambda text: text.count("/") + bool(text))
    else:
        assert route is None


def test_single_paths_have_the_rank_of_their_owners_prefix():
    paths = Paths[str]()
    paths.add("root", "/", also=("/shop/login",))
    paths.add("shop", "/shop", also=("/.own/shop", "/shop/old/keys"))
    paths.add("old", "/shop/old")
    found = {path: paths.find(path) for path in ("/.own/shop", "/.own/x", "/shop/login", "/shop/old/keys", "/shop/x")}
    assert found == {
        "/.own/shop": "shop",
        "/.own/x": "root",
        "/shop/login": "shop",
        "/shop/old/keys": "old",
        "/shop/x": "shop",
    }


def test_a_thousand_apis_are_found_as_quickly_as_one():
    few, many = (
        policy_of([(f"api-{n}", ["*", "*.example.com"], f"/api-{n:04}") for n in range(count)]) for count in (1, 2000)
    )
    found = many.route("a.example.com", "/api-1999/x")
    assert found is not None
    assert found.api == "api-1999"
    assert cost(lambda: many.route("h", "/api-1999/x")) < 5 * cost(lambda: few.route("h", "/api-0000/x"))


@pytest.mark.parametrize("authority", ["a." * 30_000, "." * 60_000, "a.example.com." * 4_000])
@pytest.mark.parametrize("path", ["/" * 60_000, "/a" * 30_000])
def test_a_host_of_dots_or_a_path_of_slashes_costs_nothing(authority, path):
    policy = policy_of(CLAIMS)
    assert cost(lambda: policy.route(authority, path), times=5) < 0.005


def cost(work: Callable[[], object], times: int = 2000) -> float:
    """CPU seconds of one call, at best."""
    spent = []
    for _ in range(5):
        begun = process_time()
        for _ in range(times):
            work()
        spent.append((process_time() - begun) / times)
    return min(spent)


def test_the_operation_is_named_by_the_routes_table():
    route = Route.compile(
        (),
        api="shop",
        hosts=("*",),
        prefix="/",
        upstream=Upstream("shop-1", "http://127.0.0.1:9000"),
        operations=OperationTable(["GET /orders/{id}"]),
    )
    door = Door(route)
    door.send(make_request("GET", "/orders/7"))
    assert door.session.exchange.operation == "GET /orders/{id}"
