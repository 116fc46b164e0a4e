"""What is written down: every request, with the documented fields and nothing that is secret."""

from __future__ import annotations

import base64
import datetime
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from stockade.vocabulary import Finding, Record
from tests.gateway.client import Client, Reply
from tests.gateway.conftest import Start
from tests.gateway.credentials import Issuer, keys_in, scheme
from tests.gateway.harness import Gateway, api, free_port, policy, running, wait_until
from tests.gateway.injected.probe import CANARY
from tests.gateway.upstreams import Connection, Seen, Upstream, echo, upstream
from tests.gateway.upstreams import plain as answering

pytestmark = pytest.mark.envoy


def leaky(connection: Connection, seen: Seen) -> bool:
    if seen.target.startswith("/error"):
        connection.socket.sendall(answering(500, b"Traceback: canary-of-the-upstream"))
        return True
    return echo(connection, seen)


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, dict[str, str]]]:
    """A gateway, and secrets that its clients have."""
    folder, issuer = tmp_path_factory.mktemp("journal"), Issuer()
    (folder / "issuer.json").write_bytes(issuer.key_set())
    with ExitStack() as stack:
        port = stack.enter_context(upstream(free_port(), leaky)).port
        ring = stack.enter_context(keys_in(folder))
        section = {"any_of": [{"api_key": {}}, scheme("issuer.json")], "anonymous": ["GET /open", "POST /open"]}
        apis = [
            api(port, "probe", prefix="/probe"),
            api(port, operations=["GET /orders/{id}"], authentication=section),
        ]
        gateway = Gateway(folder, policy(*apis, log={"headers": ["x-tag", "referer"]}), environment={"PROBE": "yes"})
        secrets = {
            "key": ring.issue("alice", scopes=["read"]),
            "mistyped": ring.issue("bob")[:-1] + "0",
            "token": issuer.token("carol"),
            "expired": issuer.token("carol", lifetime=-300),
            "cookie": "canary-cookie-d41d8cd98f00b204",
            "password": "canary-password",
            "query": "canary-query-e9800998ecf8427e",
            "body": "canary-body-7d793037a0760186",
            "segment": "canaryPathSegment574b0282f2e7d1a2b3",
            "upstream": "canary-of-the-upstream",
            "exception": CANARY,
        }
        yield stack.enter_context(running(gateway)), secrets


def parts(secret: str) -> list[str]:
    """The secret, and the pieces of it that are secret by themselves."""
    pieces = [secret, *(piece for piece in re.split(r"[._]", secret) if len(piece) > 20)]
    return [*pieces, base64.b64encode(secret.encode()).decode()]


def carrying(secrets: dict[str, str]) -> dict[str, str]:
    basic = base64.b64encode(f"user:{secrets['password']}".encode()).decode()
    return {"cookie": f"session={secrets['cookie']}", "authorization": f"Basic {basic}"}


def provoke(gateway: Gateway, secrets: dict[str, str]) -> list[Reply]:
    """Requests of every fate, each with secrets wherever a request can hold one."""
    everything = carrying(secrets)
    query, body = f"?token={secrets['query']}", secrets["body"].encode()
    tail = f"/{secrets['segment']}{query}"
    referer = {"referer": f"Bearer {secrets['token']}"}
    requests: list[tuple[str, str, dict[str, str], bytes]] = [
        ("GET", f"/orders{tail}", {"x-api-key": secrets["key"], "cookie": everything["cookie"], **referer}, b""),
        ("POST", f"/x{tail}", {"authorization": f"Bearer {secrets['token']}"}, body),
        ("GET", f"/x{tail}", {"authorization": f"Bearer {secrets['expired']}"}, b""),
        ("GET", f"/x{tail}", {"authorization": f"Bearer {secrets['token']}x"}, b""),
        ("GET", f"/x{tail}", {"x-api-key": secrets["mistyped"]}, b""),
        ("GET", f"/x{tail}", {"x-api-key": secrets["password"]}, b""),
        ("GET", f"/{secrets['key']}", everything, b""),
        ("GET", f"/x?key={secrets['key']}", everything, b""),
        ("POST", f"/open{query}", everything, body),
        ("DELETE", f"/open{tail}", everything, b""),
        ("TRACE", f"/open{tail}", everything, b""),
        ("GET", f"/a%zz{tail}", everything, b""),
        ("GET", f"/error{query}", {**everything, "x-api-key": secrets["key"]}, b""),
        ("POST", f"/probe/a{query}", {**everything, "x-probe": "raise-head"}, body),
        ("POST", f"/probe/a{query}", {**everything, "x-probe": "raise-body"}, body),
        ("GET", f"/probe/a{query}", {**everything, "x-probe": "raise-response"}, b""),
        ("POST", f"/probe/a{query}", everything, b"forbidden " + body),
        ("GET", "/x", {"x-forwarded-for": secrets["query"], "x-api-key": secrets["key"][:-4]}, b""),
    ]
    return [
        gateway.ask(method, target, {**headers, "x-tag": "secret"}, body) for method, target, headers, body in requests
    ]


