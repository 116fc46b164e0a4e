"""Redirect URIs: what may be registered, and how an answer is put into one (RFC 6749, section 3.1.2; RFC 8252)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_is_plain = re.compile(r"[!#-;=?-\[\]_a-z~]+").fullmatch  # printable, without blanks, quotes, <, >, ^, `, {, | and }
_is_private_scheme = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+").fullmatch
_is_host = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?").fullmatch
MAX_REDIRECT = 1024  # characters


class BadRedirect(ValueError):
    """A text to which nobody may be sent; the message says why."""


def check_redirect(uri: str) -> None:
    """Raises BadRedirect. Comparing is then by the exact text, so nothing is normalised."""
    if not 0 < len(uri) <= MAX_REDIRECT or _is_plain(uri) is None:
        raise BadRedirect("a redirect URI is 1 to 1024 printable ASCII characters of a URL")
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise BadRedirect("this is no URL") from None
    if "#" in uri:
        raise BadRedirect("a redirect URI has no fragment (RFC 6749, section 3.1.2)")
    if "@" in parts.netloc or "*" in uri or "\\" in uri:
        raise BadRedirect("a redirect URI is one exact address: no user, no wildcard, no backslash")
    if parts.netloc and _is_host(parts.netloc) is None:
        raise BadRedirect("the host is a name or an address, perhaps with a port")
    if parts.scheme == "https" and host:
        return
    if parts.scheme == "http":
        if host in _LOOPBACK:
            return
        raise BadRedirect("codes travel over https (http to this machine alone, RFC 8252, section 7.3)")
    if not parts.netloc and _is_private_scheme(parts.scheme):
        return
    raise BadRedirect("use https://…, http://127.0.0.1…, or a private scheme such as com.example.app:/back (RFC 8252)")


def redirect_url(uri: str, answer: Mapping[str, str]) -> str:
    """The address with the answer in its query; a query that is there already is kept."""
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(answer)}"


def form_targets(uri: str) -> str:
    """Where a form whose answer redirects there may lead, for `form-action` of a Content-Security-Policy."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"
