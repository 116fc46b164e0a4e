"""The pages' Content-Security-Policy in Chromium, should markup of an attacker ever stand in one of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import Page
from tests.identity.conftest import GOOD
from tests.identity.service.passkey_site import Site, free_socket, listening_on

_HIT = b"window.hits = (window.hits || '') + "
_FOREIGN = "/of-a-stranger.js"


def markup(port: int) -> bytes:
    """Ways for a script to run, each leaving its letter in `hits`; a style and a base besides."""
    stranger = f"http://127.0.0.1:{port}".encode()  # another origin than that of localhost, with the same server
    return b"".join(
        (
            b"<script>" + _HIT + b"'a'</script>",
            b'<svg onload="' + _HIT + b"'b'\"></svg>",
            b'<script src="data:text/javascript,' + _HIT + b"'c'\"></script>",
            b'<script src="' + stranger + _FOREIGN.encode() + b'"></script>',
            b'<iframe srcdoc="<script>' + _HIT.replace(b"window", b"parent") + b"'e'</script>\"></iframe>",
            b"<style>body{max-width:1px !important}</style>",
            b'<base href="' + stranger + b'/">',
        )
    )


class Defaced:
    """An ASGI application whose every page of HTML ends in this markup, under the headers that it has anyway."""

    def __init__(self, app: Any, markup: bytes) -> None:
        self._app, self._markup = app, markup

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == _FOREIGN:
            await send(
                {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/javascript")]}
            )
            await send({"type": "http.response.body", "body": _HIT + b"'d'"})
            return
        is_page = False

        async def altered(message: Any) -> None:
            nonlocal is_page
            if message["type"] == "http.response.start":
                is_page = any(name == b"content-type" and b"html" in value for name, value in message["headers"])
                kept = [(name, value) for name, value in message["headers"] if name != b"content-length"]
                message = {**message, "headers": kept}
            elif is_page:
                message = {**message, "body": message["body"] + self._markup}
            await send(message)

        await self._app(scope, receive, altered)


@pytest.fixture
def defaced(tmp_path: Path) -> Iterator[Site]:
    listening = free_socket()
    port = listening.getsockname()[1]
    site = Site(tmp_path, port, enrolment=True)
    with listening_on(listening, Defaced(site.served.app, markup(port))):
        yield site
    site.world.close()


def is_as_ours(page: Page, site: Site) -> bool:
    hits, base, width = page.run("[window.hits, document.baseURI, getComputedStyle(document.body).maxWidth]")
    return (hits, base.startswith(f"{site.origin}/"), width) == (None, True, "384px")


def test_nothing_of_it_works(page: Page, authenticator: str, defaced: Site) -> None:
    """On the page of the password, that of the factor, where our own script runs, and that of the new passkey."""
    page.go(f"{defaced.origin}/id/oauth2/device")
    assert "of-a-stranger" in page.run("document.body.innerHTML")
    defaced.enrol(page)
    page.go(f"{defaced.origin}/id/oauth2/passkeys")
    assert is_as_ours(page, defaced)
    page.fill(username="alice", password=GOOD)
    page.click()
    assert page.title == "Second factor"
    assert is_as_ours(page, defaced)
    page.click("form[data-passkey] button")
    assert page.title == "Add a passkey"
    assert page.run("document.querySelector('form[data-passkey]').hidden") is False, "our own script ran"
    assert is_as_ours(page, defaced)


def test_without_the_policy_all_of_it_would(page: Page, defaced: Site) -> None:
    page.call("Page.setBypassCSP", enabled=True)
    try:
        page.go(f"{defaced.origin}/id/oauth2/passkeys")
        hits, base, width = page.run("[window.hits, document.baseURI, getComputedStyle(document.body).maxWidth]")
    finally:
        page.call("Page.setBypassCSP", enabled=False)
    assert (sorted(hits), width) == (list("abcde"), "1px")
    assert base.startswith("http://127.0.0.1:")