def test_secrets_are_nowhere(journal: tuple[Gateway, dict[str, str]]) -> None:
    gateway, secrets = journal
    replies = provoke(gateway, secrets)
    gateway.records("secret", len(replies))
    ours = b"".join(reply.body for reply in replies if reply.header("content-type") == "application/problem+json")
    assert len({reply.status for reply in replies}) > 5
    places = {
        "log": (gateway.folder / "decisions.jsonl").read_text(),
        "stderr": gateway.stderr,
        "stdout": gateway.stdout,
        "metrics": "\n".join(gateway.metrics()),
        "bodies": ours.decode(),
        "headers": "\n".join(str(reply.headers) for reply in replies),
        "readyz": str(gateway.ready()),
    }
    found = [
        (name, place)
        for name, secret in secrets.items()
        for place, text in places.items()
        if any(part in text for part in parts(secret))
    ]
    assert found == []


def types(struct: type[Any]) -> dict[str, str]:
    return {name: str(struct.__annotations__[name]) for name in struct.__struct_fields__}


CHECKS: dict[str, Any] = {
    "str": str,
    "str | None": (str, type(None)),
    "int": int,
    "bool": bool,
    "float": (int, float),
    "float | None": (int, float, type(None)),
    "Action": str,
    "Severity": str,
    "tuple[Finding, ...]": list,
    "dict[str, str]": dict,
}


def test_fields(journal: tuple[Gateway, dict[str, str]]) -> None:
    """Those of `vocabulary.Record`, in that order, with those types; of each finding, those of `Finding`."""
    gateway, secrets = journal
    gateway.ask("GET", "/orders/7?a=b", {"x-api-key": secrets["key"], "x-tag": "fields"})
    gateway.ask("GET", "/orders/7", {"x-tag": "fields"})
    gateway.ask("POST", "/probe/a", {"x-tag": "fields"}, b"forbidden")
    for record in gateway.records("fields", 3):
        # The last is there where a rule of authorization decided.
        assert list(record) == list(Record.__struct_fields__)[:-1]
        for name in record:
            assert isinstance(record[name], CHECKS[types(Record)[name]]), name
        for finding in record["findings"]:
            # The last four are there where a rule of a rule set says something of itself.
            assert list(finding) == list(Finding.__struct_fields__)[:-4]
            for name in finding:
                assert isinstance(finding[name], CHECKS[types(Finding)[name]]), name


def test_an_allowed_request(journal: tuple[Gateway, dict[str, str]]) -> None:
    gateway, secrets = journal
    before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=1)
    gateway.ask("GET", "/orders/7?a=b", {"x-api-key": secrets["key"], "x-tag": "allowed", "referer": "https://a.test"})
    record = gateway.record("allowed")
    at = datetime.datetime.fromisoformat(record.pop("time"))
    assert before < at < datetime.datetime.now(datetime.UTC)
    assert re.fullmatch(r"[0-9a-f-]{36}", record.pop("request_id"))
    assert record.pop("duration_ms") >= record.pop("upstream_ms") >= 0
    assert record == {
        "api": "shop",
        "operation": "GET /orders/{id}",
        "client": "127.0.0.1",
        "principal": "alice",
        "method": "GET",
        "path": "/orders/7",
        "status": 200,
        "action": "allow",
        "control": None,
        "findings": [],
        "headers": {"x-tag": "allowed", "referer": "https://a.test"},
        "worker": 0,
    }


