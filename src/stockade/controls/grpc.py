"""gRPC: which methods may be called, and how large the messages may be.

Findings: method-unknown, method-denied, reflection-denied, compressed, message-size, malformed, not-grpc. Refusals are
gRPC statuses in a response of headers alone ("Trailers-Only", gRPC over HTTP/2), which is what clients understand.
"""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import quote

from stockade.messages import Message, Protocol
from stockade.messages.protocols import is_grpc
from stockade.redaction import excerpt, redact_path
from stockade.vocabulary import PASS, Control, Exchange, Finding, Severity, Stop, Verdict, Watcher
from stockade.wire import Headers, Response

UNIMPLEMENTED, RESOURCE_EXHAUSTED, PERMISSION_DENIED, INTERNAL = 12, 8, 7, 13
REFLECTION = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")

# Other ways to call the methods of a gRPC service: gRPC-Web, and Connect, which takes plain JSON too.
_KIN = ("application/grpc", "application/connect+")
_CONNECT_TYPE = "application/proto"
_PLAIN = "Messages must not be compressed."
_ACCEPTED = ("grpc-accept-encoding", "identity")  # what must be said with it (gRPC over HTTP/2, "Responses")
_CONNECT = "connect-protocol-version"


class Grpc(Control):
    """allowed: methods as paths, "/shop.Orders/Get". known: all that the service is known to have.

    message_size, reply_size: of a message of the client and of the upstream, bytes; None: no bound. compressed:
    whether compressed messages are taken, whose size is known only to whoever inflates them.
    """

    name = "grpc"
    rules: ClassVar = {
        "method-unknown": "methods",
        "method-denied": "methods",
        "reflection-denied": "reflection",
        "compressed": "compressed",
        "message-size": "message_size",
    }

    def __init__(
        self,
        *,
        allowed: frozenset[str],
        known: frozenset[str],
        message_size: int | None,
        reply_size: int | None = None,
        reflection: bool = False,
        compressed: bool = False,
    ) -> None:
        self._allowed = allowed
        self._known = known
        services = {path.rpartition("/")[0] for path in allowed | known}
        self._services = frozenset(services.union(f"/{service}" for service in REFLECTION))
        self._message_size = message_size
        self._reply_size = reply_size
        self._reflection = reflection
        self._compressed = compressed

    def describe(self) -> str:
        size = f", messages up to {self._message_size} bytes" if self._message_size is not None else ""
        return f"{len(self._allowed)} method(s){size}{', reflection' if self._reflection else ''}"

    def on_request(self, exchange: Exchange) -> Verdict:
        request = exchange.request
        path = request.path
        kind = request.headers.get("content-type")
        if not is_grpc(kind):
            return self._other(exchange, kind)
        if path not in self._allowed or request.query or request.method != "POST":
            verdict = self._unlisted(exchange, path)
            if verdict is not PASS:
                return verdict
        if not self._compressed and (request.headers.get("grpc-encoding") or "identity").lower() != "identity":
            return _refuse(exchange, "compressed", UNIMPLEMENTED, _PLAIN, evidence="header")
        return PASS

    def _other(self, exchange: Exchange, kind: str | None) -> Verdict:
        """What is no gRPC must not reach a gRPC service: it may speak gRPC-Web or Connect as well."""
        request = exchange.request
        media_type = (kind or "").partition(";")[0].strip().lower()
        claims = media_type.startswith(_KIN) or media_type == _CONNECT_TYPE or _CONNECT in request.headers
        if not claims and request.path.rpartition("/")[0] not in self._services:
            return PASS
        finding = Finding("not-grpc", where="header:content-type", evidence=excerpt(kind or "none"), severity="medium")
        return Stop(exchange.problem(415, "Only gRPC is spoken here.", ("accept", "application/grpc")), (finding,))

    def _unlisted(self, exchange: Exchange, path: str) -> Verdict:
        if path[1:].rpartition("/")[0] in REFLECTION:
            if self._reflection:
                return PASS
            return _refuse(exchange, "reflection-denied", UNIMPLEMENTED, "There is no reflection here.", "low")
        if path in self._known and path not in self._allowed:
            return _refuse(exchange, "method-denied", PERMISSION_DENIED, "This method must not be called.", "high")
        return _refuse(exchange, "method-unknown", UNIMPLEMENTED, "There is no such method.")

    def on_request_stream(self, exchange: Exchange, protocol: Protocol) -> Watcher | None:
        return _Watch(exchange, self._message_size, self._compressed) if protocol == "grpc" else None


class GrpcReplies(Grpc):
    """The same where the upstream's messages are bounded as well."""

    def on_response_stream(self, exchange: Exchange, protocol: Protocol) -> Watcher | None:
        return _Watch(exchange, self._reply_size, compressed=True) if protocol == "grpc" else None


class _Watch(Watcher):
    def __init__(self, exchange: Exchange, limit: int | None, compressed: bool) -> None:
        self._exchange = exchange
        self._compressed = compressed
        self.limit = limit

    def judge(self, message: Message, at: float) -> Verdict:  # noqa: ARG002 - nothing here depends on the time
        exchange = self._exchange
        if message.kind == "malformed":
            return _refuse(exchange, "malformed", INTERNAL, "The messages are malformed.", evidence=message.trouble)
        if message.too_long:
            said = f"A message may have {self.limit} bytes at most."
            return _refuse(exchange, "message-size", RESOURCE_EXHAUSTED, said, evidence=f"{message.size} bytes")
        if message.compressed and not self._compressed:
            return _refuse(exchange, "compressed", UNIMPLEMENTED, _PLAIN, evidence="flag")
        return PASS


def _refuse(
    exchange: Exchange, rule: str, status: int, detail: str, severity: Severity = "medium", evidence: str = ""
) -> Stop:
    where = "message" if evidence else "path"
    finding = Finding(
        rule, where=where, evidence=evidence or excerpt(redact_path(exchange.request.path)), severity=severity
    )
    return Stop(status_response(status, detail, exchange.request.id), (finding,))


def status_response(status: int, detail: str, request_id: str) -> Response:
    """A gRPC status as a response of headers alone; `grpc-message` is percent-encoded."""
    return Response(
        200,
        Headers.of(
            (
                ("content-type", "application/grpc"),
                ("grpc-status", str(status)),
                ("grpc-message", quote(detail, safe=" !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~")),
                ("x-request-id", request_id),
                *((_ACCEPTED,) if detail is _PLAIN else ()),
            )
        ),
    )
