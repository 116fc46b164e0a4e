"""The contract of the doors: one table of requests, the same verdict and the same record whichever door they take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from stockade.tokens import make_api_key
from stockade.vocabulary import Record
from tests.gateway.client import Reply
from tests.gateway.credentials import Issuer, KeyRing, keys_in, scheme
from tests.gateway.doors import LOGS, AsgiDoor, Door, EnvoyDoor, Loop, Sent, echo, serving
from tests.gateway.harness import Gateway, api, free_port, policy, running
from tests.gateway.injected import probe
from tests.gateway.injected.probe import CANARY, evidence

pytestmark = pytest.mark.envoy

DOORS = ("envoy", "asgi")
MOST = 4096  # max_body of the probed APIs
FORGED = {
    "x-stockade-principal": "admin",
    "x-stockade-scopes": "admin",
    "x-stockade-credential": "root",
    "x-stockade-route": "elsewhere",
    "x-real-ip": "203.0.113.9",
    "forwarded": "for=203.0.113.9",
    "x-forwarded-host": "evil.example",
    "x-original-url": "/admin",
    "true-client-ip": "203.0.113.9",
}
SECURITY = {"x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "no-referrer"}
UNSHIELDED = {"x-frame-options": None, "referrer-policy": None}  # where no API tells what its responses carry
HIDDEN = {"server": None, "x-powered-by": None}


class Case(NamedTuple):
    """What is sent, and what must come of it. `None` among the headers: absent."""

    sent: Sent
    status: int = 200
    action: str = "allow"
    control: str | None = None
    rules: tuple[str, ...] = ()
    principal: str | None = None
    client: str = "127.0.0.1"
    operation: str | None = None
    upstream: Mapping[str, Any] = MappingProxyType({})  # headers that the upstream saw
    response: Mapping[str, Any] = MappingProxyType({})
    says: bytes = b""  # stands in the body of the response
    evidence: tuple[str, ...] = ()
    times: int = 1


def asked(method: str, target: str, body: bytes | tuple[bytes, ...] = (), **headers: Any) -> Sent:
    """A request; an underscore in a header's name stands for a dash."""
    fields = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Sent(method, target, fields, (body,) if isinstance(body, bytes) else body)


def refused(sent: Sent, status: int, control: str, *rules: str, action: str = "deny", **expected: Any) -> Case:
    return Case(sent, status, action, control, rules, response={**SECURITY, **expected.pop("response", {})}, **expected)


def probed(phase: str, status: int, rules: tuple[str, ...], prefix: str = "/probe", **expected: Any) -> Case:
    """A request whose control breaks or waits in a phase."""
    sent = asked("POST", f"{prefix}/say?quiet", b"x", x_probe=phase)
    stopped = {"action": "deny", "control": "probe"} if status == 503 else {}
    return Case(sent, status, rules=rules, **{**stopped, **expected})


