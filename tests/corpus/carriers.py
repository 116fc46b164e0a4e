"""Where a payload stands in a request, and in which disguise. One function per place; all are pure but for `rng`.

A carrier writes as an honest client would: what the place demands is escaped, and no more. A payload that already
holds percent escapes is taken as the attacker wrote it.
"""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from tests.corpus.cases import Case

JSON = ("content-type", "application/json")
FORM = ("content-type", "application/x-www-form-urlencoded")
XML = ("content-type", "application/xml")
TEXT = ("content-type", "text/plain")
AGENTS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "okhttp/4.12.0",
    "python-requests/2.32.3",
    "axios/1.7.2",
    "curl/8.7.1",
    "MyShop/5.2.1 (iPhone; iOS 17.5.1; Scale/3.00)",
    "Dart/3.4 (dart:io)",
    "PostmanRuntime/7.39.0",
    "Go-http-client/2.0",
]
_PATHS = ["/api/v1/products", "/api/v2/orders", "/v1/users", "/api/search", "/rest/items", "/api/articles", "/v3/files"]
_NAMES = "q query search name title id user comment sort filter category message value page lang email ref code".split()
_PERCENT = re.compile("%(?:[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})")

Carrier = Callable[[str, str, str, random.Random], Case]
"""(class, name of the parameter, payload, rng) → the request."""


def base_headers(rng: random.Random) -> list[tuple[str, str]]:
    headers = [("host", "api.example.com"), ("user-agent", rng.choice(AGENTS)), ("accept", "application/json")]
    if rng.random() < 0.4:
        token = base64.urlsafe_b64encode(rng.randbytes(24)).decode().rstrip("=")
        headers.append(("authorization", f"Bearer {token}"))
    return headers


def make(
    kind: str, place: str, method: str, target: str, body: str | bytes, rng: random.Random, *more: tuple[str, str]
) -> Case:
    data = body if isinstance(body, bytes) else body.encode("utf-8", "surrogateescape")
    headers = [*base_headers(rng), *more]
    if data:
        headers.append(("content-length", str(len(data))))
    return Case(kind, place, method, target, tuple(headers), data)


def url(payload: str) -> str:
    """Escaped for a URL, unless the payload brings escapes of its own: then only what cannot stand there."""
    return quote(payload, safe="%/:@!$'()*,;" if _PERCENT.search(payload) else "")


def name_for(rng: random.Random) -> str:
    return rng.choice(_NAMES)


