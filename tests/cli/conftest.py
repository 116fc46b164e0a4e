"""`stockade(...)` runs the console script's own function in this process; `shop` is a folder with a policy."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pytest

from stockade.cli.main import run

POLICY = """\
version: 1
listen: [{address: "127.0.0.1:8080"}]
apis:
  - name: shop
    kind: open
    upstream: {url: "http://127.0.0.1:9000"}
    firewall:
      deny: [203.0.113.0/24]
      methods: [GET, POST]
      max_body: 1KiB
      media_types: [application/json]
    authentication:
      any_of: [{api_key: {}}]
      anonymous: ["GET /health", "POST /login"]
    limits:
      - {name: logins, key: [address, operation], rate: 1/min, burst: 2}
"""


class Ended(NamedTuple):
    status: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Stockade: TypeAlias = Callable[..., Ended]


@pytest.fixture
def stockade(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Stockade:
    def call(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["stockade", *arguments])
        capsys.readouterr()
        try:
            run()
        except SystemExit as end:
            status = end.code
        else:
            status = 0
        return Ended(int(status or 0), *capsys.readouterr())

    return call


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "stockade.yaml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    return tmp_path
