"""The WAF through a real Envoy, with our own rules and with the CRS that the system has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest
from websockets.sync.client import connect

from tests.absent import present
from tests.gateway.client import Client, Reply, chunked
from tests.gateway.conftest import Start
from tests.gateway.harness import Gateway, api, free_port, policy, running, wait_until
from tests.gateway.upstreams import Connection, Seen, Upstream, echo, plain, upstream

pytestmark = pytest.mark.envoy

CRS = Path("/usr/share/modsecurity-crs/rules")
SQL = "1' OR '1'='1' --"
SCRIPT = "<script>alert(document.cookie)</script>"
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PARTS = {"Content-Type": "multipart/form-data; boundary=----b"}
LEAK = (
    b"<b>Warning</b>: mysql_fetch_array() expects parameter 1 to be resource, boolean given in /var/www/x.php on line 3"
)


def part(name: str, content: bytes, filename: str = "") -> bytes:
    named = f'; filename="{filename}"' if filename else ""
    head = f'------b\r\nContent-Disposition: form-data; name="{name}"{named}\r\n'
    return head.encode() + (b"Content-Type: image/png\r\n" if filename else b"") + b"\r\n" + content + b"\r\n"


def answer(connection: Connection, seen: Seen) -> bool:
    if seen.target.startswith("/leak"):
        connection.socket.sendall(plain(200, LEAK, ("Content-Type", "text/html")))
        return True
    return echo(connection, seen)


def rules_of(kind: str) -> str:
    if kind == "crs":
        present(CRS, "Debian's package modsecurity-crs")
    return kind


@pytest.fixture(scope="module", params=["builtin", "crs"])
def guarded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """APIs that block, watch, let one operation through, inspect responses."""
    rules = rules_of(request.param)
    with ExitStack() as stack:
        port = stack.enter_context(upstream(free_port(), answer)).port
        everything = {"rules": ["1-9999999"], "operations": ["POST /notes"], "targets": ["ARGS:json.body"]}
        bodies = {"max_body": "4MiB"}
        apis = [
            api(port, "watching", prefix="/watching", waf={"rules": rules, "mode": "monitor"}, firewall=bodies),
            api(port, "excused", prefix="/notes", waf={"rules": rules, "exclusions": [everything]}, firewall=bodies),
            api(port, "both", prefix="/leak", waf={"rules": rules, "responses": True}, firewall=bodies),
            api(port, "blocking", waf={"rules": rules}, firewall=bodies),
        ]
        gateway = Gateway(tmp_path_factory.mktemp("waf"), policy(*apis))
        yield stack.enter_context(running(gateway))


def attacks() -> dict[str, tuple[str, str, dict[str, str], bytes]]:
    deep = {"items": [{"name": "mug"}, {"name": SQL}]}
    return {
        "query": ("GET", f"/search?q={quote(SQL)}", {}, b""),
        "path": ("GET", f"/products/{quote(SCRIPT, safe='')}".replace("%2F", "/"), {}, b""),
        "JSON": ("POST", "/orders", JSON, json.dumps(deep).encode()),
        "JSON, escaped": ("POST", "/orders", JSON, b'{"a":"\\u003cscript\\u003ealert(1)\\u003c/script\\u003e"}'),
        "form": ("POST", "/login", FORM, b"user=a&password=" + quote(SQL).encode()),
        "gRPC in name": ("POST", "/orders", {"Content-Type": "application/grpc"}, json.dumps(deep).encode()),
        "multipart": ("POST", "/upload", PARTS, part("note", SCRIPT.encode()) + b"------b--\r\n"),
        "cookie": ("GET", "/", {"Cookie": f"session={quote(SQL)}"}, b""),
        "header": ("GET", "/", {"User-Agent": "() { :;}; /bin/bash -c 'cat /etc/passwd'"}, b""),
        "traversal": ("GET", "/files?name=../../../../etc/passwd", {}, b""),
        "command": ("GET", f"/ping?host={quote('8.8.8.8; cat /etc/passwd')}", {}, b""),
    }


@pytest.mark.parametrize("name", attacks())
def test_attacks_are_refused(guarded: Gateway, name: str) -> None:
    method, target, headers, body = attacks()[name]
    reply = guarded.ask(method, target, {**headers, "X-Tag": f"attack {name}"}, body)
    assert reply.status == 403
    assert reply.problem()["detail"] == "The request was refused."
    record = guarded.record(f"attack {name}")
    assert (record["action"], record["control"]) == ("deny", "waf")
    finding = record["findings"][0]
    assert finding["rule"].isdigit()
    assert finding["message"]
    assert finding["tags"]
    assert "stockade.yaml:" in finding["policy"]


def honest() -> dict[str, tuple[str, str, dict[str, str], bytes]]:
    order = {"customer": "c-7", "items": [{"sku": "A-1", "quantity": 2}], "note": "please ring twice"}
    return {
        "GET": ("GET", "/products?sort=-price&page=2&q=coffee+mug", {"Accept": "application/json"}, b""),
        "JSON": ("POST", "/orders", JSON, json.dumps(order).encode()),
        "PUT": ("PUT", "/orders/7", JSON, json.dumps(order).encode()),
        "PATCH": ("PATCH", "/orders/7", {"Content-Type": "application/merge-patch+json"}, b'{"note":null}'),
        "DELETE": ("DELETE", "/orders/7", {}, b""),
        "form": ("POST", "/login", FORM, b"user=mara&password=correct+horse+battery"),
        "file": ("POST", "/upload", PARTS, part("f", bytes(range(256)) * 2000, "a.png") + b"------b--\r\n"),
    }


@pytest.mark.parametrize("name", honest())
def test_honest_requests_reach_the_upstream_whole(guarded: Gateway, name: str) -> None:
    method, target, headers, body = honest()[name]
    more = {"User-Agent": "mobile/1.0", "Accept": "*/*", **headers}
    reply = guarded.ask(method, target, more, body)
    assert reply.status == 200
    assert len(echoed_body(reply)) == len(body)


def echoed_body(reply: Reply) -> str:
    body = reply.json()["body"]
    assert isinstance(body, str)
    return body


def test_a_body_in_pieces_is_judged_whole(guarded: Gateway) -> None:
    body = json.dumps({"a": SCRIPT}).encode()
    with Client(guarded.port) as client:
        client.send(b"POST /orders HTTP/1.1\r\nHost: shop.example.test\r\nContent-Type: application/json\r\n")
        client.send(b"Transfer-Encoding: chunked\r\n\r\n" + chunked(*(body[i : i + 1] for i in range(len(body)))))
        assert client.reply().status == 403


def test_watching_says_what_it_would_refuse(guarded: Gateway) -> None:
    reply = guarded.get(f"/watching?q={quote(SQL)}", **{"X-Tag": "watched"})
    assert reply.status == 200
    record = guarded.record("watched")
    assert record["action"] == "allow"
    assert any(finding["monitor"] and finding["control"] == "waf" for finding in record["findings"])


def test_an_exclusion_is_as_narrow_as_it_says(guarded: Gateway) -> None:
    inside, beside = json.dumps({"body": SQL}).encode(), json.dumps({"title": SQL}).encode()
    more = {**JSON, "User-Agent": "a", "Accept": "*/*"}
    assert guarded.ask("POST", "/notes", more, inside).status == 200
    assert guarded.ask("POST", "/notes", more, beside).status == 403
    assert guarded.ask("PUT", "/notes", more, inside).status == 403


def test_what_is_too_long_to_inspect_is_refused(guarded: Gateway) -> None:
    body = json.dumps({"pad": "x" * (1 << 17), "a": SQL}).encode()
    reply = guarded.ask("POST", "/orders", {**JSON, "X-Tag": "long"}, body)
    assert reply.status == 413
    assert guarded.record("long")["findings"][-1]["rule"] == "body-too-long"


def test_a_body_that_cannot_be_read_is_refused(guarded: Gateway) -> None:
    assert guarded.ask("POST", "/orders", JSON, b'{"a":').status == 400


def test_responses_that_tell_too_much_are_withheld(guarded: Gateway) -> None:
    reply = guarded.get("/leak", Accept="*/*", **{"User-Agent": "a"})
    assert reply.status == 502
    assert b"mysql" not in reply.body


def test_websockets_pass(start: Start, shop: int) -> None:
    gateway = start(policy(api(shop, waf={"rules": "builtin"})))
    with connect(f"ws://127.0.0.1:{gateway.port}/ws") as socket:
        socket.send(SCRIPT)
        assert SCRIPT in str(socket.recv(5))


def test_broken_rules_are_not_loaded(start: Start, echoing: Upstream, tmp_path: Path) -> None:
    """The policy that runs keeps running, and it is said which line of which rule file is wrong."""
    (tmp_path / "own.conf").write_text('SecRule ARGS "@contains forbidden" "id:1,phase:2,deny,status:406"\n')
    gateway = start(policy(api(echoing.port, waf={"rules": ["own.conf"]})))
    assert gateway.get("/?a=forbidden").status == 406
    (tmp_path / "own.conf").write_text('SecRule ARGS "@contians forbidden" "id:1,phase:2,deny,status:406"\n')
    wait_until(lambda: "own.conf:1: unknown operator" in gateway.stderr)
    assert gateway.get("/?a=forbidden").status == 406


def test_rules_are_read_anew_when_their_file_changes(start: Start, echoing: Upstream, tmp_path: Path) -> None:
    (tmp_path / "own.conf").write_text('SecRule ARGS "@contains first" "id:1,phase:2,deny,status:406"\n')
    gateway = start(policy(api(echoing.port, waf={"rules": ["own.conf"]})))
    assert gateway.get("/?a=first").status == 406
    (tmp_path / "own.conf").write_text('SecRule ARGS "@contains second" "id:1,phase:2,deny,status:406"\n')
    wait_until(lambda: gateway.get("/?a=second").status == 406)
    assert gateway.get("/?a=first").status == 200
