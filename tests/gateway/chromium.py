"""A headless Chromium, driven by the Chrome DevTools Protocol."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from tests.gateway.harness import ended, wait_until

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--ignore-certificate-errors",
    "--no-proxy-server",
    "--remote-debugging-port=0",
)


def program() -> str:
    """Where it is. Without it the test ends in one line."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        said = "Chromium is not there: sudo apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(said, pytrace=False)
        pytest.skip(said)
    return found


class Tab:
    """One page. `url` and `run` look at what it shows now."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._number = 0
        self.call("Page.enable")
        self.call(
            "Page.setBypassCSP", enabled=True
        )  # what an API answers is no page: its policy lets scripts do nothing

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=30))
            if message.get("id") == self._number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result

    def go(self, url: str) -> None:
        self.call("Page.navigate", url=url)
        self.settle()

    def settle(self) -> None:
        """Until a page is complete and stays it."""
        time.sleep(0.2)
        wait_until(lambda: self._is_complete(), "the page")

    def _is_complete(self) -> bool:
        with suppress(AssertionError):  # between two pages there is none to ask
            return bool(self.run("document.readyState === 'complete' && location.href !== 'about:blank'"))
        return False

    def run(self, script: str) -> Any:
        """The value of an expression, or of the promise that it is."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    @property
    def url(self) -> str:
        return str(self.run("location.href"))

    @property
    def text(self) -> str:
        return str(self.run("document.body ? document.body.innerText : ''"))

    def cookies(self) -> dict[str, dict[str, Any]]:
        return {each["name"]: each for each in self.call("Storage.getCookies")["cookies"]}


@contextmanager
def browsing(folder: Path) -> Iterator[Tab]:
    """A browser with an empty profile, ended when the context is left."""
    command = [program(), *_FLAGS, f"--user-data-dir={folder}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with ended(process):
        told = folder / "DevToolsActivePort"
        wait_until(lambda: told.exists() and len(told.read_text().splitlines()) == 2, "Chromium")
        port = told.read_text().splitlines()[0]

        def page() -> str | None:
            with suppress(httpx.HTTPError):
                tabs = httpx.get(f"http://127.0.0.1:{port}/json/list", trust_env=False).json()
                return next((tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"), None)
            return None

        with connect(wait_until(page, "a tab"), max_size=None, proxy=None) as socket:
            yield Tab(socket)
