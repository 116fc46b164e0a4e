"""Who the client is: the peer's own address, and what only a trusted proxy may say of another."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.gateway.certificates import Authority
from tests.gateway.client import Client
from tests.gateway.harness import Gateway, api, free_port, policy, running
from tests.gateway.upstreams import Upstream

pytestmark = pytest.mark.envoy

PROXY, STRANGER = "127.0.0.1", "127.0.0.2"  # peers; only the first is trusted
CLIENT, OTHER = "198.51.100.7", "203.0.113.9"
PLAIN, BEHIND_PROXY, BEHIND_PROXY_TLS = range(3)  # the listeners


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory, echoing: Upstream, authority: Authority) -> Iterator[Gateway]:
    """Two APIs: one trusts proxies, `/untrusting` does not."""
    files = authority.issue("addresses")
    tls = {"certificate": str(files.certificate), "key": str(files.key)}
    listeners: list[dict[str, Any]] = [{}, {"proxy_protocol": True}, {"proxy_protocol": True, "tls": tls}]
    apis = [
        api(echoing.port, firewall={"trusted_proxies": ["127.0.0.1", "10.0.0.0/8"], "deny": [OTHER]}),
        api(echoing.port, "untrusting", prefix="/untrusting", firewall={"deny": [OTHER]}),
    ]
    listen = [{"address": f"127.0.0.1:{free_port()}", **extra} for extra in listeners]
    with running(
        Gateway(tmp_path_factory.mktemp("addresses"), policy(*apis, listen=listen, timeouts={"headers": "1s"}))
    ) as gateway:
        yield gateway


def port(gateway: Gateway, listener: int) -> int:
    return int(gateway.policy["listen"][listener]["address"].rpartition(":")[2])


def v1(source: str, family: str = "TCP4", destination: str = "192.0.2.1") -> bytes:
    return f"PROXY {family} {source} {destination} 40000 443\r\n".encode()


def v2(source: str) -> bytes:
    address = ipaddress.ip_address(source)
    family, destination = (0x11, "192.0.2.1") if address.version == 4 else (0x21, "2001:db8::1")
    body = address.packed + ipaddress.ip_address(destination).packed + struct.pack("!HH", 40000, 443)
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH", 0x21, family, len(body)) + body


LOCAL = b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH", 0x20, 0, 0)  # a health check by the proxy itself


class Case(NamedTuple):
    """Who asks, what stands before and in the request; who it is taken for, and what the upstream is told."""

    peer: str
    said: bytes = b""  # PROXY protocol
    forwarded: str = ""  # X-Forwarded-For
    path: str = "/"
    client: str = PROXY
    chain: str = PROXY


CASES = {
    "a peer": Case(PROXY),
    "another peer": Case(STRANGER, client=STRANGER, chain=STRANGER),
    "forwarded by a proxy": Case(PROXY, b"", CLIENT, client=CLIENT, chain=f"{CLIENT}, {PROXY}"),
    "forwarded by a stranger": Case(STRANGER, b"", CLIENT, client=STRANGER, chain=STRANGER),
    "forwarded by two proxies": Case(PROXY, b"", f"{CLIENT}, 10.1.2.3", client=CLIENT, chain=f"{CLIENT}, {PROXY}"),
    "a client that forwards for another": Case(
        PROXY, b"", f"{OTHER}, {CLIENT}", client=CLIENT, chain=f"{CLIENT}, {PROXY}"
    ),
    "only proxies": Case(PROXY, b"", "10.1.2.3, 10.1.2.4", client="10.1.2.3", chain=f"10.1.2.3, {PROXY}"),
    "an address with a port": Case(PROXY, b"", f"{CLIENT}:5000", client=CLIENT, chain=f"{CLIENT}, {PROXY}"),
    "an address of version 6": Case(
        PROXY, b"", "[2001:db8::7]:5000", client="2001:db8::7", chain=f"2001:db8::7, {PROXY}"
    ),
    "no address": Case(PROXY, b"", "unknown", client=PROXY, chain=PROXY),
    "no address before a proxy": Case(PROXY, b"", "<script>, 10.1.2.3", client="10.1.2.3", chain=f"10.1.2.3, {PROXY}"),
    "where nobody is trusted": Case(PROXY, b"", CLIENT, "/untrusting", client=PROXY, chain=PROXY),
    "PROXY version 1": Case(PROXY, v1(CLIENT), client=CLIENT, chain=CLIENT),
    "PROXY version 1 for version 6": Case(
        PROXY, v1("2001:db8::7", "TCP6", "2001:db8::1"), client="2001:db8::7", chain="2001:db8::7"
    ),
    "PROXY version 2": Case(PROXY, v2(CLIENT), client=CLIENT, chain=CLIENT),
    "PROXY version 2 for version 6": Case(PROXY, v2("2001:db8::7"), client="2001:db8::7", chain="2001:db8::7"),
    "PROXY for itself": Case(PROXY, LOCAL),
    "PROXY by a stranger": Case(STRANGER, v1(CLIENT), client=STRANGER, chain=STRANGER),
    "PROXY version 2 by a stranger": Case(STRANGER, v2(CLIENT), client=STRANGER, chain=STRANGER),
    "PROXY, then forwarded by a client": Case(PROXY, v1(CLIENT), OTHER, client=CLIENT, chain=CLIENT),
    "PROXY for a proxy, then forwarded": Case(
        PROXY, v1("10.1.2.3"), CLIENT, client=CLIENT, chain=f"{CLIENT}, 10.1.2.3"
    ),
}


@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize("name", CASES)
def test_who_it_is(trusting: Gateway, authority: Authority, name: str, tls: bool) -> None:
    case = CASES[name]
    tag = f"{name} {tls}"
    listener = BEHIND_PROXY_TLS if tls else BEHIND_PROXY
    context = authority.client() if tls else None
    headers = {"x-tag": tag, **({"x-forwarded-for": case.forwarded} if case.forwarded else {})}
    with Client(port(trusting, listener), context, source=case.peer, first=case.said) as client:
        reply = client.ask("GET", case.path, headers)
    assert reply.status == 200
    told = dict(reply.json()["headers"])
    assert told["x-forwarded-for"] == case.chain
    assert told["x-forwarded-proto"] == ("https" if tls else "http")
    assert trusting.record(tag)["client"] == case.client


@pytest.mark.parametrize("said", [v1(OTHER), v2(OTHER)], ids=["v1", "v2"])
def test_a_denied_client_behind_a_proxy(trusting: Gateway, said: bytes) -> None:
    with Client(port(trusting, BEHIND_PROXY), first=said) as client:
        assert client.ask("GET", "/").status == 403
        assert client.ask("GET", "/").status == 403  # the whole connection is his


def test_proxy_protocol_where_none_is_read(trusting: Gateway) -> None:
    with Client(port(trusting, PLAIN), first=v1(CLIENT)) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert [reply.status for reply in client.replies()] == [400]


@pytest.mark.parametrize(
    "said",
    [
        b"PROXY TCP4 999.1.1.1 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 " + b"1" * 200 + b"\r\n",
        b"PROXY NONSENSE\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff" + b"\0" * 100,
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\x00\x0c" + b"\0" * 12,
    ],
)
def test_broken_proxy_protocol(trusting: Gateway, said: bytes) -> None:
    """The connection is closed, or the bytes are no request; they are never the client's address."""
    with Client(port(trusting, BEHIND_PROXY), first=said) as client:
        try:
            client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            statuses = [reply.status for reply in client.replies()]
        except OSError:
            statuses = []
    assert statuses in ([], [400])
    assert trusting.get("/").status == 200


