"""ASGI's scopes and headers as ours, and back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from time import time
from typing import Any, TypeAlias
from uuid import uuid4

from stockade.vocabulary import Edits
from stockade.wire import BadRequest, Headers, Peer, Request, read_request

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})


def request_of(scope: Scope) -> Request | BadRequest:
    # Names with an underscore are dropped, as Envoy drops them: WSGI and CGI would read them as names with a dash.
    pairs = [(text(name), text(value)) for name, value in scope["headers"] if b"_" not in name]
    if scope["type"] == "websocket" and not any(name == "upgrade" for name, _ in pairs):
        pairs.append(("upgrade", "websocket"))  # as HTTP/1.1 would say it; HTTP/2 has no such header
    headers = Headers.of(pair for pair in pairs if pair[0] != "x-request-id")
    method = str(scope.get("method", "GET"))
    target = text(scope.get("raw_path") or scope["path"].encode())
    query = text(scope.get("query_string", b""))
    hosts = [value for name, value in pairs if name == "host"]
    client = scope.get("client")
    return read_request(
        id=str(uuid4()),
        at=time(),
        method=method,
        scheme=str(scope.get("scheme", "http")).replace("ws", "http"),
        authority=",".join(hosts),
        target=target.partition("?")[0] + (f"?{query}" if query else ""),
        headers=headers,
        peer=Peer(str(client[0]) if client else "0.0.0.0"),  # noqa: S104 - "unknown", as a Unix socket has no address
        version=f"HTTP/{scope.get('http_version', '1.1')}",
        has_body=has_body(headers, method, str(scope.get("http_version", "1.1"))),
    )


def has_body(headers: Headers, method: str, version: str) -> bool:
    """ASGI does not say whether a body comes; HTTP/2 need not declare one."""
    length = headers.get("content-length")
    if length is not None:
        return length != "0"
    return "transfer-encoding" in headers or (version[0] in "23" and method in _BODY_METHODS)


def edited(scope: Scope, request: Request, edits: Edits) -> Scope:
    """The scope for the application: the normal form of the path, and the headers that we vouch for."""
    headers = apply(list(request.headers), edits)
    headers = [pair for pair in headers if pair[0] != "x-stockade-route"] + [("x-request-id", request.id)]
    path = unquoted(request.path)
    return {**scope, "path": path, "raw_path": request.path.encode("ascii"), "headers": pairs(headers)}


def unquoted(path: str) -> str:
    from urllib.parse import unquote

    return unquote(path)


def apply(headers: Iterable[tuple[str, str]], edits: Edits) -> list[tuple[str, str]]:
    changed = {name for name, _ in edits.set}.union(edits.remove)
    return [*(pair for pair in headers if pair[0] not in changed), *edits.set]


def whole(body: bytes, after: Receive) -> Receive:
    """A `receive` that hands out a body that was read already, then whatever else comes (a disconnect)."""
    waiting = [body]

    async def receive() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await after()

    return receive


def texts(pairs: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(text(name).lower(), text(value)) for name, value in pairs]


def text(data: bytes) -> str:
    return data.decode("latin-1")


def pairs(pairs: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in pairs]
