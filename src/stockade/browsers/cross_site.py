"""Cross-site request forgery: whether a request that a browser sent with its user's cookies comes from our own pages.

By Fetch Metadata (W3C, `Sec-Fetch-Site`), which scripts cannot forge; where a browser does not send it, by Origin,
then Referer. A request with none of the three is no browser's of this decade.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from stockade.browsers.origins import OriginSet
from stockade.wire import Request

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110, section 9.2.1
_AMBIENT = ("basic ", "digest ", "negotiate ", "ntlm ")  # what a browser sends unasked, as it does cookies


class CrossSite:
    """trusted: origins whose pages may act for their visitors. strict: refuse also what tells of no origin at all."""

    def __init__(self, trusted: OriginSet, *, strict: bool = False) -> None:
        self._trusted = trusted
        self._strict = strict

    def trouble(self, request: Request) -> str:
        """Why the request is refused: the header that tells; "" when it may pass."""
        if (request.method in _SAFE and not request.is_upgrade) or not _is_ambient(request):
            return ""
        headers = request.headers
        origin = headers.get("origin")
        site = headers.get("sec-fetch-site")
        if site is not None:
            if site in ("same-origin", "none"):
                return ""
            return "" if origin is not None and origin in self._trusted else "sec-fetch-site"
        if origin is not None:
            return "" if _is_own(origin, request) or origin in self._trusted else "origin"
        referer = headers.get("referer")
        if referer is not None:
            source = _origin_of(referer)
            return "" if _is_own(source, request) or source in self._trusted else "referer"
        return "origin" if self._strict else ""


def _is_ambient(request: Request) -> bool:
    """Whether it carries what a browser adds by itself."""
    if "cookie" in request.headers or request.peer.certificate:
        return True
    return (request.headers.get("authorization") or "").lower().startswith(_AMBIENT)


def _is_own(origin: str, request: Request) -> bool:
    """Whether the origin is the one that the request was sent to.

    The scheme is not compared: TLS may end in front of us. Hosts may differ in case alone, and in the default port.
    """
    scheme, separator, host = origin.partition("://")
    port = {"http": ":80", "https": ":443"}.get(scheme, "")
    own = request.authority.lower()
    return bool(separator and host) and bool(port) and host.removesuffix(port) == own.removesuffix(port)


def _origin_of(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"
