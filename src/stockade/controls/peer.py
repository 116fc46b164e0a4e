"""What the token service learns of the connection: who is at its other end, as the data plane has proven it."""

from __future__ import annotations

from typing import ClassVar, Final
from urllib.parse import quote

from stockade.vocabulary import Control, Edits, Exchange, Pass, Verdict

PREFIX: Final = "x-stockade-peer-"
_SAFE: Final = " ,=:/@+*()'"


class PeerFacts(Control):
    """Every field is always set: what a client sends under these names does not get through."""

    name: ClassVar[str] = "peer"

    def describe(self) -> str:
        return "tells the token service of client certificates"

    def on_request(self, exchange: Exchange) -> Verdict:
        peer = exchange.request.peer
        facts = {
            "address": exchange.client,
            "certificate": peer.certificate,
            "subject": peer.subject,
            "dns": peer.dns,
            "uri": peer.uri,
        }
        told = tuple((PREFIX + name, quote(value, safe=_SAFE, errors="surrogatepass")) for name, value in facts.items())
        return Pass(edits=Edits(set=told))
