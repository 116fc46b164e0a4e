"""Where a `$ref` leads, and whether it may be followed (RFC 3986; OpenAPI 3.1, section 4.6).

Names are paths, as they were given for the root, or http(s) URLs. What may be read: files in the folder of the root or
of another that is named, URLs under the root's own folder, and what `allow` lists.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from urllib.parse import SplitResult, unquote, urldefrag, urljoin, urlsplit

from msgspec import Struct

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_PLAIN = re.compile(r"[!-~]+")
_PORTS = {"https": 443, "http": 80}


class BadReference(ValueError):
    """It cannot or must not be followed; the message says why and how to mend it."""


class Reach(Struct, frozen=True):
    """What a description may be made of. folder: "" is the current one; empty for a root that is a URL."""

    folder: str
    root_url: str
    allow: tuple[str, ...]

    @classmethod
    def of(cls, root: str, allow: Iterable[str], folder: str | None) -> Reach:
        if is_url(root):
            return cls("", urljoin(root, "."), tuple(allow))
        return cls(posixpath.normpath(folder or posixpath.dirname(root) or "."), "", tuple(allow))

    def check(self, name: str) -> None:
        """Raises BadReference when it must not be read."""
        if not is_url(name):
            self._check_file(name)
        elif not self._allows(name):
            host = urlsplit(name).netloc[:80]
            raise BadReference(f"is remote; allow it with openapi.allow_remote: [{host}], or keep a copy beside it")

    def _check_file(self, name: str) -> None:
        if self.root_url:
            raise BadReference("is a file, and the description came from a URL")
        folder, path = posixpath.normpath(self.folder), posixpath.normpath(name)
        inside = folder == "." and not path.startswith(("../", "/")) and path != ".."
        if not inside and not path.startswith(folder.rstrip("/") + "/"):
            raise BadReference(f"leads out of the folder {folder}; name a wider one with openapi.folder")

    def _allows(self, url: str) -> bool:
        parts = _split(url)
        own = (self.root_url,) if self.root_url else ()
        return any(_under(parts, entry) for entry in (*own, *self.allow))


def is_url(name: str) -> bool:
    return name[:8].lower().startswith(("http://", "https://"))


def resolve(base: str, reference: str) -> tuple[str, str]:
    """The name of the file and the fragment that a reference in the file `base` means. Raises BadReference."""
    if not reference or "\0" in reference or "\\" in reference:
        raise BadReference("is no URI reference" if reference else "is empty")
    uri, fragment = urldefrag(reference)
    if not uri:
        return base, fragment
    if is_url(base) or _SCHEME.match(uri):
        return _url(base, uri), fragment
    if uri.startswith("//"):
        raise BadReference("has a host but no scheme; write https:// before it")
    path = unquote(uri)
    if not path.isprintable():
        raise BadReference("is no path")
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), path)), fragment


def _url(base: str, uri: str) -> str:
    try:
        url = urljoin(base, uri) if is_url(base) else uri
    except ValueError:
        raise BadReference("is no URL") from None
    parts = _split(url)
    if parts.scheme.lower() not in _PORTS:
        hint = "; begin a file's name with ./" if parts.scheme else ""
        raise BadReference(f"has the scheme {parts.scheme[:20]!r}; only files and https are read{hint}")
    return url


def _split(url: str) -> SplitResult:
    """Raises BadReference for a URL that two readers could understand differently."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise BadReference("is no URL") from None
    if parts.scheme.lower() in _PORTS:
        segments = unquote(parts.path).split("/")
        if not _PLAIN.fullmatch(url) or "@" in parts.netloc or ".." in segments or "." in segments:
            raise BadReference("is no plain URL: no user, no dots as segments, nothing but printable ASCII")
    return parts


def _under(parts: SplitResult, entry: str) -> bool:
    """Whether a URL is on a host ("schemas.example.com", https alone) or under a prefix ("https://host/schemas/")."""
    if not is_url(entry):
        return parts.scheme.lower() == "https" and parts.netloc.lower() == entry.lower()
    allowed = urlsplit(entry)
    folder = allowed.path.rstrip("/") + "/"
    return _origin(parts) == _origin(allowed) and (parts.path == allowed.path or parts.path.startswith(folder))


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(scheme)
