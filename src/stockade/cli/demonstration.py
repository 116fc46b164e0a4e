"""The demo: the sample shop, a real gateway before it, and a scripted mix of honest and hostile requests.

Everything is real: the gateway is `stockade up` in a process of its own, the requests go through a socket, and the
table is read from the decision log.
"""

from __future__ import annotations

import contextlib
import http.client
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import typer

from stockade.cli.display import print_table
from stockade.gateway.envoy.module import Unfit

_WAIT = 90.0  # seconds for a process to answer: the first start compiles the rules of the WAF
_ISSUER = "https://issuer.example"

_POLICY = """\
version: 1
listen: [{{address: "127.0.0.1:{port}"}}]
admin: {{address: "127.0.0.1:{admin}"}}
log: {{path: decisions.jsonl, headers: [x-request-tag]}}
apis:
  - name: shop
    kind: open
    upstream: {{url: "http://127.0.0.1:{shop}"}}
    openapi: openapi.json
    schema: {{strict: true}}
    firewall: {{deny: ["203.0.113.0/24"]}}
    authentication:
      any_of:
        - api_key: {{header: X-API-Key}}
        - jwt: {{jwks: issuer.json, issuer: "{issuer}", audience: shop, algorithms: [ES256]}}
      anonymous: ["GET /health", "POST /login"]
    limits:
      - {{name: per-address, key: address, rate: 50/s, burst: 100}}
      - {{name: logins, key: [address, operation], rate: 30/min, burst: 40}}
      - {{name: per-principal, key: principal, rate: 20/s, burst: 60}}
      - {{name: daily, key: principal, quota: 10000/day}}
    ownership:
      - {{type: order, id: path.id, operations: ["GET /orders/{{id}}"], learn: {{from: POST /orders}}, learning: 0s}}
    waf: {{rules: builtin}}
    exposure: {{responses: strip}}
"""


class Outcome(NamedTuple):
    title: str
    request: str
    verdict: str
    status: int
    control: str
    reason: str
    milliseconds: float
    right: bool


def run_demo(*, once: bool, port: int) -> int:
    """The exit status: 0 when every request was decided as it should be. Raises Unfit without the sample shop."""
    examples = _examples()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stockade-demo-")))
        gateway, admin, shop = _ports(port)
        stack.enter_context(
            _process([sys.executable, str(examples / "shop"), "--port", str(shop)], folder, shop, "/health")
        )
        describe = [sys.executable, str(examples / "shop"), "--describe", str(folder / "openapi.json")]
        subprocess.run(describe, check=True)  # noqa: S603 - our own
        (folder / "stockade.yaml").write_text(_POLICY.format(port=gateway, admin=admin, shop=shop, issuer=_ISSUER))
        secrets = _credentials(folder)
        up = [sys.executable, "-m", "stockade", "up", "stockade.yaml"]
        stack.enter_context(_process(up, folder, admin, "/readyz"))
        sys.path.insert(0, str(examples))
        outcomes = list(_send_all(importlib.import_module("shop.traffic").STEPS, gateway, secrets, folder))
        _show(outcomes)
        wrong = [outcome for outcome in outcomes if not outcome.right]
        if not once:
            _stay(gateway, admin, folder, secrets["key"])
    return 1 if wrong else 0


def _examples() -> Path:
    """The folder with the sample shop: in the checkout that we run from, or that Stockade was installed from."""
    for folder in (Path.cwd(), *Path(__file__).resolve().parents):
        if (folder / "examples" / "shop" / "traffic.py").is_file():
            return folder / "examples"
    raise Unfit("the demo needs the sample shop: run it in a checkout of Stockade, where examples/shop is")


