"""Where a header field may send a browser (CWE-601): Location, Content-Location, Refresh, Link.

Browsers read more as a URL than RFC 3986 does: they drop tabs and newlines, take \\ for /, and need no slashes after a
scheme. So a target passes only where all readings agree on its host.
"""

from __future__ import annotations

import re

from stockade.browsers.hosts import HostSet

_LONGEST = 8192  # characters
_clean = re.compile(r"[!-\[\]-~\u0080-\U0010ffff]*").fullmatch  # no space, control or backslash
_absolute = re.compile(
    r"(https?)://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?=[/?#]|$)", re.IGNORECASE
).match
_relative = re.compile(r"(?:/(?!/)|[?#]|\.\.?(?:[/?#]|$)|[A-Za-z0-9_~%@!$&'()*+,;=.-]+(?:[/?#]|$)|$)").match
_refresh = re.compile(r"[\s0-9.]*[;,\s]\s*(?:url\s*=\s*)?(.*)", re.IGNORECASE | re.DOTALL).fullmatch
_only_delay = re.compile(r"\s*[0-9]+(?:\.[0-9]*)?\s*").fullmatch
_links = re.compile(r"<([^<>]*)>").findall


class Targets:
    """hosts: those that may be named besides the one that was asked."""

    def __init__(self, hosts: HostSet) -> None:
        self._hosts = hosts

    def allows(self, target: str, own: str) -> bool:
        """A URL reference (RFC 3986, section 4.1). own: the host that was asked, lower case, without port."""
        if len(target) > _LONGEST or _clean(target) is None:
            return False
        absolute = _absolute(target)
        if absolute is not None:
            host = absolute[2].lower().rstrip(".")
            return host == own or host.strip("[]") == own or host in self._hosts
        return _relative(target) is not None

    def allows_refresh(self, value: str, own: str) -> bool:
        """The value of a Refresh field: "5", or "5; url=/next" (HTML standard, section 7.4.4)."""
        if len(value) > _LONGEST:
            return False
        if _only_delay(value) is not None:
            return True
        found = _refresh(value)
        if found is None:
            return False
        target = found[1].strip()
        if target[:1] in ("'", '"'):
            quote, target = target[0], target[1:]
            target = target.partition(quote)[0]
        return self.allows(target, own)

    def allows_links(self, value: str, own: str) -> bool:
        """Every target of a Link field (RFC 8288, section 3)."""
        return len(value) <= _LONGEST and all(self.allows(target.strip(), own) for target in _links(value))
