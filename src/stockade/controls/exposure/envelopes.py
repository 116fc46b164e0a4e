"""Bodies between the two ends: responses are signed and encrypted here, signatures of requests checked.

Findings: `bad-signature` (401), with the reason as evidence; `encoded-response` (502).
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from stockade.openapi.bodies.media import is_json, media_type
from stockade.sealing import BadSeal, Envelope, Keys
from stockade.sealing.envelopes import verify
from stockade.vocabulary import PASS, Control, Edits, Exchange, Finding, Pass, Stop, Verdict

JOSE = "application/jose"
_OF_THE_OLD_BODY = ("etag", "content-md5", "digest", "content-digest", "repr-digest", "accept-ranges", "last-modified")


class Signature(Struct, frozen=True):
    """Which signatures of requests are good. header: of a detached one; "" where the body is a compact JWS."""

    keys: Keys
    algorithms: frozenset[str]
    header: str = ""


class Requests(Control):
    """A body without a signature that holds does not come in. A request without a body has nothing to sign."""

    name = "exposure"
    rules: ClassVar = {"bad-signature": "envelopes"}

    def __init__(self, signature: Signature) -> None:
        self._signature = signature

    def describe(self) -> str:
        where = f"in {self._signature.header}" if self._signature.header else "around the body"
        return f"request bodies signed ({where})"

    def on_request_body(self, exchange: Exchange) -> Verdict:
        request, body, signature = exchange.request, exchange.request_body, self._signature
        if not body and not request.has_body:
            return PASS
        try:
            if signature.header:
                lines = request.headers.all(signature.header)
                if len(lines) != 1:
                    raise BadSeal("missing" if not lines else "several")  # noqa: TRY301 - as any other
                verify(lines[0], signature.keys, signature.algorithms, body)
            else:
                verify(body.decode("ascii", "replace").strip(), signature.keys, signature.algorithms)
        except BadSeal as error:
            where = f"header:{signature.header}" if signature.header else "body"
            finding = Finding("bad-signature", where=where, evidence=error.reason, severity="high")
            return Stop(exchange.problem(401, "The signature of the body does not hold."), (finding,))
        return PASS


class Responses(Control):
    """JSON bodies leave sealed. detached: the header that carries the signature, "" where the body becomes a JWS."""

    name = "exposure"
    rules: ClassVar = {}

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