def _ports(wanted: int) -> tuple[int, int, int]:
    """The gateway's port and two that are free."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        free = [int(probe.getsockname()[1]) for probe in probes]
    return wanted or free[0], free[1], free[2]


@contextlib.contextmanager
def _process(command: Sequence[str], folder: Path, port: int, path: str) -> Iterator[None]:
    """A process that runs while the context does, once it answers there. Raises Unfit when it does not."""
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, env=os.environ)  # noqa: S603 - our own
    try:
        until = time.monotonic() + _WAIT
        while _status(port, path) != 200:
            if process.poll() is not None:
                raise Unfit(f"{' '.join(command[:3])} … ended with status {process.returncode}; its words stand above")
            if time.monotonic() > until:
                raise Unfit(f"{' '.join(command[:3])} … did not answer on port {port} within {_WAIT:.0f} s")
            time.sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def _credentials(folder: Path) -> dict[str, str]:
    """An API key and two tokens, one of them expired, with the issuer's public key beside the policy."""
    from joserfc import jwt
    from joserfc.jwk import ECKey

    issuer = ECKey.generate_key("P-256", {"kid": "demo", "use": "sig", "alg": "ES256"})
    (folder / "issuer.json").write_text(json.dumps({"keys": [issuer.as_dict(private=False)]}))
    now = int(time.time())

    def token(expires: int) -> str:
        claims = {
            "iss": _ISSUER,
            "aud": "shop",
            "sub": "carol",
            "scope": "orders:read",
            "exp": expires,
            "iat": now - 7200,
        }
        return jwt.encode({"alg": "ES256", "kid": "demo"}, claims, issuer)

    issue = [sys.executable, "-m", "stockade", "keys", "issue", "--owner", "alice", "--json"]
    issued = subprocess.run(issue, cwd=folder, capture_output=True, check=True)  # noqa: S603 - our own
    return {"key": json.loads(issued.stdout)["key"], "jwt": token(now + 3600), "expired_jwt": token(now - 3600)}


def _send_all(steps: Sequence[Any], port: int, secrets: dict[str, str], folder: Path) -> Iterator[Outcome]:
    answers = []
    for number, step in enumerate(steps):
        tag = f"step-{number}"
        for repetition in range(step.repeat):
            answer = _send(step, port, secrets, tag if repetition == step.repeat - 1 else "")
        answers.append((step, tag, answer))
    records = _records(folder / "decisions.jsonl", len(steps))
    for step, tag, (status, text, milliseconds) in answers:
        yield _outcome(step, status, text, milliseconds, records.get(tag))


def _send(step: Any, port: int, secrets: dict[str, str], tag: str) -> tuple[int, str, float]:
    """Status, headers and body as text, milliseconds."""
    headers = {name: value.format(**secrets) for name, value in step.headers}
    body = b"x" * step.body_size if step.body_size else step.body.encode() or None
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    started = time.perf_counter()
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused while the body was being sent
            connection.request(step.method, step.path, body, {**headers, "x-request-tag": tag})
        response = connection.getresponse()
        text = str(response.headers) + response.read().decode("utf-8", "replace")
    finally:
        connection.close()
    return response.status, text, (time.perf_counter() - started) * 1000


def _records(path: Path, wanted: int) -> dict[str, dict[str, Any]]:
    """The decision log by tag, once its writer had time for all of it."""
    records: dict[str, dict[str, Any]] = {}
    until = time.monotonic() + 2
    while time.monotonic() < until and len(records) < wanted:
        time.sleep(0.15)
        lines = path.read_text().splitlines() if path.exists() else []
        tagged = (record for record in map(json.loads, lines) if record.get("headers", {}).get("x-request-tag"))
        records = {record["headers"]["x-request-tag"]: record for record in tagged}
    return records


def _outcome(step: Any, status: int, text: str, milliseconds: float, record: dict[str, Any] | None) -> Outcome:
    if record is None:  # refused before there was a request to judge
        verdict, control, reason = "deny", "envoy", "malformed request"
    else:
        verdict, control = record["action"], record["control"] or ""
        reason = " ".join(finding["rule"] for finding in record["findings"])
    leaked = [hidden for hidden in step.hides if hidden in text]
    if leaked:
        reason = f"leaked {leaked[0]!r}"
    right = verdict == step.expect and status == step.status and not leaked
    request = f"{step.method} {step.path}" + (f" ×{step.repeat}" if step.repeat > 1 else "")
    return Outcome(step.title, request, verdict, status, control, reason, milliseconds, right)


def _show(outcomes: list[Outcome]) -> None:
    rows = [
        (
            o.title,
            o.request[:48],
            o.verdict,
            str(o.status),
            o.control,
            o.reason,
            f"{o.milliseconds:.1f}",
            "" if o.right else "wrong",
        )
        for o in outcomes
    ]
    print_table(("", "request", "verdict", "status", "control", "reason", "ms", ""), rows)
    right = sum(outcome.right for outcome in outcomes)
    typer.echo(f"\n{right} of {len(outcomes)} requests were decided as they should be.")


def _stay(port: int, admin: int, folder: Path, key: str) -> None:
    """Wait for Ctrl-C."""
    typer.echo(
        f"\nThe shop stays protected until Ctrl-C:\n"
        f"  curl -H 'X-API-Key: {key}' http://127.0.0.1:{port}/products\n"
        f"  curl http://127.0.0.1:{admin}/metrics\n"
        f"  tail -f {folder / 'decisions.jsonl'}\n"
        f"  policy: {folder / 'stockade.yaml'}"
    )
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            signal.pause()