SEEN, ANSWERED = "request-body", "response-body"
CASES: dict[str, Case] = {
    # Routing
    "an anonymous operation": Case(
        asked("GET", "/health"), upstream={"x-forwarded-for": "127.0.0.1"}, response=SECURITY
    ),
    "a named operation": Case(
        asked("GET", "/items/7?page=2", x_api_key="{key}"), operation="GET /items/{id}", principal="alice"
    ),
    "no such host": refused(
        asked("GET", "/nowhere", host="nobody.example"), 404, "routing", "no-api", response=UNSHIELDED
    ),
    "dot segments": Case(
        asked("GET", "/health/../probe/./x", x_api_key="{key}"), operation="GET /probe/x", rules=(SEEN, ANSWERED)
    ),
    "a broken escape": refused(asked("GET", "/a%zz"), 400, "routing", "bad-target", response=UNSHIELDED),
    "two hosts in one": refused(asked("GET", "/health", host="a@b"), 400, "routing", "bad-target", response=UNSHIELDED),
    # Firewall
    "a denied address": refused(
        asked("GET", "/health", x_forwarded_for="203.0.113.9"), 403, "firewall", "address-denied", client="203.0.113.9"
    ),
    "an address behind two proxies": refused(
        asked("GET", "/health", x_forwarded_for="198.51.100.1, 203.0.113.9, 127.0.0.1"),
        403,
        "firewall",
        "address-denied",
        client="203.0.113.9",
    ),
    "a proxied address": Case(
        asked("GET", "/health", x_forwarded_for="192.0.2.7, 198.51.100.1"),
        client="198.51.100.1",
        upstream={"x-forwarded-for": "198.51.100.1, 127.0.0.1"},
    ),
    "a method": refused(asked("DELETE", "/health"), 405, "firewall", "method", response={"allow": "GET, HEAD, POST"}),
    "a body over the limit": refused(asked("POST", "/login", b"x" * 5000), 413, "firewall", "too-large"),
    "a chunked body over the limit": refused(
        asked("POST", "/login", (b"x" * 3000, b"x" * 3000), content_type="application/json"),
        413,
        "firewall",
        "too-large",
    ),
    "a body at the limit": Case(
        asked("POST", "/login", b"x".center(MOST - 2).join([b'"'] * 2), content_type="application/json"),
        says=b'"body": 4096',
    ),
    "a media type": refused(asked("POST", "/login", b"<a/>", content_type="text/xml"), 415, "firewall", "media-type"),
    "only watched": Case(
        asked("GET", "/watched", x_forwarded_for="203.0.113.9"), client="203.0.113.9", rules=("address-denied",)
    ),
    # Authentication
    "no credential": refused(
        asked("GET", "/x"), 401, "authentication", "credential-missing", response={"www-authenticate": ...}
    ),
    "an API key": Case(
        asked("GET", "/x", x_api_key="{key}"),
        principal="alice",
        upstream={
            "x-stockade-principal": "alice",
            "x-stockade-scopes": "read write",
            "x-stockade-credential": ...,
            "x-api-key": None,
        },
    ),
    "a malformed key": refused(asked("GET", "/x", x_api_key="letmein"), 401, "authentication", "key-malformed"),
    "an unknown key": refused(asked("GET", "/x", x_api_key="{strange}"), 401, "authentication", "key-unknown"),
    "a revoked key": refused(asked("GET", "/x", x_api_key="{revoked}"), 401, "authentication", "key-revoked"),
    "a key from elsewhere": refused(
        asked("GET", "/x", x_api_key="{distant}"), 401, "authentication", "key-wrong-address"
    ),
    "a token": Case(
        asked("GET", "/x", authorization="Bearer {token}"),
        principal="carol",
        upstream={"x-stockade-principal": "carol", "authorization": ...},
    ),
    "an expired token": refused(
        asked("GET", "/x", authorization="Bearer {expired}"), 401, "authentication", "token-expired"
    ),
    "no token at all": refused(asked("GET", "/x", authorization="Bearer x"), 401, "authentication", "token-malformed"),
    # Limits
    "too often": refused(
        asked("GET", "/limited"),
        429,
        "limits",
        "few",
        action="throttle",
        times=3,
        response={"retry-after": ..., "ratelimit": ...},
    ),
    # What upstream and client get to see
    "a forged identity": Case(
        asked(
            "GET",
            "/health",
            (),
            **{name.replace("-", "_"): value for name, value in FORGED.items() if "stockade" in name},
        ),
        upstream={name: None for name in FORGED if "stockade" in name},
    ),
    "forged addresses": Case(
        asked(
            "GET",
            "/untrusting",
            (),
            x_forwarded_for="203.0.113.9",
            **{name.replace("-", "_"): value for name, value in FORGED.items()},
        ),
        upstream={**dict.fromkeys(FORGED), "x-forwarded-for": "127.0.0.1"},
    ),
    "a forged request id": Case(asked("GET", "/untrusting", x_request_id="forged"), upstream={"x-request-id": ...}),
    "revealing headers": Case(asked("GET", "/health"), response={**HIDDEN, "x-own": "kept"}),
    "a header of the upstream's own": Case(
        asked("GET", "/plain/framed"), response={"x-frame-options": "SAMEORIGIN", **HIDDEN}
    ),
    "a page": Case(
        asked("GET", "/plain/page"),
        response={"x-frame-options": "DENY", "content-security-policy": "frame-ancestors 'none'"},
    ),
    "HEAD": Case(asked("HEAD", "/health"), response=SECURITY),
    "HEAD that is refused": refused(asked("HEAD", "/x"), 401, "authentication", "credential-missing"),
    "a hidden error": Case(
        asked("GET", "/plain/error"),
        500,
        rules=("error-hidden",),
        response={**SECURITY, **HIDDEN, "content-type": "application/problem+json"},
    ),
    "an error that is the client's": Case(asked("GET", "/plain/teapot"), 418, says=b"short and stout", response=HIDDEN),
    # Bodies
    "a read body": Case(
        asked("POST", "/probe/a", b"hello"), rules=(SEEN, ANSWERED), evidence=(evidence(b"hello"),), says=b'"body": 5'
    ),
    "a read body in pieces": Case(
        asked("POST", "/probe/a", (b"he", b"l", b"lo")),
        rules=(SEEN, ANSWERED),
        evidence=(evidence(b"hello"),),
        says=b'"body": 5',
    ),
    "a read body that is empty": Case(
        asked("POST", "/probe/say?hi", b""), rules=(SEEN, ANSWERED), evidence=(evidence(b""), evidence(b"hi"))
    ),
    "no body to read": Case(
        asked("GET", "/probe/say?hi"), rules=(SEEN, ANSWERED), evidence=(evidence(b""), evidence(b"hi"))
    ),
    "a read body at the limit": Case(
        asked("POST", "/probe/say?hi", b"x" * MOST), rules=(SEEN, ANSWERED), evidence=(evidence(b"x" * MOST),)
    ),
    "a read body over the limit": refused(asked("POST", "/probe/a", b"x" * 5000), 413, "firewall", "too-large"),
    "a read chunked body over the limit": refused(
        asked("POST", "/probe/a", (b"x" * 3000, b"x" * 3000)), 413, "firewall", "too-large"
    ),
    "a forbidden body": refused(asked("POST", "/probe/a", (b"for", b"bidden")), 403, "probe", "body-forbidden"),
    "a forbidden body, only watched": Case(
        asked("POST", "/watch/a", b"forbidden"), rules=("body-forbidden", ANSWERED), says=b'"body": 9'
    ),
    "a rewritten response": Case(
        asked("GET", "/probe/say?please+rewrite+me"),
        rules=(SEEN, ANSWERED),
        says=b"please rewritten",
        response={"x-own": "kept", "content-length": "16"},
    ),
    "a response to HEAD, which has no body": Case(asked("HEAD", "/probe/say?rewrite+me"), rules=(SEEN,)),
    "a forbidden response": refused(
        asked("GET", "/probe/say?never+say+this"), 502, "probe", SEEN, "response-forbidden"
    ),
    # Waiting
    "waits at the head": probed(
        "wait-head", 200, ("waited", SEEN, ANSWERED), says=b"quiet", evidence=(evidence(b"x"),)
    ),
    "waits at the head without a body": Case(
        asked("GET", "/probe/say?quiet", x_probe="wait-head"),
        rules=("waited", SEEN, ANSWERED),
        says=b"quiet",
        evidence=(evidence(b""),),
    ),
    "waits at the body": probed("wait-body", 200, (SEEN, "waited", ANSWERED), says=b"quiet"),
    "waits at the response": probed("wait-response", 200, (SEEN, "waited", ANSWERED), says=b"quiet"),
    "waits at the response's body": probed("wait-response-body", 200, (SEEN, ANSWERED, "waited"), says=b"quiet"),
    "waits everywhere": probed(
        "wait-head wait-body wait-response wait-response-body",
        200,
        ("waited", SEEN, "waited", "waited", ANSWERED, "waited"),
        says=b"quiet",
    ),
    "waits everywhere without a body": Case(
        asked("GET", "/probe/say?quiet", x_probe="wait-head wait-body wait-response wait-response-body"),
        rules=("waited", SEEN, "waited", "waited", ANSWERED, "waited"),
        says=b"quiet",
    ),
    "waits, then finds the body too large": refused(
        asked("POST", "/probe/a", (b"x" * 3000, b"x" * 3000), x_probe="wait-head"),
        413,
        "firewall",
        "waited",
        "too-large",
    ),
    "waits, then finds the body forbidden": refused(
        asked("POST", "/probe/a", b"forbidden", x_probe="wait-head"), 403, "probe", "waited", "body-forbidden"
    ),
    "waits, then rewrites the response": Case(
        asked("GET", "/probe/say?rewrite+me", x_probe="wait-response"),
        rules=(SEEN, "waited", ANSWERED),
        says=b"rewritten",
    ),
    "waits at a hidden error": Case(
        asked("GET", "/probe/error", x_probe="wait-response"),
        500,
        rules=(SEEN, "error-hidden", "waited"),
        response={**SECURITY, **HIDDEN},
    ),
    "waits, then breaks": probed("wait-head raise-body", 503, ("waited", "control-error")),
    # Breaking
    "breaks at the head": probed("raise-head", 503, ("control-error",)),
    "breaks at the body": probed("raise-body", 503, ("control-error",)),
    "breaks at the response": probed("raise-response", 503, (SEEN, "control-error")),
    "breaks at the response's body": probed("raise-response-body", 503, (SEEN, "control-error")),
    "has a broken store": probed("store-head", 503, ("control-error",)),
    "breaks open at the head": probed("raise-head", 200, ("control-error", SEEN, ANSWERED), "/open", says=b"quiet"),
    "breaks open at the body": probed("raise-body", 200, ("control-error", ANSWERED), "/open", says=b"quiet"),
    "breaks open at the response": probed(
        "raise-response", 200, (SEEN, "control-error", ANSWERED), "/open", says=b"quiet"
    ),
    "breaks open at the response's body": probed(
        "raise-response-body", 200, (SEEN, "control-error"), "/open", says=b"quiet"
    ),
    "breaks while it watches": probed("raise-head", 200, ("control-error", SEEN, ANSWERED), "/watch", says=b"quiet"),
}


