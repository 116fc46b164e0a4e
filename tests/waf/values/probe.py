"""libmodsecurity 3.0.15 as a peer: the variables that it makes of a message, read through rules that log each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from stockade.waf.values import Collection, Limits, Values, default_processor
from stockade.wire import Headers, Peer, Request, Response
from tests.absent import module

Pairs = list[tuple[str, str]]
_SETTINGS = """
SecRuleEngine DetectionOnly
SecRequestBodyAccess On
SecResponseBodyAccess On
SecResponseBodyMimeType text/html
"""
# With multiMatch a rule logs each value twice, as it is and in hexadecimal: the second is exact.
_RULE = (
    'SecRule {name} "@unconditionalMatch" '
    "\"id:{id},phase:5,pass,log,t:none,t:hexEncode,multiMatch,msg:'%{{MATCHED_VAR_NAME}}<|>%{{MATCHED_VAR}}'\""
)
_CHOICE = 'SecRule REQUEST_URI "@unconditionalMatch" "id:1,phase:1,pass,nolog,ctl:requestBodyProcessor={processor}"'
_line = re.compile(r'.*\[id "(\d+)"\] \[rev ""\] \[msg "(.*)"\] \[data ""\] \[severity', re.DOTALL).match
_escape = re.compile(rb"\\x([0-9a-f]{2})").sub


class Probe:
    """Plays messages to libmodsecurity. `processor`: what a rule chooses; none is chosen where it is empty."""

    def __init__(self, names: Iterable[str], processor: str = "", settings: str = "") -> None:
        self._names = tuple(names)
        rules = [_RULE.format(name=name, id=1000 + index) for index, name in enumerate(self._names)]
        choice = _CHOICE.format(processor=processor) if processor else ""
        self._library = module("libmodsecurity")  # there is no wheel for every platform
        self._engine = self._library.ModSecurity()
        self._rules = self._library.RulesSet()
        loaded = self._rules.load("\n".join((_SETTINGS, settings, choice, *rules, "")))
        assert loaded >= 0, self._rules.get_parser_error()
        self._lines: list[str] = []

    def __call__(self, request: Request, response: Response | None = None) -> dict[str, Collection]:
        self._lines.clear()
        self._engine.set_log_callback(self._lines.append)
        try:
            self._play(self._library.Transaction(self._engine, self._rules, request.id), request, response)
        finally:
            self._engine.set_log_callback(None)
        return self._read()

    @staticmethod
    def _play(transaction: Any, request: Request, response: Response | None) -> None:
        transaction.process_connection(request.peer.address, 40000, "10.0.0.2", 80)
        version = request.version.removeprefix("HTTP/")
        transaction.process_uri(request.target.encode("latin-1"), request.method, version)
        for name, value in request.headers:
            transaction.add_request_header(name.encode("latin-1"), value.encode("latin-1"))
        transaction.process_request_headers()
        if request.body:
            transaction.append_request_body(request.body)
        transaction.process_request_body()
        response = response or Response(200)
        for name, value in response.headers:
            transaction.add_response_header(name.encode("latin-1"), value.encode("latin-1"))
        transaction.process_response_headers(response.status, request.version)
        if response.body:
            transaction.append_response_body(response.body)
        transaction.process_response_body()
        transaction.process_logging()

    def _read(self) -> dict[str, Collection]:
        found: dict[str, Collection] = {name: [] for name in self._names}
        is_first = True
        for line in self._lines:
            match = _line(line)
            assert match is not None, line
            name, _, value = match[2].rpartition("<|>")
            if is_first and value:
                is_first = False
                continue
            is_first = True
            _, _, key = name.partition(":")
            pair = (_escape(_byte, key.encode("latin-1", "replace")), bytes.fromhex(value))
            found[self._names[int(match[1]) - 1000]].append(pair)
        return found


def _byte(match: re.Match[bytes]) -> bytes:
    return bytes((int(match[1], 16),))


def request(
    target: str = "/",
    *,
    method: str = "POST",
    headers: Pairs | None = None,
    body: bytes = b"",
    version: str = "HTTP/1.1",
    authority: str = "",
    at: float = 0.0,
) -> Request:
    """A request as a door would make it; the path is of no interest here."""
    fields = Headers.of(headers or [])
    peer = Peer("10.0.0.1")
    return Request("abc", at, method, "http", authority, "/", "", fields, peer, version, bool(body), target, body)


ENDLESS = Limits(arguments=0, body=0, fields=0, depth=10000, response_body=0)


def values(of: Request, processor: str = "", limits: Limits = ENDLESS, response: Response | None = None) -> Values:
    """Ours, with the body read."""
    made = Values(of, limits)
    made.read_body(of.body, processor or default_processor(of.headers))
    if response is not None:
        made.read_response(response, response.body)
    return made


def arguments(of: Request, processor: str = "", limits: Limits = ENDLESS) -> dict[str, str]:
    """ARGS as text, for tables."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in values(of, processor, limits)["ARGS"]}


def text_of(made: Values, name: str) -> str:
    """The value of a variable that is no collection."""
    ((key, value),) = made[name]
    assert key == b""
    return value.decode("latin-1")
