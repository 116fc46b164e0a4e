"""A headless Chromium, spoken to in the DevTools protocol over a WebSocket: pages, scripts, a virtual authenticator."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.absent import program
from tests.gateway.harness import ended, wait_until

_PATIENCE = 60.0  # seconds
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-proxy-server",
    "--remote-debugging-port=0",
)


class Page:
    """One page of the browser. `url`, `text` and `run` look at what it shows now."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0
        self._loaded = ""  # what the protocol calls the loader of the document that was last complete
        self.call("Page.enable")
        self._frame = self.call("Page.getFrameTree")["frameTree"]["frame"]["id"]
        self.call("Page.setLifecycleEventsEnabled", enabled=True)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol; fails with what the browser says of it."""
        self._number += 1
        self._connection.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = self._next()
            if message.get("id") == self._number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result

    def _next(self) -> dict[str, Any]:
        """An answer, or an event."""
        message: dict[str, Any] = json.loads(self._connection.recv(_PATIENCE))
        told = message.get("params", {})
        if message.get("method") == "Page.lifecycleEvent" and (told["name"], told["frameId"]) == ("load", self._frame):
            self._loaded = told["loaderId"]
        return message

    # Where it is.

    def go(self, url: str) -> None:
        """Until what is there, or where that leads, is complete."""
        begun = self.call("Page.navigate", url=url)
        assert "errorText" not in begun, (url, begun)
        while self._loaded != begun["loaderId"]:
            self._next()

    def follow(self, script: str) -> None:
        """Run an expression that leaves this page, now or in a while, until the next one is complete."""
        self._loaded = ""
        before = self.call("Page.getFrameTree")["frameTree"]["frame"]["loaderId"]
        self.run(f"void ({script})")
        while self._loaded in ("", before):
            self._next()

    def click(self, selector: str = "button") -> None:
        """As `follow`."""
        self.follow(f"document.querySelector({json.dumps(selector)}).click()")

    def fill(self, **fields: str) -> None:
        """The form's fields, by their names."""
        for name, value in fields.items():
            self.run(f"void (document.querySelector('[name={name}]').value = {json.dumps(value)})")

    @property
    def url(self) -> str:
        return str(self.run("location.href"))

    @property
    def title(self) -> str:
        return str(self.run("document.title"))

    @property
    def text(self) -> str:
        return str(self.run("document.body ? document.body.innerText : ''"))

    # What it runs and holds.

    def run(self, script: str) -> Any:
        """What an expression, as after a click, comes to, or its promise. Raises RuntimeError with what it throws."""
        done = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        if "exceptionDetails" in done:
            raise RuntimeError(done["exceptionDetails"].get("exception", {}).get("description", "it threw"))
        return done["result"].get("value")

    def wait(self, condition: str) -> None:
        """Until an expression is true on this page."""
        wait_until(lambda: self.run(condition), condition)

    def cookies(self) -> dict[str, dict[str, Any]]:
        return {each["name"]: each for each in self.call("Storage.getCookies")["cookies"]}

    def add_authenticator(self, **options: Any) -> str:
        """A virtual authenticator (W3C Web Authentication, section 11): its id."""
        given = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        self.call("WebAuthn.enable")
        made = self.call("WebAuthn.addVirtualAuthenticator", options={**given, **options})
        return str(made["authenticatorId"])

    def remove_authenticator(self, authenticator: str) -> None:
        self.call("WebAuthn.removeVirtualAuthenticator", authenticatorId=authenticator)


@contextmanager
def chromium(folder: Path, *, bypass_csp: bool = False, any_certificate: bool = False) -> Iterator[Page]:
    """A browser with an empty profile and an empty page, gone when the context is left.

    bypass_csp: scripts of the test may do what the page's Content-Security-Policy forbids, and so may the page's own.
    any_certificate: servers need no certificate of an authority that the browser knows.
    """
    found = program("chromium", "chromium-browser", "google-chrome", what="a browser: apt-get install chromium")
    flags = (*_FLAGS, "--ignore-certificate-errors") if any_certificate else _FLAGS
    command = [found, *flags, f"--user-data-dir={folder}", "about:blank"]
    with (
        ended(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)) as process,
        connect(_first_page(folder, process), max_size=None, proxy=None) as connection,
    ):
        page = Page(connection)
        page.call("Page.setBypassCSP", enabled=bypass_csp)
        yield page


def _first_page(folder: Path, process: subprocess.Popen[bytes]) -> str:
    """The URL at which the page that a browser starts with is spoken to."""
    told = folder / "DevToolsActivePort"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def page() -> str | None:
        assert process.poll() is None, "the browser ended"
        with suppress(OSError):  # it has not said where it listens, or does not listen yet
            port = told.read_text().partition("\n")[0]
            with direct.open(f"http://127.0.0.1:{port}/json/list") as answer:
                return next(
                    (each["webSocketDebuggerUrl"] for each in json.load(answer) if each["type"] == "page"), None
                )
        return None

    return wait_until(page, "the browser", _PATIENCE)