def apis(port: int) -> list[dict[str, Any]]:
    """A sharp one at the root, and beside it one for each thing that needs an API of its own."""
    upstream: dict[str, Any] = {"hosts": ["localhost"]}
    bounded = {"max_body": f"{MOST}B"}
    deny = ["203.0.113.0/24"]
    return [
        api(
            port,
            **upstream,
            operations=["GET /items/{id}", "GET /probe/{name}"],
            firewall={
                **bounded,
                "deny": deny,
                "methods": ["GET", "HEAD", "POST"],
                "media_types": ["application/json"],
                "trusted_proxies": ["127.0.0.1"],
            },
            authentication={
                "any_of": [{"api_key": {"header": "X-API-Key"}}, scheme("issuer.json")],
                "anonymous": ["GET /health", "HEAD /health", "POST /login"],
            },
        ),
        api(
            port,
            "watched",
            prefix="/watched",
            firewall={"mode": "monitor", "deny": deny, "trusted_proxies": ["127.0.0.1"]},
            **upstream,
        ),
        api(port, "untrusting", prefix="/untrusting", **upstream),
        api(port, "plain", prefix="/plain", **upstream),
        {
            **api(port, "limited", prefix="/limited", **upstream),
            "limits": [{"name": "few", "key": "address", "rate": "1/min", "burst": 2}],
        },
        api(port, "probe", prefix="/probe", firewall=bounded, **upstream),
        api(port, "probe-open", prefix="/open", firewall=bounded, **upstream),
        api(port, "probe-monitor", prefix="/watch", firewall=bounded, **upstream),
    ]


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Door]]:
    """Both doors, one policy file, one store of keys, one application behind them."""
    folder, port = tmp_path_factory.mktemp("doors"), free_port()
    environment = {"PROBE": "yes", "LOG": LOGS["envoy"]}
    gateway = Gateway(folder, policy(*apis(port), log={"path": "${LOG}"}), environment=environment)
    with ExitStack() as stack:
        ISSUED.update(issue(folder, stack.enter_context(keys_in(folder))))
        stack.enter_context(serving(echo, port))
        stack.enter_context(running(gateway))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        probe.install(patch.setattr)
        patch.setenv("LOG", LOGS["asgi"])
        loop = Loop()
        stack.callback(loop.close)
        asgi = AsgiDoor(loop, folder, echo)
        stack.callback(asgi.close)
        yield {"envoy": EnvoyDoor(gateway), "asgi": asgi}


