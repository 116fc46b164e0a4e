"""Texts of descriptions, from files and from a real HTTP server: bounded in size and time, and from nowhere else."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from stockade.stores import documents
from stockade.stores.documents import load_document
from tests.stores.servers import Server, sends, serving


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def test_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"openapi: x")
    assert load_document(str(tmp_path / "a.yaml")) == b"openapi: x"


@pytest.mark.parametrize("name", ["nowhere", "folder", "pipe", "huge"])
def test_files_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(documents, "_MOST_BYTES", 1 << 20)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "huge").write_bytes(b" " * ((1 << 20) + 1))
    said = {"nowhere": "No such file", "folder": "a folder", "pipe": "no ordinary file", "huge": "more than 1 MiB"}
    with pytest.raises(OSError, match=said[name]):
        load_document(str(tmp_path / name))


def test_a_url(server: Server) -> None:
    server.answer = sends(b"openapi: x")
    assert load_document(server.url) == b"openapi: x"
    assert server.heard["accept-encoding"] == "identity"
    assert "authorization" not in server.heard


def test_a_url_while_a_loop_runs(server: Server) -> None:
    server.answer = sends(b"{}")

    async def within() -> bytes:
        return load_document(server.url)

    assert asyncio.run(within()) == b"{}"


@pytest.mark.parametrize(
    ("status", "said"), [(404, "it answered 404"), (302, "redirects are not followed"), (206, "it answered 206")]
)
def test_answers_that_are_no_description(server: Server, status: int, said: str) -> None:
    server.answer = sends(b"x", status, location=server.url.replace("jwks", "other"))
    with pytest.raises(OSError, match=said):
        load_document(server.url)
    assert len(server.asked) == 1


def test_an_endless_answer(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "_MOST_BYTES", 1 << 20)

    def pour(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not server.over.is_set():
            handler.wfile.write(b"x" * 65536)

    server.answer = pour
    with pytest.raises(OSError, match="more than 1 MiB"):
        load_document(server.url)


def test_a_dripping_answer(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "_TIMEOUT", 0.3)

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not server.over.wait(0.05):
            handler.wfile.write(b"x")
            handler.wfile.flush()

    server.answer = drip
    with pytest.raises(OSError, match=r"no answer within 0.3 s"):
        load_document(server.url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "http://[::1", "https://127.0.0.1:1/x", "http://a b/"])
def test_nobody_there(url: str) -> None:
    with pytest.raises(OSError, match=r"."):
        load_document(url)
