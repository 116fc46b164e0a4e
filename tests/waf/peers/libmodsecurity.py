"""ModSecurity 3 (the PyPI package `libmodsecurity`), in process."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import libmodsecurity

from stockade.waf.ftw import BLOCKING, Seen
from stockade.wire import Request, Response


class LibModSecurity:
    """Raises ValueError where a file cannot be read, which leaves out none of its rules silently."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._engine = libmodsecurity.ModSecurity()
        self._rules = libmodsecurity.RulesSet()
        self._lines: list[str] = []
        self._engine.set_log_callback(self._lines.append)
        for file in files:
            self._load(file)

    def _load(self, file: Path) -> None:
        """A file that cannot be read stops half-way: what is left of it is not what it says."""
        trial = libmodsecurity.RulesSet()
        if trial.load_from_uri(str(file)) < 0:
            raise ValueError(f"{file}: {trial.get_parser_error()}")
        assert self._rules.load_from_uri(str(file)) >= 0, self._rules.get_parser_error()

    def inspect(self, request: Request, response: Response) -> Seen:
        self._lines.clear()
        transaction = libmodsecurity.Transaction(self._engine, self._rules, request.id)
        self._play(transaction, request, response)
        ids = tuple(message.rule_id for message in transaction.get_rule_messages())
        statuses = (response.status, 403) if BLOCKING & set(ids) else (response.status,)
        return Seen(ids, tuple(self._lines), statuses, response.body)

    def close(self) -> None:
        self._engine.set_log_callback(None)

    @staticmethod
    def _play(transaction: Any, request: Request, response: Response) -> None:
        version = request.version.removeprefix("HTTP/")
        transaction.process_connection(request.peer.address, 40000, "127.0.0.1", 80)
        transaction.process_uri(_bytes(request.target), _bytes(request.method), version)
        for name, value in request.headers:
            transaction.add_request_header(_bytes(name), _bytes(value))
        transaction.process_request_headers()
        if request.body:
            transaction.append_request_body(request.body)
        transaction.process_request_body()
        for name, value in response.headers:
            transaction.add_response_header(_bytes(name), _bytes(value))
        transaction.process_response_headers(response.status, request.version)
        if response.body:
            transaction.append_response_body(response.body)
        transaction.process_response_body()
        transaction.process_logging()


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")
