"""From what the engine says of a request to what tests look at."""

from __future__ import annotations

import re

from stockade.waf.ftw.judging import Seen
from stockade.waf.ftw.setup import BLOCKING
from stockade.waf.inspection import Inspection, Match
from stockade.wire import Response

_UNSAFE = re.compile(rb'[^ -~]|["\\]')


def observed(inspection: Inspection, response: Response) -> Seen:
    """`response` is the back end's: it is what the client gets, unless a rule decided otherwise."""
    statuses = [response.status if inspection.action == "allow" else inspection.status]
    if BLOCKING & set(inspection.rules):
        statuses.append(403)
    lines = tuple(map(log_line, inspection.matches))
    return Seen(inspection.rules, lines, tuple(statuses), response_text(response))


def response_text(response: Response) -> bytes:
    """The whole response, as tests search it."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in response.headers)
    return f"HTTP/1.1 {response.status}\r\n{fields}\r\n".encode("latin-1", "replace") + response.body


def log_line(match: Match) -> str:
    """A match as ModSecurity writes it in a server's error log, which is what tests have patterns for."""
    fields = (
        ("file", match.place.file),
        ("line", str(match.place.line)),
        ("id", str(match.rule)),
        ("msg", match.message),
        ("data", match.logdata),
        ("severity", match.severity),
        ("ver", match.version),
        *(("tag", tag) for tag in match.tags),
    )
    told = " ".join(f'[{name} "{_escaped(value)}"]' for name, value in fields)
    return f"Stockade: Warning. Matched against variable `{match.variable}' {told}"


def _escaped(text: str) -> str:
    """In one line: what is not printable ASCII, and what would end the text, as `\\x0a`."""
    return _UNSAFE.sub(lambda found: b"\\x%02x" % found[0][0], text.encode("utf-8", "replace")).decode("ascii")
