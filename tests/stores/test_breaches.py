"""Breached passwords: in a file that is never read whole, and behind an endpoint that learns five digits."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from stockade.passwords import breach_digest
from stockade.stores import breaches as breaches_module
from stockade.stores.breaches import BreachFile, BreachRange
from stockade.vocabulary import StoreError
from tests.breach_lists import list_lines
from tests.stores.servers import sends, serving


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "breached.txt"
    path.write_text("".join(list_lines(f"password{number}" for number in range(10_000))))
    with closing(BreachFile(path)) as breaches:
        assert breaches.count("password77") == 1
        assert breaches.count("correct horse battery staple") == 0


@pytest.mark.parametrize("content", [None, b"", b"password\n123456\n"], ids=["missing", "empty", "words"])
def test_files_that_are_no_list(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "breached.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StoreError, match="breached"):
        BreachFile(path)


def test_a_range_endpoint_learns_five_digits() -> None:
    digest = breach_digest("password")
    with serving() as server:
        server.answer = sends(f"{'0' * 35}:0\r\n{digest[5:]}:9545824\r\n".encode())
        breaches = BreachRange(server.url.removesuffix("/jwks.json") + "/range/")
        assert breaches.count("password") == 9_545_824
        assert server.asked == [f"/range/{digest[:5]}"]
        assert digest[5:] not in str(server.heard)
        assert server.heard["add-padding"] == "true"
        assert breaches.count("correct horse battery staple") == 0


@pytest.mark.parametrize(
    "answer",
    [sends(b"", 503), sends(b"<html>"), sends(b"", 302, location="http://127.0.0.1:1/"), sends(b"0" * (5 << 20))],
    ids=["down", "a page", "elsewhere", "endless"],
)
def test_what_cannot_be_asked_is_said(answer) -> None:
    with serving() as server:
        server.answer = answer
        with pytest.raises(StoreError):
            BreachRange(server.url).count("password")


def test_an_endpoint_that_drips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaches_module, "TIMEOUT", 0.3)

    def drip(handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not server.over.wait(0.05):
            handler.wfile.write(b"\n")
            handler.wfile.flush()

    with serving() as server:
        server.answer = drip
        with pytest.raises(StoreError, match="no answer within"):
            BreachRange(server.url).count("password")


def test_nobody_there() -> None:
    with pytest.raises(StoreError) as caught:
        BreachRange("http://127.0.0.1:1/range").count("password")
    assert "password" not in str(caught.value)
