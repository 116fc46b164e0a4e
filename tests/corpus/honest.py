"""The honest requests: texts, code and documents of many kinds, each in the places where an API would meet it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

from tests.corpus import carriers
from tests.corpus.attacks import written
from tests.corpus.carriers import FORM, JSON, TEXT, make
from tests.corpus.cases import HERE, Case, is_held

_MATERIAL = HERE / "material"

Shape = Callable[[str, str, random.Random], Case]
"""(kind, text, rng) → a request that carries the text."""


def lines(name: str) -> list[str]:
    return [line for line in (_MATERIAL / name).read_text("utf-8").split("\n") if line]


def documents(name: str) -> list[tuple[str, str]]:
    """(label, text) of each part of a file whose parts begin with a line `%% label`."""
    parts = ("\n" + (_MATERIAL / name).read_text("utf-8")).split("\n%%")[1:]
    pairs = [part.partition("\n") for part in parts]
    return [(label.strip(), text.rstrip("\n")) for label, _, text in pairs]


def _send(kind: str, place: str, target: str, body: Any, rng: random.Random, method: str = "POST") -> Case:
    return make(kind, place, method, target, json.dumps(body, ensure_ascii=rng.random() < 0.5), rng, JSON)


def in_query(kind: str, text: str, rng: random.Random) -> Case:
    name = rng.choice(["q", "query", "search", "name", "term", "title"])
    encode = urlencode if rng.random() < 0.5 else lambda pair: urlencode(pair, quote_via=quote)
    target = f"/api/v1/{rng.choice(['search', 'products', 'users', 'posts'])}?{encode({name: text})}&page={rng.randrange(9)}"
    return make(kind, "query", "GET", target, "", rng)


def in_path(kind: str, text: str, rng: random.Random) -> Case:
    target = f"/api/v1/{rng.choice(['files', 'users', 'tags', 'wiki'])}/{quote(text, safe='')}"
    return make(kind, "path", rng.choice(["GET", "DELETE"]), target, "", rng)


def in_comment(kind: str, text: str, rng: random.Random) -> Case:
    shapes: list[tuple[str, Any]] = [
        ("/api/v1/comments", {"text": text, "post_id": rng.randrange(9999), "parent": None}),
        ("/api/v1/posts", {"title": "Hello", "content": text, "tags": ["a", "b"], "draft": False}),
        ("/api/v1/tickets", {"subject": "Help", "description": text, "priority": "low"}),
        ("/api/v1/messages", {"to": "u_1", "message": text}),
        ("/api/v1/notes", {"note": {"body": text, "color": "yellow"}}),
        ("/api/v1/reviews", {"rating": 4, "review": text, "product": "sku-1"}),
        ("/api/v1/profile", {"name": "Ann", "bio": text}),
        ("/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": text}]}),
        ("/api/v1/translations", {"source": "en", "target": "de", "q": [text]}),
        ("/api/v1/items", {"data": {"type": "items", "attributes": {"summary": text}}}),
        ("/api/v1/articles/7", {"article": {"id": 7, "body": text, "updated": "2024-05-06T12:00:00Z"}}),
        ("/api/v1/feedback", {"feedback": text, "page": "/checkout", "email": "ann@example.com"}),
    ]
    target, body = rng.choice(shapes)
    return _send(kind, "json", target, body, rng, rng.choice(["POST", "POST", "PUT", "PATCH"]))


def in_form(kind: str, text: str, rng: random.Random) -> Case:
    fields = {"name": rng.choice(lines("names.lines")), "message": text, "subscribe": "on", "city": "Köln"}
    return make(kind, "form", "POST", "/contact", urlencode(fields), rng, FORM)


def in_multipart(kind: str, text: str, rng: random.Random) -> Case:
    name = rng.choice(["photo.jpg", "O'Brien.pdf", "résumé.docx", "Q1 (final).xlsx", "notes.md", "a&b.txt"])
    parts = [
        ('name="description"', "", text),
        (f'name="file"; filename="{name}"', "application/octet-stream", "some bytes \x01\x02"),
    ]
    body, typed = carriers.multipart_body(parts)
    return make(kind, "multipart", "POST", "/api/v1/uploads", body, rng, typed)


def in_graphql(kind: str, text: str, rng: random.Random) -> Case:
    document = "mutation Add($input: AddInput!) { add(input: $input) { id createdAt } }"
    return _send(kind, "graphql", "/graphql", {"query": document, "variables": {"input": {"body": text}}}, rng)


def in_graphql_text(kind: str, text: str, rng: random.Random) -> Case:
    document = "mutation { addNote(text: " + json.dumps(text, ensure_ascii=False) + ", pinned: true) { id } }"
    return _send(kind, "graphql", "/graphql", {"query": document}, rng)


def in_snippet(kind: str, text: str, rng: random.Random) -> Case:
    shapes: list[tuple[str, Any]] = [
        ("/api/v1/snippets", {"title": "example", "language": "auto", "code": text}),
        ("/gists", {"description": "x", "public": True, "files": {"example.txt": {"content": text}}}),
        ("/api/v1/projects/1/repository/commits", {"branch": "main", "commit_message": "Update", "actions": [{"action": "update", "file_path": "src/x", "content": text}]}),
        ("/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": f"Explain this:\n\n```\n{text}\n```"}]}),
        ("/api/v1/answers", {"question": 17, "body": f"Try this:\n\n```\n{text}\n```\n\nIt's simpler."}),
        ("/api/v1/review", {"file": "a", "line": 3, "suggestion": text}),
        ("/api/format", {"source": text, "options": {"tabs": 2}}),
    ]
    target, body = rng.choice(shapes)
    return _send(kind, "json", target, body, rng)


def in_raw(kind: str, text: str, rng: random.Random) -> Case:
    return make(kind, "raw", "PUT", "/api/v1/documents/42", text, rng, rng.choice([TEXT, ("content-type", "text/markdown")]))


def in_logs(kind: str, text: str, rng: random.Random) -> Case:
    others = rng.sample(lines("logs.lines"), 2)
    way = rng.randrange(4)
    if way == 0:
        body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": "1715000000000000000", "severityText": "INFO", "body": {"stringValue": text}}]}]}]}
        return _send(kind, "json", "/v1/logs", body, rng)
    if way == 1:
        streams = {"streams": [{"stream": {"app": "api"}, "values": [["1715000000000000000", text]]}]}
        return _send(kind, "json", "/loki/api/v1/push", streams, rng)
    if way == 2:
        rows = "\n".join(json.dumps({"message": line, "service": "web"}) for line in [text]) + "\n"
        return make(kind, "ndjson", "POST", "/_bulk", rows, rng, ("content-type", "application/x-ndjson"))
    if is_held(others[0]) != is_held(text):
        return _send(kind, "json", "/api/v2/logs", [{"ddsource": "nginx", "message": text, "hostname": "i-1"}], rng)
    return make(kind, "raw", "POST", "/logs", "\n".join([others[0], text]), rng, TEXT)


def in_value(kind: str, text: str, rng: random.Random) -> Case:
    name = rng.choice(["value", "data", "ref", "key", "item", "content", "text", "label"])
    if rng.random() < 0.4 and len(text) < 200:
        return make(kind, "query", "GET", f"/api/v1/items?{urlencode({name: text})}", "", rng)
    return _send(kind, "json", "/api/v1/items", {name: text, "n": 1, "list": [text, "b"]}, rng)


def in_cookie(kind: str, text: str, rng: random.Random) -> Case:
    value = f"_ga=GA1.1.1234.5678; session={rng.randbytes(12).hex()}; last={quote(text)}; consent={{%22a%22:true}}"
    return make(kind, "cookie", "GET", "/api/v1/me", "", rng, ("cookie", value))


# What is made of each file: (kind, file, shapes, requests a text)
_LINES: list[tuple[str, str, list[Shape], int]] = [
    ("prose", "prose.lines", [in_comment, in_form, in_multipart, in_graphql, in_graphql_text, in_query, in_raw], 2),
    ("traps", "traps.lines", [in_comment, in_form, in_query, in_graphql, in_graphql_text, in_multipart, in_raw], 2),
    ("search", "search.lines", [in_query, in_query, in_graphql_text, in_cookie], 2),
    ("names", "names.lines", [in_query, in_comment, in_form, in_path, in_graphql, in_graphql_text, in_multipart], 2),
    ("languages", "languages.lines", [in_comment, in_form, in_query, in_graphql, in_multipart], 2),
    ("logs", "logs.lines", [in_logs], 3),
    ("values", "formats.lines", [in_value], 2),
]
_DOCUMENTS: list[tuple[str, str, list[Shape], int]] = [
    ("code", "code.txt", [in_snippet, in_snippet, in_comment, in_graphql], 2),
    ("sql_text", "sql.txt", [in_comment, in_snippet, in_graphql, in_form], 2),
    ("shell_text", "shell.txt", [in_comment, in_snippet, in_graphql, in_form], 2),
    ("html", "html.txt", [in_comment, in_form, in_graphql, in_multipart], 2),
    ("templates", "templates.txt", [in_comment, in_snippet, in_form, in_graphql], 2),
    ("markdown", "markdown.txt", [in_comment, in_raw, in_graphql, in_snippet], 3),
    ("ci", "ci.txt", [in_snippet, in_raw], 2),
    ("email", "emails.txt", [in_comment, in_form, in_multipart, in_graphql, in_raw], 3),
]


def honest(seed: int = 11) -> Iterator[Case]:
    rng = random.Random(seed)  # noqa: S311
    for kind, name, shapes, times in _LINES:
        for text in lines(name):
            yield from _each(kind, text, shapes, times, rng)
    for kind, name, shapes, times in _DOCUMENTS:
        for _, text in documents(name):
            yield from _each(kind, text, shapes, times, rng)
    yield from _bodies(rng)
    yield from _graphql(rng)
    yield from _targets(rng)
    yield from _crud(rng)
    yield from written("honest")


def _each(kind: str, text: str, shapes: list[Shape], times: int, rng: random.Random) -> Iterator[Case]:
    chosen = rng.sample(shapes, min(times, len(shapes)))
    chosen += [rng.choice(shapes) for _ in range(times - len(chosen))]
    for shape in chosen:
        yield shape(kind, text, rng)._replace(held=is_held(text))


def _bodies(rng: random.Random) -> Iterator[Case]:
    for line in lines("bodies.jsonl"):
        kind, method, target, body = json.loads(line)
        yield _send(kind, "json", target, body, rng, method)._replace(held=is_held(line))
    for line in lines("webhooks.jsonl"):
        name, headers, body = json.loads(line)
        typed = {"content-type": "application/json", **headers}
        made = make("webhook", "json", "POST", f"/webhooks/{name}", json.dumps(body), rng)
        kept = tuple(pair for pair in made.headers if pair[0] not in typed)
        yield made._replace(headers=(*kept, *typed.items()), held=is_held(line))
    for line in lines("fhir.jsonl"):
        name, body = json.loads(line)
        typed_as = ("content-type", "application/fhir+json")
        made = make("fhir", "json", "POST", f"/fhir/{name}", json.dumps(body), rng, typed_as)
        yield made._replace(held=is_held(line))
    for label, text in documents("xml.txt"):
        yield make("xml", "xml", "POST", "/ws", text, rng, ("content-type", label))._replace(held=is_held(text))


def _graphql(rng: random.Random) -> Iterator[Case]:
    for _, text in documents("graphql.txt"):
        document, _, variables = text.partition("\n")
        body = {"query": document, "variables": json.loads(variables or "{}"), "operationName": None}
        yield _send("graphql", "graphql", "/graphql", body, rng)._replace(held=is_held(text))
        pretty = document.replace("{ ", "{\n  ").replace(" }", "\n}")
        yield _send("graphql", "graphql", "/graphql", {"query": pretty}, rng)._replace(held=is_held(text))
        if not document.startswith(("mutation", "subscription")):
            target = f"/graphql?{urlencode({'query': document, 'variables': variables})}"
            yield make("graphql", "query", "GET", target, "", rng)._replace(held=is_held(text))


def _targets(rng: random.Random) -> Iterator[Case]:
    """Query languages in URLs: OData, SCIM, JQL, Lucene, PromQL, JSON filters."""
    for line in lines("queries.lines"):
        target = quote(line, safe="/:?&=%@$!*'(),;+[]{}|^~\"<>#".replace('"', "").replace("<>", "").replace("#", ""))
        yield make("queries", "query", "GET", target, "", rng)._replace(held=is_held(line))


_WORDS = "blue chair lamp oak shelf tea cup green sofa wool rug desk light wall clock table mirror".split()


def _crud(rng: random.Random) -> Iterator[Case]:
    """Plain traffic of a shop: numbers, short words, identifiers."""
    for number in range(260):
        item = {
            "id": f"{rng.getrandbits(64):016x}",
            "name": " ".join(rng.sample(_WORDS, 2)),
            "price": round(rng.uniform(1, 500), 2),
            "tags": rng.sample(_WORDS, 3),
            "stock": rng.randrange(500),
            "active": rng.random() < 0.5,
            "created": f"2024-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}T{rng.randrange(24):02d}:00:00Z",
            "owner": rng.choice(lines("names.lines")),
            "dims": {"w": rng.randrange(99), "h": rng.randrange(99), "unit": "cm"},
        }
        target = f"/api/v1/{rng.choice(['products', 'orders', 'users', 'carts'])}"
        way = number % 5
        if way == 0:
            case = make("crud", "query", "GET", f"{target}?page={rng.randrange(9)}&limit=20&sort=-price&tag={rng.choice(_WORDS)}", "", rng)
        elif way == 1:
            case = make("crud", "path", rng.choice(["GET", "DELETE", "HEAD"]), f"{target}/{item['id']}", "", rng)
        elif way == 2:
            flat = {key: str(value) for key, value in item.items() if not isinstance(value, (dict, list))}
            case = make("crud", "form", "POST", target, urlencode(flat), rng, FORM)
        else:
            case = _send("crud", "json", f"{target}/{item['id']}", item, rng, rng.choice(["PUT", "PATCH", "POST"]))
        yield case._replace(held=is_held(f"crud {number}"))
