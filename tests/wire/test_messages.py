"""Requests as a door received them."""

from __future__ import annotations

from typing import Any

import pytest

from stockade.wire import BadRequest, Headers, Peer, Request, read_request


def read(target: str = "/orders/7?page=2", authority: str = "api.example.com", **fields: Any) -> Any:
    given: dict[str, Any] = {
        "id": "r-1",
        "at": 1_700_000_000.0,
        "method": "GET",
        "scheme": "https",
        "headers": Headers.of([("Accept", "application/json")]),
        "peer": Peer("203.0.113.9", "TLSv1.3"),
        "version": "HTTP/2",
        "has_body": False,
    }
    return read_request(authority=authority, target=target, **{**given, **fields})


def test_a_good_request():
    request = read("/a//b/../c?x=1")
    assert isinstance(request, Request)
    assert (request.path, request.query) == ("/a/c", "x=1")
    assert (request.id, request.at, request.method, request.scheme) == ("r-1", 1_700_000_000.0, "GET", "https")
    assert (request.authority, request.version, request.has_body) == ("api.example.com", "HTTP/2", False)
    assert request.headers.get("accept") == "application/json"
    assert (request.peer.address, request.peer.tls) == ("203.0.113.9", "TLSv1.3")


@pytest.mark.parametrize(
    ("target", "authority", "trouble"),
    [
        ("/a%2fb", "api.example.com", "escaped slash"),
        ("http://x/", "api.example.com", "absolute path"),
        ("/a", "", "the host is missing"),
        ("/a", "one.example,two.example", "given twice"),
    ],
)
def test_an_ambiguous_request_is_kept_for_the_record_with_its_trouble(target, authority, trouble):
    bad = read(target, authority)
    assert isinstance(bad, BadRequest)
    assert trouble in bad.trouble
    assert bad.request.path == target
    assert bad.request.query == ""


UPGRADES = [
    ("GET", [("upgrade", "websocket")], True),
    ("GET", [("upgrade", "WebSocket")], True),
    ("GET", [("upgrade", "h2c")], True),
    ("POST", [("upgrade", "h2c"), ("content-length", "3")], True),
    ("POST", [], True),
    ("POST", [("upgrade", "websocket")], False),
    ("HEAD", [("upgrade", "h2c, WebSocket")], False),
    ("GET", [("upgrade", "websocket"), ("content-length", "3")], False),
    ("GET", [("upgrade", "websocket"), ("content-length", "0")], False),
    ("GET", [("upgrade", "websocket"), ("transfer-encoding", "chunked")], False),
]


@pytest.mark.parametrize(("method", "headers", "good"), UPGRADES)
def test_a_websocket_begins_with_a_get_without_a_body(method, headers, good):
    """RFC 6455, section 4.1: else some server would read the bytes after it as a body, another as frames."""
    read_as = read(method=method, headers=Headers.of(headers))
    assert isinstance(read_as, Request if good else BadRequest)
    assert isinstance(read_as, Request) or "WebSocket" in read_as.trouble


def test_what_is_kept_of_an_ambiguous_request_is_bounded_and_has_no_query():
    bad = read("/" + "%2f" * 10_000 + "?token=canary")
    assert isinstance(bad, BadRequest)
    assert len(bad.request.path) == 1024
    assert "canary" not in bad.request.path + bad.request.query


@pytest.mark.parametrize(
    ("value", "length"),
    [
        (None, None),
        ("0", 0),
        ("1024", 1024),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1.5", None),
        ("0x10", None),
        ("1_000", None),
        (" 12", None),
        ("١٢", None),
        ("²", None),
    ],
)
def test_content_length(value, length):
    pairs = [] if value is None else [("content-length", value)]
    assert read(headers=Headers.of(pairs)).content_length == length


def test_two_content_lengths_are_none():
    """Envoy refuses them; here they must at least not be read as either."""
    assert read(headers=Headers.of([("content-length", "5"), ("content-length", "50")])).content_length is None


def test_requests_do_not_change():
    with pytest.raises(AttributeError, match="immutable"):
        read().path = "/admin"


def test_a_repr_shows_no_header_value():
    assert "canary" not in repr(read(headers=Headers.of([("authorization", "Bearer canary")])))


def test_what_has_a_body_is_no_handshake() -> None:
    """Else the body would be taken for frames, and nobody would read it."""
    fields = {"connection": "Upgrade", "upgrade": "websocket"}

    def handshake(method: str = "GET", **more: str) -> bool:
        headers = Headers.of([*fields.items(), *((name.replace("_", "-"), value) for name, value in more.items())])
        return Request("r", 0.0, method, "http", "a", "/", "", headers, Peer("192.0.2.1")).is_upgrade

    assert handshake()
    assert not handshake(content_length="7")
    assert not handshake("POST")
