"""The engine without a network."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from stockade.config import build, load_text
from stockade.gateway.dry_run import Decision, DryRun
from stockade.vocabulary import Principal
from stockade.wire import BadRequest, Headers, Peer, Request, read_request

AT = 1_700_000_000.0
POLICY = """\
version: 1
listen: [{{address: "127.0.0.1:8080"}}]
apis:
  - name: shop
    kind: open
    upstream: {{url: "http://127.0.0.1:9000"}}
    firewall: {{mode: {firewall}, deny: [203.0.113.0/24], trusted_proxies: [192.0.2.1]}}
    authentication:
      any_of:
        - jwt: {{jwks: "{jwks}", issuer: i, audience: a, algorithms: [ES256]}}
      anonymous: ["GET /health", "POST /health"]
    limits:
      - {{name: few, key: address, rate: 1/s, burst: 2}}
"""


def dry_run(folder: Path, jwks: str = "issuer.json", firewall: str = "block") -> DryRun:
    (folder / "issuer.json").write_text('{"keys": []}')
    loaded = load_text(POLICY.format(jwks=jwks, firewall=firewall), folder / "stockade.yaml", {})
    return DryRun(loaded, build(loaded))


@pytest.fixture
def run(tmp_path: Path) -> Iterator[DryRun]:
    run = dry_run(tmp_path)
    yield run
    run.close()


def request(target: str = "/health", at: float = AT, client: str = "192.0.2.9", **headers: str) -> Request:
    made = read_request(
        id="r",
        at=at,
        method="GET",
        scheme="http",
        authority="shop.example",
        target=target,
        headers=Headers.of((name.replace("_", "-"), value) for name, value in headers.items()),
        peer=Peer(client),
        version="HTTP/1.1",
        has_body=False,
    )
    assert isinstance(made, Request)
    return made


def told(decision: Decision) -> list[tuple[str, str]]:
    return [(said.control, said.verdict) for said in decision.said]


def test_who_said_what_in_order(run: DryRun) -> None:
    decision = run.decide(request())
    assert told(decision) == [(name, "pass") for name in ("firewall", "limits", "authentication")]
    assert (decision.action, decision.status, decision.control) == ("allow", None, None)
    assert (decision.api, decision.operation, decision.client) == ("shop", "GET /health", "192.0.2.9")
    assert decision.unheard == ()
    assert decision.response is None


def test_who_was_not_reached(run: DryRun) -> None:
    decision = run.decide(request(client="203.0.113.1"))
    assert told(decision) == [("firewall", "stop")]
    assert decision.unheard == ("limits", "authentication", "schema")
    assert (decision.action, decision.status, decision.control) == ("deny", 403, "firewall")
    assert decision.said[0].findings[0].rule == "address-denied"
    assert decision.said[0].policy.endswith("stockade.yaml:7")
    assert decision.response is not None
    assert json.loads(decision.response.body)["status"] == 403


def test_a_control_that_only_watches_would_stop(tmp_path: Path) -> None:
    run = dry_run(tmp_path, firewall="monitor")
    decision = run.decide(request(client="203.0.113.1"))
    run.close()
    assert told(decision)[0] == ("firewall", "would stop")
    assert decision.action == "allow"


def test_trusted_proxies_are_believed(run: DryRun) -> None:
    assert run.decide(request(client="192.0.2.1", x_forwarded_for="203.0.113.1")).control == "firewall"
    assert run.decide(request(client="192.0.2.2", x_forwarded_for="203.0.113.1")).action == "allow"


def test_counters_begin_empty_and_then_count(run: DryRun) -> None:
    actions = [run.decide(request(at=AT + seconds)).action for seconds in (0, 0, 0, 60)]
    assert actions == ["allow", "allow", "throttle", "allow"]


def test_a_recorded_principal_is_taken_as_proven(run: DryRun) -> None:
    (route,) = run.policy.routes
    who = Principal("alice", "recorded")
    assert run.decide(request("/orders")).status == 401
    decision = run.decide(request("/orders"), route=route.without("authentication"), who=who)
    assert (decision.action, decision.principal) == ("allow", "alice")
    assert told(decision) == [("firewall", "pass"), ("limits", "pass")]


def test_no_api(tmp_path: Path, run: DryRun) -> None:
    text = POLICY.format(jwks="issuer.json", firewall="block").replace("kind: open", "kind: open\n    prefix: /v1")
    loaded = load_text(text, tmp_path / "stockade.yaml", {})
    other = DryRun(loaded, build(loaded))
    decision = other.decide(request("/v2"))
    other.close()
    assert (decision.action, decision.status, decision.control, decision.api) == ("deny", 404, "routing", "")
    assert (decision.said, decision.unheard) == ((), ())


def test_an_ambiguous_request_is_refused_before_any_control(run: DryRun) -> None:
    decision = run.refuse(BadRequest(request(), "the path holds an escaped slash or NUL"))
    assert (decision.action, decision.status, decision.control) == ("deny", 400, "routing")
    assert [(said.control, said.findings[0].rule) for said in decision.said] == [("routing", "bad-target")]


def test_nothing_is_written(tmp_path: Path) -> None:
    run = dry_run(tmp_path)
    run.decide(request())
    run.close()
    assert {path.name for path in tmp_path.iterdir()} == {"issuer.json"}


class Issuer:
    """Serves a key set, which may take its time."""

    def __init__(self) -> None:
        key = ECKey.generate_key("P-256", {"kid": "k", "use": "sig", "alg": "ES256"})
        document = json.dumps({"keys": [key.as_dict(private=False)]}).encode()
        self.asked = 0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                self.send_response(200)
                self.end_headers()
                self.wfile.write(document)

            def log_message(self, *_: object) -> None:
                """Tests are quiet."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/jwks"
        claims = {"iss": "i", "aud": "a", "sub": "carol", "exp": int(AT) + 300, "iat": int(AT)}
        self.token = jwt.encode({"alg": "ES256", "kid": "k"}, claims, key)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def test_an_answer_that_must_be_waited_for(tmp_path: Path) -> None:
    issuer = Issuer()
    run = dry_run(tmp_path, issuer.url)
    try:
        decisions = [run.decide(request("/orders", authorization=f"Bearer {issuer.token}")) for _ in range(2)]
    finally:
        run.close()
        issuer.close()
    assert [(decision.action, decision.principal) for decision in decisions] == [("allow", "carol")] * 2
    assert issuer.asked == 1


def test_an_issuer_that_does_not_answer(tmp_path: Path) -> None:
    issuer = Issuer()
    issuer.close()
    run = dry_run(tmp_path, issuer.url)
    try:
        decision = run.decide(request("/orders", authorization=f"Bearer {issuer.token}"))
    finally:
        run.close()
    assert (decision.action, decision.status, decision.control) == ("deny", 503, "authentication")
    assert decision.said[-1].findings[0].rule == "control-error"
