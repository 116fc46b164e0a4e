"""What one stage hands to the next: cookies, and where a redirect led."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from msgspec.structs import replace

from stockade.waf.ftw.model import Input
from stockade.wire import Response

_REDIRECTS = frozenset({300, 301, 302, 303, 307, 308})


class Astray(Exception):
    """A stage is to follow a redirect, and there is none."""


class Trail:
    """What the stages of a case have been answered so far."""

    def __init__(self) -> None:
        self._cookies: dict[str, str] = {}
        self._last: tuple[Input, Response] | None = None

    def answered(self, sent: Input, response: Response) -> None:
        self._last = (sent, response)
        for line in response.headers.all("set-cookie"):
            name, equals, value = line.partition(";")[0].partition("=")
            if equals:
                self._cookies[name.strip()] = value.strip()

    def next(self, sent: Input) -> Input:
        """The stage as it must be sent now. Raises Astray."""
        if sent.follow_redirect:
            sent = self._redirected(sent)
        if sent.save_cookie and self._cookies and not any(name.lower() == b"cookie" for name, _ in sent.headers):
            cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
            sent = replace(sent, headers=(*sent.headers, (b"Cookie", cookies.encode("latin-1", "replace"))))
        return sent

    def _redirected(self, sent: Input) -> Input:
        if self._last is None:
            raise Astray("no stage before this one was answered")
        before, response = self._last
        location = response.headers.get("location")
        if response.status not in _REDIRECTS or not location:
            raise Astray(f"the stage before this one was answered {response.status}, and sent nowhere")
        base = f"{before.protocol}://{before.address}:{before.port}{before.uri.decode('latin-1')}"
        parts = urlsplit(urljoin(base, location))
        uri = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        kept = tuple(field for field in sent.headers if field[0].lower() != b"host")
        host = (b"Host", (parts.hostname or before.address).encode("latin-1", "replace"))
        return replace(sent, uri=uri.encode("latin-1", "replace"), headers=(host, *kept))
