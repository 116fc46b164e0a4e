"""Bodies between the two ends: responses are signed and encrypted here, requests opened, their signatures checked.

Findings: `bad-signature` (401) and `bad-envelope` (400), with the reason as evidence; `unsealed` (415): a body that
does not say that it is sealed, where it must be; `encoded-response` (502).
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from stockade.openapi.bodies.media import is_json, media_type
from stockade.operations import OperationTable
from stockade.sealing import BadSeal, Envelope, Keys, Opening
from stockade.sealing.envelopes import verify
from stockade.vocabulary import PASS, Control, Edits, Exchange, Finding, Pass, Stop, Verdict
from stockade.wire import Headers

JOSE = "application/jose"
_OF_THE_OLD_BODY = ("etag", "content-md5", "digest", "content-digest", "repr-digest", "accept-ranges", "last-modified")
_LENGTHS = frozenset({"content-length", "transfer-encoding"})


class Signature(Struct, frozen=True):
    """Which detached signatures of requests are good, and which header has them."""

    keys: Keys
    algorithms: frozenset[str]
    header: str


class Requests(Control):
    """A body without a signature that holds does not come in. A request without a body has nothing to sign."""

    name = "exposure"
    rules: ClassVar = {"bad-signature": "envelopes"}
    opens = False

    def __init__(self, signature: Signature, operations: OperationTable | None = None) -> None:
        self._signature = signature
        self._operations = operations

    def describe(self) -> str:
        return f"request bodies signed (in {self._signature.header})"

    def on_request_body(self, exchange: Exchange) -> Verdict:
        request, body, signature = exchange.request, exchange.request_body, self._signature
        if (not body and not request.has_body) or not _holds(self._operations, exchange):
            return PASS
        try:
            lines = request.headers.all(signature.header)
            if len(lines) != 1:
                raise BadSeal("missing" if not lines else "several")  # noqa: TRY301 - as any other
            verify(lines[0], signature.keys, signature.algorithms, body)
        except BadSeal as error:
            where = f"header:{signature.header}"
            finding = Finding("bad-signature", where=where, evidence=error.reason, severity="high")
            return Stop(exchange.problem(401, "The signature of the body does not hold."), (finding,))
        return PASS


def _holds(operations: OperationTable | None, exchange: Exchange) -> bool:
    return operations is None or operations.matches(exchange.request.method, exchange.request.path)


class Openings(Control):
    """Request bodies come sealed and go on open: who reads them after this control, and the upstream, sees what was in
    them. media_type: what that is.

    A body that cannot be opened is refused in one way, whatever is wrong with it: no oracle. A WebSocket has no body.
    """

    name = "exposure"
    rules: ClassVar = dict.fromkeys(("bad-envelope", "unsealed"), "envelopes")
    opens = True

    def __init__(self, opening: Opening, media_type: str, operations: OperationTable | None = None) -> None:
        self._opening = opening
        self._media_type = media_type
        self._operations = operations

    def describe(self) -> str:
        parts = ["encrypted"] if self._opening.locked is not None else []
        parts += ["signed"] if self._opening.signed is not None else []
        return f"request bodies {' and '.join(parts)}, opened here"

    def on_request(self, exchange: Exchange) -> Verdict:
        request = exchange.request
        if not request.has_body or request.content_length == 0 or not _holds(self._operations, exchange):
            return PASS
        headers = request.headers
        stated = headers.all("content-type")
        if len(stated) != 1 or media_type(stated[0]) != JOSE:
            return self._unsealed(exchange, "content-type")
        if (headers.get("content-encoding") or "identity").strip().lower() != "identity":
            return self._unsealed(exchange, "content-encoding")
        edits = Edits((("content-type", self._media_type),), _OF_THE_OLD_BODY)
        # Digests of the sealed body stay where those who judge it see them.
        told = [pair for pair in headers if pair[0] != "content-type"]
        shown = replace(request, headers=Headers.of([*told, *edits.set]))
        return Pass(edits=edits, request=shown)

    def on_request_body(self, exchange: Exchange) -> Verdict:
        request, body = exchange.request, exchange.request_body
        if not body or not _holds(self._operations, exchange):
            return PASS
        try:
            opened = self._opening.open(body)
        except BadSeal as error:
            finding = Finding("bad-envelope", where="body", evidence=error.reason, severity="high")
            return Stop(exchange.problem(400, "The body cannot be opened."), (finding,))
        told = [pair for pair in request.headers if pair[0] not in _LENGTHS]
        headers = Headers.of([*told, ("content-length", str(len(opened)))])
        return Pass(edits=Edits(body=opened), request=replace(request, headers=headers))

    def _unsealed(self, exchange: Exchange, header: str) -> Stop:
        finding = Finding("unsealed", where=f"header:{header}", severity="high")
        accept = ("accept", JOSE) if header == "content-type" else ("accept-encoding", "identity")
        return Stop(exchange.problem(415, "The body must be sealed.", accept), (finding,))


class Responses(Control):
    """JSON bodies leave sealed. detached: the header that carries the signature, "" where the body becomes a JWS."""

    name = "exposure"
    rules: ClassVar = {}
    seals: ClassVar = True

    def __init__(self, envelope: Envelope, *, detached: str = "") -> None:
        self._envelope = envelope
        self._detached = detached

    def describe(self) -> str:
        parts = ["signed"] if self._envelope.signing is not None else []
        return "JSON responses " + " and ".join([*parts, *(["encrypted"] if self._envelope.encrypting else [])])

    def on_request(self, exchange: Exchange) -> Verdict:  # noqa: ARG002
        return Pass(edits=Edits((("accept-encoding", "identity"),)))

    def wants_response_body(self, exchange: Exchange) -> bool:
        response = exchange.response
        return (
            response is not None
            and response.status not in (204, 304)
            and is_json(media_type(response.headers.get("content-type")))
        )

    def on_response_body(self, exchange: Exchange) -> Verdict:
        response, body = exchange.response, exchange.response_body
        if response is None or not body:
            return PASS
        if (response.headers.get("content-encoding") or "identity").strip().lower() != "identity":
            finding = Finding("encoded-response", where="response:body")
            return Stop(exchange.problem(502, "The answer of the service could not be sealed."), (finding,))
        if self._detached:
            return Pass(edits=Edits(((self._detached, self._envelope.signature(body)),)))
        kind = media_type(response.headers.get("content-type")).removeprefix("application/")
        head = (("content-type", JOSE),)
        return Pass(edits=Edits(head, _OF_THE_OLD_BODY, body=self._envelope.seal(body, kind)))
