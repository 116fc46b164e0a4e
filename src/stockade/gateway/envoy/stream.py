"""What the Python half of the filter keeps of a request between two hooks, and how it is answered."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from stockade.engine import Flow, Session, Sifting
from stockade.gateway.envoy._filter import lib
from stockade.vocabulary import Verdict
from stockade.wire import Response

FORWARD, ANSWERED, SUSPENDED = 1, 2, 3  # 0 is a failure: see filter/


class Stream(Struct, eq=False):
    """`response` is its head as it came, while it is judged; a flow is there where a control reads messages."""

    number: int  # what filter/ knows it by; it may be gone
    session: Session
    engine: float = 0.0  # seconds spent deciding
    phase: str = "head"
    verdict: Verdict | Exception | None = None  # what a suspended stream was waiting for
    response: Response | None = None
    client_flow: Flow | None = None
    upstream_flow: Flow | Sifting | None = None
    held: int = 0  # bytes of the response that pass before it is let go; 0: it goes as it comes


STREAMS: dict[int, Stream] = {}  # by number


def failed(exception: Any, value: Any, trace: Any) -> int:
    """The last resort for a bug of ours: say it, and let filter/ refuse."""
    sys.stderr.write("".join(traceback.format_exception(exception, value, trace)))
    return -1


def pack_pairs(pairs: tuple[tuple[str, str], ...]) -> bytes:
    return "\0".join([text for pair in pairs for text in pair]).encode("latin-1", "replace")


def pack_names(names: Iterable[str]) -> bytes:
    return "\0".join(names).encode("latin-1")


def answer(stream: Stream, response: Response) -> None:
    """Answer the request ourselves, before there is a response."""
    body = b"" if stream.session.exchange.request.method == "HEAD" else response.body
    fields = pack_pairs((*status_fields(response), *response.headers))
    lib.stockade_answer(stream.number, fields, len(fields), body, len(body))


def status_fields(response: Response) -> tuple[tuple[str, str], ...]:
    return ((":status", str(response.status)), ("content-length", str(len(response.body))))


def replace_response(stream: Stream, response: Response) -> int:
    """Send our response in place of the one that came, of which nothing is kept."""
    exchange = stream.session.exchange
    upstreams = exchange.response.headers.names() if exchange.response is not None else ()
    sets, removes = pack_pairs((*status_fields(response), *response.headers)), pack_names(upstreams)
    lib.stockade_edit_response(stream.number, sets, len(sets), removes, len(removes))
    body = b"" if exchange.request.method == "HEAD" else response.body
    return FORWARD if lib.stockade_replace_body(stream.number, body, len(body)) == 0 else -1
