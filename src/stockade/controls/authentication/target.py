"""Whether a URL that a client signed is the one that it asked for."""

from __future__ import annotations

from urllib.parse import urlsplit

from stockade.wire import BadTarget, Request, parse_target

_PORTS = {"https": ":443", "http": ":80"}


def is_url_of(url: str, request: Request) -> bool:
    """Normalised (RFC 3986, sections 6.2.2 and 6.2.3), query and fragment left out.

    A proxy before us may have ended TLS, so a client may say https where we saw http; never the other way round.
    """
    try:
        parts = urlsplit(url)
        path = parse_target(parts.path or "/").path
    except (BadTarget, ValueError):
        return False
    said = parts.scheme.lower()
    if said not in ("https", request.scheme) or path != request.path:
        return False
    return plain_authority(parts.netloc, said) in {
        plain_authority(request.authority, each) for each in (said, request.scheme)
    }


def plain_authority(authority: str, scheme: str) -> str:
    """Lower case, without the port that goes without saying."""
    return authority.lower().removesuffix(_PORTS.get(scheme, ":"))