def test_a_refused_request(journal: tuple[Gateway, dict[str, str]]) -> None:
    gateway, _ = journal
    reply = gateway.get("/orders/7", x_tag="refused")
    record = gateway.record("refused")
    assert reply.problem()["request_id"] == record["request_id"]
    assert (record["action"], record["control"], record["status"]) == ("deny", "authentication", 401)
    assert record["upstream_ms"] is None
    (finding,) = record["findings"]
    assert finding["rule"] == "credential-missing"
    file, _, line = finding["policy"].rpartition(":")
    text = (gateway.folder / "stockade.yaml").read_text().splitlines()
    assert file == str(gateway.folder / "stockade.yaml")
    assert "authentication" in text[int(line) - 1] or "any_of" in text[int(line) - 1]


def test_a_response_that_the_client_did_not_wait_for(journal: tuple[Gateway, dict[str, str]]) -> None:
    """499, a status that was never sent."""
    gateway, _ = journal
    with Client(gateway.port) as client:
        client.send(b"POST /open HTTP/1.1\r\nHost: a\r\nX-Tag: impatient\r\nContent-Length: 5\r\n\r\n")
    assert gateway.record("impatient")["status"] == 499


def test_metrics_of_two_workers(start: Start, echoing: Upstream) -> None:
    """Summed, they are the requests that were sent: by API, operation, action and control."""
    apis = [
        api(echoing.port, "one", prefix="/one", operations=["GET /one/{id}"]),
        api(echoing.port, "two", prefix="/two", authentication={"any_of": [{"api_key": {}}]}),
    ]
    gateway = start(policy(*apis, workers=2))
    targets = [f"/one/{n}" for n in range(120)] + ["/two/a"] * 60 + ["/elsewhere"] * 20 + ["/a%zz"] * 10
    with ThreadPoolExecutor(8) as pool:
        statuses = Counter(pool.map(lambda target: gateway.get(target, x_tag="all").status, targets))
    assert statuses == {200: 120, 401: 60, 404: 20, 400: 10}
    requests = "stockade_requests_total"

    def counted() -> bool:
        return gateway.total(requests) == len(targets)

    wait_until(counted)
    assert gateway.total(requests, api="one", operation="GET /one/{id}", action="allow") == 120
    assert gateway.total(requests, api="two", action="deny", control="authentication") == 60
    assert gateway.total(requests, api="", control="routing", action="deny") == 30
    assert gateway.total("stockade_findings_total", rule="credential-missing") == 60
    assert gateway.total("stockade_engine_seconds_count") == len(targets)
    assert gateway.total("stockade_upstream_seconds_count", api="one") == 120
    assert gateway.metrics()["stockade_workers"] == 2
    assert {record["worker"] for record in gateway.records("all", len(targets))} == {0, 1}
    # Whoever scrapes twice sees the same.
    assert gateway.total(requests) == len(targets)


def test_metrics_survive_a_reload(start: Start, echoing: Upstream) -> None:
    begin = policy(api(echoing.port))
    gateway = start(begin)
    gateway.get("/")
    gateway.reload({**begin, "connections": 9000})
    gateway.get("/")
    wait_until(lambda: gateway.total("stockade_requests_total") == 2)
    assert gateway.metrics()["stockade_policy_generation"] == 2
    assert "connections takes effect when Stockade is started again" in gateway.stderr


def test_operations_are_few(start: Start, echoing: Upstream) -> None:
    """Whatever paths clients invent, the metrics stay of bounded size."""
    gateway = start(policy(api(echoing.port)))
    words = [f"{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(676)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda word: gateway.get(f"/{word}"), words))
    wait_until(lambda: gateway.total("stockade_requests_total") == len(words))
    series = [name for name in gateway.metrics() if name.startswith("stockade_requests_total")]
    assert len(series) < 600
