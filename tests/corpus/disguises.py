"""Encodings that hide a payload and that some server undoes."""

from __future__ import annotations

import base64
import random
from urllib.parse import quote

from tests.corpus.cases import Case


def double_url(payload: str) -> str:
    return quote(quote(payload, safe=""), safe="") if "%" not in payload else payload


def url_in_text(payload: str) -> str:
    """Escaped once where nobody unescapes: the application does."""
    return quote(payload, safe="") if "%" not in payload else payload


def percent_u(payload: str) -> str:
    return "".join(c if c.isalnum() or ord(c) > 0xFFFF else f"%u{ord(c):04x}" for c in payload)


def base64_text(payload: str) -> str:
    return base64.b64encode(payload.encode()).decode()


def entities(payload: str) -> str:
    return "".join(c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in payload)


def unicode_escapes(case: Case) -> Case:
    """Every character of the JSON strings that is no letter, digit or structure, as \\uXXXX."""
    out = []
    inside = False
    text = case.body.decode()
    index = 0
    while index < len(text):
        letter = text[index]
        if letter == "\\" and inside:
            out.append(text[index : index + 2])
            index += 2
            continue
        if letter == '"':
            inside = not inside
            out.append(letter)
        elif inside and not letter.isalnum() and ord(letter) < 128:
            out.append(f"\\u{ord(letter):04x}")
        else:
            out.append(letter)
        index += 1
    body = "".join(out).encode()
    headers = tuple((name, str(len(body)) if name == "content-length" else value) for name, value in case.headers)
    return case._replace(body=body, headers=headers)


_URL_PLACES = {"query", "form", "path", "cookie"}
_JSON_PLACES = {"json", "json_nested", "json_array", "graphql_variable", "body"}


def choose(kind: str, place: str, rng: random.Random) -> str:
    """The name of a disguise that fits, or "plain", which two thirds are."""
    if rng.random() < 0.66 or kind in {"xxe", "scanner", "graphql", "protocol"}:
        return "plain"
    fitting = []
    if place in _URL_PLACES:
        fitting += ["double_url", "percent_u"] if place != "cookie" else ["url_in_text"]
    if place in _JSON_PLACES:
        fitting += ["unicode", "unicode"]
        if place != "body":
            fitting += ["url_in_text"]
    if kind in {"xss", "sqli"} and place in {"query", "json", "form"}:
        fitting.append("entities" if kind == "xss" else "double_url")
    if kind in {"sqli", "xss", "command", "code", "traversal", "jndi"} and place in {"query", "json", "cookie"}:
        fitting.append("base64")
    return rng.choice(fitting) if fitting else "plain"


TEXTS = {
    "double_url": double_url,
    "url_in_text": url_in_text,
    "percent_u": percent_u,
    "base64": base64_text,
    "entities": entities,
}