ISSUED: dict[str, str] = {}


def issue(folder: Path, ring: KeyRing) -> dict[str, str]:
    """What stands for the placeholders in the headers."""
    issuer = Issuer()
    (folder / "issuer.json").write_bytes(issuer.key_set())
    revoked = ring.issue("mallory")
    ring.revoke(revoked)
    return {
        "key": ring.issue("alice", scopes=["read", "write"]),
        "revoked": revoked,
        "distant": ring.issue("bob", networks=["192.0.2.0/24"]),
        "strange": make_api_key(bytes(16), bytes(32)),
        "token": issuer.token(),
        "expired": issuer.token(lifetime=-300),
    }


class Outcome(NamedTuple):
    reply: Reply
    record: dict[str, Any]


@pytest.fixture(scope="module")
def outcomes(doors: dict[str, Door]) -> dict[tuple[str, str], Outcome]:
    """Every case through both doors, once."""
    tags = {(name, door): uuid4().hex for name in CASES for door in DOORS}
    replies = {(name, door): send(doors[door], CASES[name], tag) for (name, door), tag in tags.items()}
    return {key: Outcome(reply, doors[key[1]].record(tags[key])) for key, reply in replies.items()}


def send(door: Door, case: Case, tag: str) -> Reply:
    headers = tuple((name, value.format(**ISSUED)) for name, value in case.sent.headers)
    for turn in range(case.times):
        tagged = tag if turn == case.times - 1 else "earlier"
        reply = door.send(case.sent._replace(headers=(*headers, ("x-tag", tagged))))
    return reply


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", CASES)
def test_verdict(outcomes: dict[tuple[str, str], Outcome], name: str, door: str) -> None:
    case, (reply, record) = CASES[name], outcomes[name, door]
    assert (reply.status, record["status"]) == (case.status, case.status)
    found = tuple(finding["rule"] for finding in record["findings"])
    assert (record["action"], record["control"], found) == (case.action, case.control, case.rules)
    assert (record["principal"], record["client"]) == (case.principal, case.client)
    assert case.operation in (None, record["operation"])
    assert set(case.evidence) <= {finding["evidence"] for finding in record["findings"]}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", CASES)
