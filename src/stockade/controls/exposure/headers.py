"""The header fields of each kind of response (OWASP REST Security Cheat Sheet, HTTP Headers Cheat Sheet)."""

from __future__ import annotations

from stockade.vocabulary import Exchange

SECURITY_HEADERS = (
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "accelerometer=(), camera=(), geolocation=(), microphone=()"),
)
HTTPS_ONLY = ("strict-transport-security", "max-age=63072000; includeSubDomains")
NO_STORE = ("cache-control", "no-store")
DOCUMENTS = ("text/html", "application/xhtml")
# A page needs its scripts and styles: what is right for data would break it.
FOR_DATA = frozenset({"content-security-policy", "permissions-policy"})
FOR_PAGES = (("content-security-policy", "frame-ancestors 'none'"),)


def own_host(exchange: Exchange) -> str:
    """The host that was asked, lower case, without port."""
    authority = exchange.request.authority
    if authority.startswith("["):
        return authority[1:].partition("]")[0].lower()
    return authority.partition(":")[0].lower().rstrip(".")