def query(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    other = rng.choice(["page=2&", "", "", "limit=20&", "sort=asc&"])
    return make(kind, "query", "GET", f"{rng.choice(_PATHS)}?{other}{name}={url(payload)}", "", rng)


def path(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    tail = rng.choice(["", "", "/details", "/orders"])
    written = quote(payload, safe="%:@!$'()*,;" if _PERCENT.search(payload) else "")
    return make(kind, "path", rng.choice(["GET", "GET", "DELETE"]), f"{rng.choice(_PATHS)}/{written}{tail}", "", rng)


def form(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    body = f"{rng.choice(['remember=1', 'page=1', 'csrf=f3a9', 'country=DE'])}&{name}={url(payload)}"
    return make(kind, "form", "POST", rng.choice(_PATHS), body, rng, FORM)


def json_body(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    item: dict[str, Any] = {"quantity": rng.randrange(1, 9), name: payload, "active": True}
    return make(kind, "json", rng.choice(["POST", "PUT", "PATCH"]), rng.choice(_PATHS), json.dumps(item), rng, JSON)


def json_nested(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    item = {"data": {"type": "item", "attributes": {"label": "Blue", name: payload}, "meta": {"v": 3}}}
    return make(kind, "json_nested", "POST", rng.choice(_PATHS), json.dumps(item), rng, JSON)


def json_array(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    item = {"ids": [1, 2, 3], f"{name}s": ["alpha", payload, "gamma"]}
    return make(kind, "json_array", "POST", rng.choice(_PATHS), json.dumps(item), rng, JSON)


def header(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    where = rng.choice(["user-agent", "referer", "x-forwarded-for", "x-api-version", "x-tenant", "x-request-source"])
    value = url(payload) if re.search(r"[^ -~]", payload) else payload
    plain = make(kind, "header", "GET", rng.choice(_PATHS), "", rng)
    headers = tuple(pair for pair in plain.headers if pair[0] != where)
    return plain._replace(headers=(*headers, (where, value)))


def user_agent(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    return make(kind, "user_agent", "GET", rng.choice(_PATHS), "", rng, ("user-agent", payload))._replace(
        headers=(("host", "api.example.com"), ("user-agent", payload), ("accept", "*/*"))
    )


def cookie(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    value = f"session=8f14e45f; {rng.choice(['tracking', 'prefs', 'lang', 'cart', name])}={url(payload)}"
    return make(kind, "cookie", "GET", rng.choice(_PATHS), "", rng, ("cookie", value))


def multipart_body(parts: list[tuple[str, str, str]]) -> tuple[str, tuple[str, str]]:
    """Parts are (head after the name, content type, content)."""
    boundary = "----stockade7MA4YWxkTrZu0gW"
    text = ""
    for head, kind, content in parts:
        typed = f"Content-Type: {kind}\r\n" if kind else ""
        text += f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n{typed}\r\n{content}\r\n"
    return text + f"--{boundary}--\r\n", ("content-type", f"multipart/form-data; boundary={boundary}")


def multipart(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    body, typed = multipart_body([('name="album"', "", "summer"), (f'name="{name}"', "", payload)])
    return make(kind, "multipart", "POST", "/api/v1/uploads", body, rng, typed)


def multipart_filename(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    file = payload.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    body, typed = multipart_body([(f'name="file"; filename="{file}"', "image/png", "\x7fPNG...")])
    return make(kind, "multipart_filename", "POST", "/api/v1/uploads", body, rng, typed)


def multipart_file(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    file, typed_as = rng.choice([("a.svg", "image/svg+xml"), ("x.xml", "text/xml"), ("d.xml", "application/xml")])
    body, typed = multipart_body([(f'name="file"; filename="{file}"', typed_as, payload)])
    return make(kind, "multipart_file", "POST", "/api/v1/uploads", body, rng, typed)


def xml(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    clean = payload.replace("\0", "%00").replace("\x0b", " ")
    if rng.random() < 0.3:
        body = f'<?xml version="1.0"?><request><item no="7" {name}={quoteattr(clean)}/></request>'
    else:
        body = f'<?xml version="1.0"?><request><item no="7"><{name}>{escape(clean)}</{name}></item></request>'
    return make(kind, "xml", "POST", rng.choice(_PATHS), body, rng, XML)


def xml_body(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    typed = ("content-type", rng.choice(["application/xml", "text/xml; charset=utf-8", "application/soap+xml"]))
    return make(kind, "xml_body", "POST", rng.choice(_PATHS), payload, rng, typed)


def xml_wrong_type(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    typed = ("content-type", rng.choice(["text/plain", "application/octet-stream", "application/x-www-form-urlencoded"]))
    return make(kind, "xml_wrong_type", "POST", rng.choice(_PATHS), payload, rng, typed)


def soap(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    head, start, rest = payload.partition("<!DOCTYPE")
    envelope = '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
    body = f"{payload}" if start else f"{envelope}{payload}</soap:Body></soap:Envelope>"
    return make(kind, "soap", "POST", "/ws/orders", body, rng, ("content-type", "text/xml"), ("soapaction", '"get"'))


def raw_text(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    return make(kind, "raw_text", "POST", "/api/v1/notes", payload, rng, TEXT)


def graphql_variable(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    item = {"query": "query Find($v: String!) { search(term: $v) { id name } }", "variables": {"v": payload}}
    return make(kind, "graphql_variable", "POST", "/graphql", json.dumps(item), rng, JSON)


def graphql_inline(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    item = {"query": "{ users(" + name + ": " + json.dumps(payload) + ") { id email } }"}
    return make(kind, "graphql_inline", "POST", "/graphql", json.dumps(item), rng, JSON)


def graphql_document(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    way = rng.random()
    if way < 0.2:
        return make(kind, "graphql_query_string", "GET", f"/graphql?query={quote(payload, safe='')}", "", rng)
    if way < 0.3:
        return make(kind, "graphql_raw", "POST", "/graphql", payload, rng, ("content-type", "application/graphql"))
    return make(kind, "graphql_document", "POST", "/graphql", json.dumps({"query": payload}), rng, JSON)


def body(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    """The payload is the whole JSON body."""
    target = rng.choice(["/api/login", "/api/v1/users/search", "/api/v1/settings", "/v1/profile"])
    return make(kind, "json_body", "POST", target, payload, rng, JSON)


def bracket(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    """The payload is a list of pairs, as `qs` and PHP read them."""
    written = quote(payload, safe="%&=[]$.") if rng.random() < 0.5 else quote(payload, safe="%&=.")
    if rng.random() < 0.5:
        return make(kind, "query_keys", "GET", f"/api/v1/users?{written}", "", rng)
    return make(kind, "form_keys", "POST", "/api/login", written, rng, FORM)


def probe(kind: str, name: str, payload: str, rng: random.Random) -> Case:
    return make(kind, "path", "GET", payload, "", rng)


PLACES: dict[str, Carrier] = {
    "query": query,
    "path": path,
    "form": form,
    "json": json_body,
    "json_nested": json_nested,
    "json_array": json_array,
    "header": header,
    "user_agent": user_agent,
    "cookie": cookie,
    "multipart": multipart,
    "multipart_filename": multipart_filename,
    "multipart_file": multipart_file,
    "xml": xml,
    "xml_body": xml_body,
    "xml_wrong_type": xml_wrong_type,
    "soap": soap,
    "raw_text": raw_text,
    "graphql_variable": graphql_variable,
    "graphql_inline": graphql_inline,
    "graphql_document": graphql_document,
    "body": body,
    "bracket": bracket,
    "probe": probe,
}