def test_reply(outcomes: dict[tuple[str, str], Outcome], name: str, door: str) -> None:
    case, (reply, record) = CASES[name], outcomes[name, door]
    assert_headers(case.response, dict(reply.headers))
    if case.upstream:
        seen = dict(reply.json()["headers"])
        assert_headers(case.upstream, seen)
        assert seen["x-request-id"] == record["request_id"] != "forged"
    assert case.says in reply.body
    assert CANARY.encode() not in reply.body
    if case.sent.method == "HEAD":
        assert reply.body == b""
    elif case.action != "allow" or "error-hidden" in case.rules:
        assert reply.problem()["request_id"] == record["request_id"]


@pytest.mark.parametrize("name", CASES)
def test_same_record(outcomes: dict[tuple[str, str], Outcome], name: str) -> None:
    envoy, asgi = (outcomes[name, door].record for door in DOORS)
    assert tuple(envoy) == tuple(asgi) == Record.__struct_fields__[:-1]  # the last is there where a rule decided
    assert without_times(envoy) == without_times(asgi)
    assert (envoy["upstream_ms"] is None) == (asgi["upstream_ms"] is None)


def without_times(record: dict[str, Any]) -> dict[str, Any]:
    passing = {"time", "request_id", "duration_ms", "upstream_ms", "worker", "headers"}
    findings = [  # the application's answer holds what the server before it wrote
        {**finding, "evidence": ""} if finding["rule"] == ANSWERED else finding for finding in record["findings"]
    ]
    return {**{key: value for key, value in record.items() if key not in passing}, "findings": findings}


def assert_headers(wanted: Mapping[str, Any], present: dict[str, str]) -> None:
    for name, value in wanted.items():
        if value is None:
            assert name not in present
        else:
            assert name in present
            assert value in (..., present[name])
