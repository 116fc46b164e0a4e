"""Requests that carry a text where a rule looks for it, and those that a mapping of `rule_texts` describes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct

from stockade.seclang import Rule, Target
from stockade.wire import Headers, Peer, Request, Response

Pairs: TypeAlias = tuple[tuple[str, str], ...]


class Sent(Struct, frozen=True):
    """A request, and the response to it where there is one."""

    method: str = "GET"
    target: str = "/items"
    headers: Pairs = ()
    body: bytes = b""
    response: Response | None = None

    @property
    def request(self) -> Request:
        path, _, query = self.target.partition("?")
        host = next((value for name, value in self.headers if name.lower() == "host"), "api.example.com")
        fields = ("r", 0.0, self.method, "https", host, path, query, Headers.of(self.headers), Peer("192.0.2.1"))
        return Request(*fields, "HTTP/1.1", bool(self.body), self.target, self.body)


Carry: TypeAlias = Callable[[str, str], Sent | None]
"""Field name and text to a request; None where the place cannot hold the text."""


def _posted(kind: str, body: str | bytes) -> Sent:
    return Sent("POST", headers=(("content-type", kind),), body=body.encode() if isinstance(body, str) else body)


def _head(name: str, value: str) -> Sent | None:
    octets = value.encode()
    return Sent(headers=((name, octets.decode("latin-1")),)) if _printable(octets) else None


def _printable(octets: bytes) -> bool:
    return all(octet >= 0x20 and octet != 0x7F for octet in octets)


def _quoted(text: str, also: str = "") -> str:
    """What a cookie cannot hold as it is, or what the rules would decode, as escapes."""
    return "".join(quote(c, safe="") if c in "%+;" + also or c < " " or c == "\x7f" else c for c in text)


def _in_xml(make: Callable[[str], str]) -> Carry:
    def carry(field: str, text: str) -> Sent | None:
        fits = all(c >= " " or c in "\t\n" for c in text)
        return _posted("application/xml", f"<order>{make(text)}</order>") if fits else None

    return carry


def _uploaded(name: str, file: str) -> Sent:
    """As browsers do (HTML, multipart/form-data encoding algorithm): a quote and ends of lines are escaped."""
    name, file = (text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A") for text in (name, file))
    head = f'--x\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n'
    return _posted("multipart/form-data; boundary=x", head + "Content-Type: text/plain\r\n\r\nhello\r\n--x--\r\n")


def _query(field: str, text: str) -> Sent:
    return Sent(target=f"/items?{quote(field)}={quote(text, safe='')}")


def _json(field: str, text: str) -> Sent:
    return _posted("application/json", json.dumps({field: text}, ensure_ascii=False))


def _form(field: str, text: str) -> Sent:
    return _posted(_FORM, f"{quote(field)}={quote(text, safe='')}")


def _answered(kind: str, body: str) -> Sent:
    return Sent(response=Response(200, Headers.of([("content-type", kind)]), body.encode()))


_FORM = "application/x-www-form-urlencoded"
_PLACES: dict[str, tuple[Carry, ...]] = {
    "ARGS": (_query, _json, _form),
    "ARGS_GET": (_query,),
    "ARGS_POST": (_form,),
    "ARGS_NAMES": (
        lambda _, text: Sent(target=f"/items?{quote(text, safe='')}=1"),
        lambda _, text: _json(text, ""),
    ),
    "REQUEST_HEADERS": (lambda field, text: _head(f"x-{field}", text),),
    "REQUEST_COOKIES": (lambda field, text: _head("cookie", f"{field}={_quoted(text)}"),),
    "REQUEST_COOKIES_NAMES": (lambda _, text: _head("cookie", f"{_quoted(text, '=')}=1"),),
    "REQUEST_FILENAME": (lambda _, text: Sent(target=f"/items/{quote(text, safe='')}"),),
    "REQUEST_URI_RAW": (_query, lambda _, text: Sent(target=f"/items/{quote(text)}")),
    "XML": (
        _in_xml(lambda text: f"<note>{escape(text)}</note>"),
        _in_xml(lambda text: f"<note about={quoteattr(text)}/>"),
    ),
    "FILES": (lambda field, text: _uploaded(field, text),),
    "FILES_NAMES": (lambda _, text: _uploaded(text, "a.txt"),),
    "REQUEST_BODY": (lambda _, text: _posted("text/plain", text),),
    "RESPONSE_BODY": (
        lambda _, text: _answered("text/html", text),
        lambda field, text: _answered("application/json", json.dumps({field: text}, ensure_ascii=False)),
    ),
}
_VALUES = ("ARGS", "ARGS_GET", "ARGS_POST")
_ENCODINGS: dict[str, Callable[[str], str]] = {
    "": lambda text: text,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "basic": lambda text: "Basic " + base64.b64encode(text.encode()).decode(),
}


def targets_of(rule: Rule) -> list[Target]:
    """Those of the first link that looks at anything that a request holds."""
    for link in (rule, *rule.links):
        targets = [target for target in link.targets if not target.excluded and target.collection in _PLACES]
        if targets:
            return targets
    return []


def _carriers(target: Target) -> tuple[Carry, ...]:
    name = (target.key or "").lower()
    if target.counted:
        return ()
    if target.collection == "REQUEST_HEADERS" and name:
        return (lambda field, text: _head(name, f"{field}={text}" if name == "cookie" else text),)
    return _PLACES[target.collection]


def foremost(targets: list[Target], _: str = "") -> list[Carry]:
    """Where every attack must be found: in values, if the rule looks there, else in what it names first."""
    values = [target for target in targets if target.collection in _VALUES]
    return [carry for target in values or targets[:1] for carry in _carriers(target)]


def everywhere(targets: list[Target], _: str = "") -> list[Carry]:
    return list(dict.fromkeys(carry for target in targets for carry in _carriers(target)))


def for_honest(targets: list[Target], text: str) -> list[Carry]:
    """Everywhere but in the path, if it is a text of several words: nobody writes those there, and what exempts prose
    looks at how a value begins."""
    if text.split() == [text]:
        return everywhere(targets)
    return everywhere(
        [target for target in targets if target.collection not in ("REQUEST_FILENAME", "REQUEST_URI_RAW")]
    )


def carried(text: str, field: str, encoded: str, places: Iterable[Carry]) -> Iterator[Sent]:
    value = _ENCODINGS[encoded](text)
    return (sent for carry in places if (sent := carry(field, value)) is not None)


def described(item: dict[str, Any]) -> Sent:
    """The request that a mapping of `rule_texts` stands for."""
    given = dict(item)
    sent = _body_of(given)
    target = given.pop("path", "/items")
    if "query" in given:
        target += "?" + given.pop("query")
    headers = [(name, str(value)) for name, value in given.pop("header", {}).items()]
    if "cookie" in given:
        headers.append(("cookie", given.pop("cookie")))
    method = given.pop("method", sent.method)
    assert not given, f"nobody knows what {given} means"
    names = {name.lower() for name, _ in headers}
    own = [pair for pair in sent.headers if pair[0] not in names]
    return Sent(method, target, (*own, *headers), sent.body, sent.response)


def _body_of(given: dict[str, Any]) -> Sent:
    """Takes what describes a body out of `given`."""
    kind = given.pop("type", "text/plain")
    if "json" in given:
        return _posted("application/json", json.dumps(given.pop("json"), ensure_ascii=False))
    if "form" in given:
        return _posted(_FORM, given.pop("form"))
    if "file" in given:
        return _uploaded("document", given.pop("file"))
    if "bytes" in given:
        return _posted(kind, given.pop("bytes").encode("latin-1"))
    if "body" in given:
        return _posted(kind, given.pop("body"))
    return _answered(kind, given.pop("response")) if "response" in given else Sent()
