"""The attacks: grammars × carriers × disguises, and whole requests written by hand."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from typing import Any

import yaml

from tests.corpus import carriers, disguises
from tests.corpus.cases import HERE, Case, is_held
from tests.corpus.grammar import Grammar, Template, read

COUNTS = {
    "sqli": 260,
    "nosqli": 110,
    "xss": 260,
    "command": 240,
    "code": 190,
    "traversal": 190,
    "ssrf": 150,
    "ssti": 170,
    "xxe": 80,
    "ldap": 70,
    "xpath": 60,
    "jndi": 80,
    "deserialization": 130,
    "prototype": 80,
    "crlf": 90,
    "scanner": 120,
    "protocol": 30,
    "graphql": 20,
}
_SHAPES = {"body": ["body"], "bracket": ["bracket"], "probe": ["probe"], "file_param": ["query", "form", "json"], "mail": ["query", "form", "json", "json_nested"]}  # what decides on the place by itself
_FILE_NAMES = ["file", "page", "template", "include", "path", "doc", "lang"]


def attacks(seed: int = 7) -> Iterator[Case]:
    for kind, count in COUNTS.items():
        rng = random.Random(f"{seed} {kind}")  # noqa: S311
        yield from _made(read(HERE / "grammars" / f"{kind}.txt"), count, rng)
    yield from _floods(random.Random(seed))  # noqa: S311
    yield from written("attacks")


def _made(grammar: Grammar, count: int, rng: random.Random) -> Iterator[Case]:
    """`count` different requests, the templates by turns."""
    seen: set[str] = set()
    order = list(grammar.templates)
    rng.shuffle(order)
    for turn in range(count * 20):
        if len(seen) >= count:
            return
        template = order[turn % len(order)]
        case = _one(grammar, template, rng)
        if case is not None and case.id not in seen:
            seen.add(case.id)
            yield case


def _one(grammar: Grammar, template: Template, rng: random.Random) -> Case | None:
    payload = grammar.expand(template.text, rng)
    place = rng.choice(_SHAPES.get(template.shape) or grammar.places)
    name = rng.choice(_names(grammar, template)) or carriers.name_for(rng)
    disguise = disguises.choose(grammar.kind, place, rng)
    if disguise in disguises.TEXTS:
        payload = disguises.TEXTS[disguise](payload)
    if any(0xD800 <= ord(letter) < 0xE000 for letter in payload):
        return None
    case = carriers.PLACES[place](grammar.kind, name, payload, rng)
    if disguise == "unicode":
        case = disguises.unicode_escapes(case)
    return case._replace(place=case.place if disguise == "plain" else f"{case.place}+{disguise}", held=is_held(template.text))


def _names(grammar: Grammar, template: Template) -> list[str]:
    if template.shape == "file_param":
        return _FILE_NAMES
    if template.shape == "mail":
        return ["email", "to", "from", "subject", "reply_to", "name"]
    return grammar.names or [""]


def _floods(rng: random.Random) -> Iterator[Case]:
    """GraphQL documents whose size is the attack."""
    aliases = [
        "{" + " ".join(f"a{i}: user(id: {i}) {{ name }}" for i in range(60)) + "}",
        "mutation {" + " ".join(f'l{i}: login(email: "a@b.test", password: "p{i}") {{ token }}' for i in range(100)) + "}",
        "query {" + "\n".join(f'  q{i}: otp(code: "{i:04d}")' for i in range(200)) + "\n}",
        "{" + ",".join(f"x{i}:__typename" for i in range(300)) + "}",
        "{" + " ".join("__typename" for _ in range(500)) + "}",
    ]
    deep = [
        "{ user(id: 1) " + "{ friends " * 25 + "{ id }" + " }" * 25 + " }",
        "query { posts " + "{ author { posts " * 12 + "{ id }" + " } }" * 12 + " }",
        "{ me " + "{ team { members " * 15 + "{ name }" + " } }" * 15 + " }",
        "query q { __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }",
    ]
    directives = [
        "query { __typename " + "@a" * 100 + " }",
        "query { user(id: 1) { name " + "@include(if: true) " * 60 + "} }",
        "query q { me { id " + "@skip(if: false)@skip(if: false)" * 40 + "} }",
    ]
    for document in aliases + deep + directives:
        case = carriers.graphql_document("graphql", "query", document, rng)
        yield case._replace(held=is_held(document))
    batches = [
        "[" + ",".join(f'{{"query":"mutation {{ login(p: \\"{i}\\") {{ t }} }}"}}' for i in range(50)) + "]",
        "[" + ",".join('{"query":"{ systemUpdate }"}' for _ in range(120)) + "]",
    ]
    for document in batches:
        yield carriers.body("graphql", "", document, rng)._replace(held=is_held(document), target="/graphql")


def written(label: str) -> Iterator[Case]:
    """Whole requests from `<label>.yaml`: kind → list of {method, target, headers, body | json | hex, place}."""
    groups: dict[str, list[dict[str, Any]]] = yaml.safe_load((HERE / f"{label}.yaml").read_text("utf-8"))
    rng = random.Random(label)  # noqa: S311
    for kind, items in groups.items():
        for item in items:
            yield _written(kind, item, rng)


def _written(kind: str, item: dict[str, Any], rng: random.Random) -> Case:
    body = bytes.fromhex(item["hex"]) if "hex" in item else str(item.get("body", "")).encode()
    if "base64" in item:
        body = base64.b64decode(item["base64"])
    headers = {"host": "api.example.com", "user-agent": rng.choice(carriers.AGENTS), "accept": "*/*"}
    headers.update({name.lower(): str(value) for name, value in item.get("headers", {}).items()})
    if body and "content-length" not in headers and "transfer-encoding" not in headers:
        headers["content-length"] = str(len(body))
    target = item.get("target", "/api/v1/items")
    method = item.get("method", "POST" if body else "GET")
    pairs = tuple(headers.items()) + tuple((str(name), str(value)) for name, value in item.get("more_headers", []))
    return Case(kind, item.get("place", "request"), method, target, pairs, body, is_held(f"{method} {target} {item}"))
