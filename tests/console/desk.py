"""The admin API in this process, and the keys of those who ask it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from stockade.config import load
from stockade.console import Console
from stockade.console.operation import WRITE
from stockade.console.resources import OPERATIONS
from stockade.identity.office import Office, open_office

POLICY = """\
version: 1
listen: [{address: "127.0.0.1:8080"}]
admin: {api: true}
apis: [{name: shop, kind: partner, upstream: {url: "http://127.0.0.1:9000"}}]
"""


class Desk:
    """The API in this process; `ask` as the holder of a key."""

    def __init__(self, folder: Path, office: Office) -> None:
        self.office = office
        self.loaded = load(folder / "stockade.yaml")
        self.keys = {
            name: office.keys.issue(name, 1.0, scopes=scopes).text
            for name, scopes in {
                "admin": ["stockade:admin"],
                "reader": ["stockade:read"],
                "clerk": [f"stockade:{each.resource}:write" for each in OPERATIONS if each.right == WRITE],
                "keeper": ["stockade:keys:read"],
                "stranger": ["orders:read"],
            }.items()
        }
        self._loop = asyncio.new_event_loop()
        self.console = Console(lambda: self.loaded)
        self._app = Starlette(routes=list(self.console.routes()))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(work)

    def ask(
        self, method: str, path: str, body: Any = None, *, who: str = "admin", address: str = "127.0.0.1", **fields: Any
    ) -> httpx.Response:
        headers = fields.pop("headers", {"authorization": f"Bearer {self.keys.get(who, who)}"})
        if body is not None:
            fields |= {"content": json.dumps(body)}
            headers = {"content-type": "application/json", **headers}

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, client=(address, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://admin") as client:
                return await client.request(method, f"/api/v1{path}", headers=headers, **fields)

        reply: httpx.Response = self.run(send())
        assert "set-cookie" not in reply.headers
        assert not any(name.startswith("access-control") for name in reply.headers)
        assert reply.headers["cache-control"] == "no-store"
        if reply.status_code >= 400:
            assert reply.headers["content-type"] == "application/problem+json"
            assert "Traceback" not in reply.text
        return reply

    def close(self) -> None:
        self.console.close()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("console")
    (folder / "stockade.yaml").write_text(POLICY)
    with open_office(load(folder / "stockade.yaml")) as office:
        office.certificates.begin("Shop", time.time(), "test", trust_domain="partners.example")
        desk = Desk(folder, office)
        try:
            yield desk
        finally:
            desk.close()
