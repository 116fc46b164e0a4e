"""Sets of hosts: names, and `*.example.com` for every name under one."""

from __future__ import annotations

from collections.abc import Iterable


class HostSet:
    """hosts: lower case, without port; "*" for every one."""

    def __init__(self, hosts: Iterable[str] = ()) -> None:
        listed = frozenset(hosts)
        self._every = "*" in listed
        self._exact = frozenset(host for host in listed if not host.startswith("*"))
        self._suffixes = tuple(host[1:] for host in listed if host.startswith("*."))

    def __contains__(self, host: object) -> bool:
        """host: lower case, without port or trailing dot."""
        if not isinstance(host, str) or not host:
            return False
        return self._every or host in self._exact or (bool(self._suffixes) and host.endswith(self._suffixes))
