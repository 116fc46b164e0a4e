"""What Stockade serves itself must be found by its routes: an API that takes its paths takes what is secret in them.

Routes are found by host first (exact, then `*.suffix`, then `*`), then by the longest prefix. So a longer prefix on the
token service's host would be sent clients' secrets, and one at a login callback would be sent codes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from stockade.config.errors import Problem
from stockade.engine import Policy
from stockade.engine.policy import Route, host_of

if TYPE_CHECKING:
    from stockade.config.loading import Loaded

_NOBODY = "~"  # a label, and a segment, that no policy can name
_SHOWN = 3  # paths of one problem


class OwnPages(Struct, frozen=True):
    """Paths of one API that Stockade serves itself.

    what: how the operator calls them. route: who must be found for them. home: the API's own route.
    at: the authority that others are told for them, as the provider of a login is; empty where that is a host of
    `home` anyway. mend: what else the operator can change. shared: whether another API may answer with a page of its
    own at the same path, as two that are one OAuth resource do.
    """

    what: str
    route: Route
    home: Route
    paths: frozenset[str]
    at: str = ""
    mend: str = ""
    shared: bool = False


class _Taken(Struct, frozen=True, order=True):
    host: str
    path: str


def shadowed(loaded: Loaded, policy: Policy, pages: Iterable[OwnPages]) -> Iterator[Problem]:
    """A problem for each API that takes paths from others' pages, at the line of its prefix."""
    every = tuple(pages)
    shared = {(id(own.route), path) for own in every if own.shared for path in own.paths}
    for own in every:
        by_api: dict[str, list[_Taken]] = {}
        for host in _hosts(policy, own):
            for path in sorted(_probes(policy, own)):
                taker = policy.route(host, path)
                if taker is None or not _is_wrong(own, taker, path):
                    continue
                if not (own.shared and (id(taker), path) in shared):
                    by_api.setdefault(taker.api, []).append(_Taken(_written(host), path))
        for api, taken in by_api.items():
            index = next(number for number, each in enumerate(loaded.config.apis) if each.name == api)
            yield loaded.problem(_text(own, api, taken), "apis", index, "prefix")


def _is_wrong(own: OwnPages, taker: Route, path: str) -> bool:
    if taker is own.route:
        return False
    if taker is own.home:
        return path in own.paths
    # Two that claim the same host and prefix are told so already.
    same_claim = taker.prefix == own.home.prefix and not set(taker.hosts).isdisjoint(own.home.hosts)
    return not same_claim and (path in own.paths or (taker.prefix in (path, path[:-1]) and taker.api != own.home.api))


def _probes(policy: Policy, own: OwnPages) -> set[str]:
    """The pages, and where another API begins at one or below: a slash too many would send a credential there."""
    below = tuple(f"{path}/" for path in own.paths)
    prefixes = {route.prefix for route in policy.routes}
    return {
        *own.paths,
        *(prefix for prefix in prefixes if prefix.startswith(below)),
        *(f"{prefix}/" for prefix in prefixes & own.paths),
    }


def _hosts(policy: Policy, own: OwnPages) -> list[str]:
    """One host of every kind that the policy tells apart and where the API is at all, and where it says that it is.

    Another API that has all of a host, as one with an exact host beside one with `*`, shadows no page there: nobody is
    sent to it. One that has a part of it does, however its host is written.
    """
    written = {host for route in policy.routes for host in route.hosts}
    asked = {host.replace("*", _NOBODY, 1) for host in written}
    hosts = {host for host in asked if any(_covers(pattern, host) for pattern in own.home.hosts)}
    return sorted({host for host in hosts if _lives(policy, own.home, host)} | ({host_of(own.at)} if own.at else set()))


def _covers(pattern: str, host: str) -> bool:
    return pattern in ("*", host) or (pattern.startswith("*.") and host.endswith(pattern[1:]))


def _lives(policy: Policy, home: Route, host: str) -> bool:
    for path in (home.prefix, f"{home.prefix.rstrip('/')}/{_NOBODY}"):
        found = policy.route(host, path)
        if found is not None and found.api == home.api:
            return True
    return False


def _written(host: str) -> str:
    return host.replace(_NOBODY, "*", 1)


def _text(own: OwnPages, api: str, taken: list[_Taken]) -> str:
    host = min(taken).host
    paths = [each.path for each in sorted(taken) if each.host == host]
    shown = ", ".join(paths[:_SHOWN]) + (f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else "")
    if own.at and host == host_of(own.at) and not any(_covers(pattern, host) for pattern in own.home.hosts):
        mend = f"write {host} among the hosts of {own.home.api!r} (the url of its logins is there)"
    elif api == own.home.api:
        mend = own.mend
    else:
        mend = ", or ".join(filter(None, (f"give {api!r} another prefix or host", own.mend)))
    return f"the API {api!r} takes {shown} on {host}, which Stockade serves itself as {own.what}: {mend}"
