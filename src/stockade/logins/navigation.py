"""Whether a request is a person going to a page, who can be sent to log in, or a script's, which cannot."""

from __future__ import annotations

from typing import Final

from stockade.wire import BadTarget, Request, parse_target

_LONGEST: Final = 1024  # characters of a target to return to


def is_page_load(request: Request) -> bool:
    """Whether a browser will show the answer. By Fetch Metadata; where a browser has none, by Accept.

    Frames are no place for a login, and what is fetched ahead of time nobody has asked for.
    """
    headers = request.headers
    if request.is_upgrade or "authorization" in headers or "x-requested-with" in headers:
        return False
    if is_ahead_of_time(request):
        return False
    mode = headers.get("sec-fetch-mode")
    if mode is not None:
        return mode == "navigate" and headers.get("sec-fetch-dest") in (None, "document")
    return "text/html" in (headers.get("accept") or "").lower()


def is_ahead_of_time(request: Request) -> bool:
    """Whether a browser fetches what nobody has asked for yet (Sec-Purpose: prefetch;prerender)."""
    headers = request.headers
    return "prefetch" in f"{headers.get('sec-purpose')} {headers.get('purpose')}".lower()


def is_navigation(request: Request) -> bool:
    """One that can be made again after a login: it has no body that would be lost."""
    return request.method == "GET" and is_page_load(request)


def is_own_navigation(request: Request) -> bool:
    """Whether no other site's page has set it off. A browser without Fetch Metadata is believed."""
    return request.headers.get("sec-fetch-site") in (None, "same-origin", "none")


def return_target(target: str, prefix: str) -> str:
    """The request target (origin form) if a login may lead back to it; else the API's own root.

    It is only ever put behind our own origin, and must lie under the API's prefix: there is no way out.
    """
    root = prefix if prefix.endswith("/") else f"{prefix}/"
    clean = target.isascii() and target.isprintable() and not any(char in target for char in ' "<>\\#')
    if not target.startswith("/") or target.startswith("//") or len(target) > _LONGEST or not clean:
        return root
    try:
        path, _ = parse_target(target)
    except BadTarget:
        return root
    return target if path == prefix or path.startswith(root) else root