FORGED = (
    "x-stockade-principal",
    "x-stockade-credential",
    "x-stockade-scopes",
    "x-stockade-route",
    "forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-server",
    "x-forwarded-prefix",
    "x-original-url",
    "x-rewrite-url",
    "true-client-ip",
    "cf-connecting-ip",
    "x-envoy-external-address",
    "x-envoy-internal",
    "x-envoy-original-dst-host",
    "x-forwarded-client-cert",
)


@pytest.mark.parametrize("name", FORGED)
def test_a_stranger_cannot_say(trusting: Gateway, name: str) -> None:
    with Client(port(trusting, PLAIN), source=STRANGER) as client:
        told = client.ask("GET", "/", {name: "forged"}).json()["headers"]
    assert [value for key, value in told if key == name] == []


def test_a_stranger_cannot_say_how_it_came(trusting: Gateway) -> None:
    with Client(port(trusting, PLAIN), source=STRANGER) as client:
        told = client.ask("GET", "/", {"x-forwarded-proto": "https"}).json()["headers"]
    assert [value for key, value in told if key == "x-forwarded-proto"] == ["http"]


def test_a_proxy_may_say_it(trusting: Gateway) -> None:
    with Client(port(trusting, PLAIN), source=PROXY) as client:
        told = dict(
            client.ask("GET", "/", {"x-forwarded-host": "shop.example", "x-stockade-principal": "x"}).json()["headers"]
        )
    assert told["x-forwarded-host"] == "shop.example"
    assert "x-stockade-principal" not in told


@pytest.mark.parametrize("peer", [PROXY, STRANGER])
def test_nobody_chooses_our_request_id(trusting: Gateway, peer: str) -> None:
    tag = f"id {peer}"
    with Client(port(trusting, PLAIN), source=peer) as client:
        told = client.ask("GET", "/", {"x-request-id": "forged", "x-tag": tag}).json()["headers"]
    (told_id,) = [value for name, value in told if name == "x-request-id"]
    assert told_id == trusting.record(tag)["request_id"] != "forged"
