"""A headless Chromium, spoken to in the DevTools protocol over a WebSocket: pages, scripts, a virtual authenticator."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.absent import present

_PATIENCE = 60.0  # seconds


class Page:
    """One page of the browser."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol; fails with what the browser says of it."""
        self._number += 1
        self._connection.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._connection.recv(_PATIENCE))
            if message.get("id") == self._number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result

    def run(self, script: str) -> Any:
        """What a script, as after a click, comes to. Raises RuntimeError with what it throws."""
        done = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        if "exceptionDetails" in done:
            raise RuntimeError(done["exceptionDetails"].get("exception", {}).get("description", "it threw"))
        return done["result"].get("value")

    def go(self, url: str) -> None:
        self.call("Page.enable")
        self.call("Page.navigate", url=url)
        until = time.monotonic() + _PATIENCE
        while self.run(f"location.href === {json.dumps(url)} && document.readyState") != "complete":
            assert time.monotonic() < until, f"waited for {url}"
            time.sleep(0.05)

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


@contextlib.contextmanager
def chromium(folder: Path) -> Iterator[Page]:
    """A browser with an empty page, gone when the context is left."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    program = present(Path(found or "/usr/bin/chromium"), "a browser for passkeys: apt-get install chromium")
    port_file = folder / "DevToolsActivePort"
    process = subprocess.Popen(
        [
            str(program),
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--remote-debugging-port=0",
            f"--user-data-dir={folder}",
            "about:blank",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + _PATIENCE
        while not port_file.exists() or len(port_file.read_text().splitlines()) < 2:
            assert process.poll() is None, "the browser ended"
            assert time.monotonic() < until, "waited for the browser"
            time.sleep(0.05)
        port = port_file.read_text().splitlines()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
            target = next(each for each in json.load(answer) if each["type"] == "page")
        with connect(target["webSocketDebuggerUrl"], max_size=None) as connection:
            yield Page(connection)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
