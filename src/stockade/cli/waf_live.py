"""FTW tests through a running gateway: raw bytes over a socket, and the rules that matched from the decision log."""

from __future__ import annotations

import contextlib
import http.client
import json
import secrets
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from stockade.waf.ftw import BLOCKING, Astray, Case, Input, Seen, Trail, request_bytes, response_text
from stockade.wire import Headers, Response

_AT_ONCE = 8
_MOST_ANSWER = 1 << 20  # bytes of a body that are looked at
_PATIENCE = 5.0  # seconds without a new line, after which the log holds what it ever will
_GLANCE = 0.05
_REFUSALS = range(400, 500)


class NoGateway(Exception):
    """Nothing answers there, or its decision log is not where it should be."""


class _Answer(Struct, frozen=True):
    """What came back for one stage; `marker` is by what the log knows it."""

    marker: str
    response: Response | None = None
    error: str = ""


class Live:
    """A gateway at `url` that writes its decision log to `log`, with the header `marker` in it."""

    def __init__(self, url: str, log: Path, marker: str, timeout: float) -> None:
        parts = urlsplit(url)
        try:
            self._port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            raise NoGateway(f"{url} is not a URL such as http://127.0.0.1:8080") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise NoGateway(f"{url} is not a URL such as http://127.0.0.1:8080")
        self._host = parts.hostname
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._log = log
        self._marker = marker.lower()
        self._timeout = timeout
        self._run = str(secrets.randbelow(10**12))  # digits: no rule is about them

    def play(self, cases: Iterable[Case], progress: Callable[[], None]) -> Iterator[tuple[Case, list[Seen]]]:
        """Each case with what its stages led to. Raises NoGateway."""
        with self._reachable():
            log = _Log(self._log, self._marker)
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                played = list(pool.map(lambda case: (case, self._case(case, progress)), cases))
        answers = {answer.marker: answer for _, found in played for answer in found}
        records = log.records({marker for marker, answer in answers.items() if _is_logged(answer)})
        if answers and not records and any(_is_logged(answer) for answer in answers.values()):
            raise NoGateway(
                f"{self._log} names no request of this run: is it this gateway's log, with "
                f"`log: {{headers: [{self._marker}]}}` in the policy?"
            )
        for case, found in played:
            yield case, [_seen(answer, records.get(answer.marker)) for answer in found]

    @contextlib.contextmanager
    def _reachable(self) -> Iterator[None]:
        try:
            self._connect().close()
        except OSError as error:
            raise NoGateway(f"{self._host}:{self._port} cannot be reached: {error}") from None
        yield

    def _case(self, case: Case, progress: Callable[[], None]) -> list[_Answer]:
        trail = Trail()
        answers = []
        for number, stage in enumerate(case.stages):
            marker = f"{self._run}-{case.name}-{number}"
            try:
                sent = trail.next(stage.input)
            except Astray as error:
                answers.append(_Answer(marker, error=str(error)))
                continue
            answer = self._send(sent, marker)
            if answer.response is not None:
                trail.answered(sent, answer.response)
            answers.append(answer)
        progress()
        return answers

    def _send(self, sent: Input, marker: str) -> _Answer:
        raw = request_bytes(sent, ((self._marker.encode(), marker.encode()),))
        try:
            with self._connect() as connection:
                # Whoever refuses early may close before all is sent, and has still answered.
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    connection.sendall(raw)
                return _Answer(marker, _read(connection, sent.method.decode("latin-1")))
        except TimeoutError:
            return _Answer(marker, error=f"no answer within {self._timeout:g} s")
        except (OSError, http.client.HTTPException) as error:
            return _Answer(marker, error=f"no answer ({type(error).__name__}: {error})")

    def _connect(self) -> socket.socket:
        connection = socket.create_connection((self._host, self._port), self._timeout)
        if self._tls is None:
            return connection
        try:
            return self._tls.wrap_socket(connection, server_hostname=self._host)
        except OSError:
            connection.close()
            raise


def _read(connection: socket.socket, method: str) -> Response:
    answer = http.client.HTTPResponse(connection, method=method)
    answer.begin()
    body = answer.read(_MOST_ANSWER)
    return Response(answer.status, Headers.of(answer.getheaders()), body)


def _is_logged(answer: _Answer) -> bool:
    """Whether the gateway surely wrote a line of it: what HTTP itself refuses never reaches a control."""
    return answer.response is not None and answer.response.status not in _REFUSALS


def _seen(answer: _Answer, record: dict[str, Any] | None) -> Seen:
    if answer.response is None:
        return Seen(error=answer.error)
    status = answer.response.status
    findings = record["findings"] if record is not None else []
    ours = [finding for finding in findings if finding.get("control") == "waf" and finding["rule"].isdigit()]
    ids = tuple(int(finding["rule"]) for finding in ours)
    statuses = (status, 403) if BLOCKING & set(ids) else (status,)
    refused = ""
    if status in _REFUSALS and (record is None or record.get("control") not in (None, "waf")):
        reason = findings[-1]["rule"] if findings else "malformed"
        refused = f"answered {status}: {reason}"
    return Seen(ids, tuple(map(_line, ours)), statuses, response_text(answer.response), refused=refused)


def _line(finding: dict[str, Any]) -> str:
    fields = [("id", finding["rule"]), ("msg", finding.get("message", "")), ("data", finding.get("detail", ""))]
    fields += [("tag", tag) for tag in finding.get("tags", ())]
    return f"Matched against variable `{finding['where']}' " + " ".join(f'[{name} "{text}"]' for name, text in fields)


class _Log:
    """What is added to a decision log from now on."""

    def __init__(self, path: Path, marker: str) -> None:
        self._path = path
        self._marker = marker
        self._rest = b""
        self._records: dict[str, dict[str, Any]] = {}
        self._read = path.stat().st_size if path.exists() else 0

    def records(self, wanted: set[str]) -> dict[str, dict[str, Any]]:
        """By marker; once all that are wanted are there, or nothing more comes."""
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            if self._more():
                until = time.monotonic() + _PATIENCE
            if wanted <= self._records.keys():
                break
            time.sleep(_GLANCE)
        return self._records

    def _more(self) -> bool:
        try:
            with self._path.open("rb") as file:
                file.seek(self._read)
                fresh = file.read()
        except OSError as error:
            raise NoGateway(f"{self._path} cannot be read: {error.strerror}") from None
        self._read += len(fresh)
        *lines, self._rest = (self._rest + fresh).split(b"\n")
        for line in lines:
            with contextlib.suppress(ValueError):  # a line that is torn is no record
                record = json.loads(line)
                self._records[record.get("headers", {}).get(self._marker, "")] = record
        return bool(fresh)
