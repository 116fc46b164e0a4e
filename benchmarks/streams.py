"""What it costs to look at messages of streams: CPU time per WebSocket message and per server-sent event, in process.

    python benchmarks/streams.py [--rounds 5]     # prints a table; --write puts it into results.md

One JSON message of 200 bytes at a time, unmasked, read, judged and passed on; no network. "frames" only sees that they
are well made and not too long; "schema" holds each to a JSON Schema; "waf" to the built-in rules; "all" to all three.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a file, it finds its own folder only

from benchmarks.report import machine, number, replace_section, table
from stockade.config import build, load_text
from stockade.engine import REQUEST_HEAD, drive, open_session
from stockade.vocabulary import Stop
from stockade.wire import Headers, Peer, Request, Response

MESSAGES = 2000  # of one round
SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string", "maxLength": 500}, "to": {"type": "array", "items": {"type": "integer"}}},
    "required": ["text"],
}
RESULTS = Path(__file__).with_name("results.md")
WAF = {"rules": "builtin", "streams": True}
WEBSOCKETS: dict[str, dict[str, Any]] = {
    "frames": {"messages": {"websocket": {"size": "64KiB"}}},
    "schema": {"messages": {"websocket": {"size": "64KiB", "schema": SCHEMA}}},
    "waf": {"waf": WAF},
    "all": {"messages": {"websocket": {"size": "64KiB", "rate": "1000000/s", "schema": SCHEMA}}, "waf": WAF},
}
EVENTS: dict[str, dict[str, Any]] = {
    "frames": {"messages": {"events": {"size": "64KiB"}}},
    "schema": {"messages": {"events": {"size": "64KiB", "schema": SCHEMA}}},
}


def texts() -> list[bytes]:
    """No two alike."""
    said = "see you at the station at five, by the clock in the hall; bring the papers for lot "
    return [json.dumps({"text": said + f"{n} " + "and wait " * 9, "to": [n, n + 1]}).encode() for n in range(MESSAGES)]


def frame(payload: bytes) -> bytes:
    """A client's (RFC 6455, section 5.2)."""
    mask = b"\x11\x22\x33\x44"
    masked = bytes(byte ^ mask[index & 3] for index, byte in enumerate(payload))
    return bytes([0x81, 0x80 | 126]) + len(payload).to_bytes(2, "big") + mask + masked


def flow(folder: Path, sections: dict[str, Any], *, events: bool) -> Callable[[bytes], None]:
    """What a door does with a piece."""
    api = {"name": "live", "upstream": {"url": "http://127.0.0.1:9000"}, "limits": [], "schema": {"mode": "off"}}
    text = json.dumps({"version": 1, "listen": [{"address": "127.0.0.1:8080"}], "apis": [{**api, **sections}]})
    policy = build(load_text(text, folder / "stockade.yaml", {})).policy
    fields = [("host", "a"), ("accept", "text/event-stream")] if events else [("host", "a"), ("upgrade", "websocket")]
    request = Request("r", 0.0, "GET", "https", "a", "/live", "", Headers.of(fields), Peer("192.0.2.1"))
    session = open_session(policy, request)
    assert not isinstance(drive(session.receive(REQUEST_HEAD), _nobody), Stop)
    head = Response(200, Headers.of([("content-type", "text/event-stream")]))
    found = session.open_response_stream(head) if events else session.open_request_stream()
    assert found is not None

    def receive(piece: bytes) -> None:
        passed, stop = found.receive(piece, False, 0.0)
        assert passed == piece
        assert stop is None

    return receive


def _nobody(ask: object) -> Any:
    raise AssertionError(ask)


def cost(folder: Path, sections: dict[str, Any], pieces: list[bytes], rounds: int, *, events: bool) -> float:
    """µs a message: the least of all rounds."""
    found = []
    for _ in range(rounds):
        receive = flow(folder, sections, events=events)
        began = time.process_time()
        for piece in pieces:
            receive(piece)
        found.append((time.process_time() - began) / len(pieces) * 1e6)
    return min(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put the table into results.md")
    options = parser.parse_args()
    said = texts()
    frames, events = [frame(text) for text in said], [b"data: " + text + b"\n\n" for text in said]
    with tempfile.TemporaryDirectory() as name:
        rows = [
            [
                title,
                number(cost(Path(name), sections, frames, options.rounds, events=False), ",.1f", " µs"),
                number(cost(Path(name), EVENTS[title], events, options.rounds, events=True), ",.1f", " µs")
                if title in EVENTS
                else "",
            ]
            for title, sections in WEBSOCKETS.items()
        ]
    body = table(["a message of 200 bytes", "WebSocket", "event"], rows)
    text = f"{machine()}. CPU time, the least of {options.rounds} rounds of {MESSAGES} messages.\n\n{body}"
    print(text)
    if options.write:
        before = RESULTS.read_text() if RESULTS.exists() else ""
        RESULTS.write_text(replace_section(before, "Streams", text))


if __name__ == "__main__":
    main()
