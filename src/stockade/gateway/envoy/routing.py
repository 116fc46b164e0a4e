"""Envoy's routes: to the upstream that our filter chose, with the timeouts and second tries of its API.

The filter marks a request with a header that names its cluster. Envoy looks that name up in a map, so that a request
costs the same however many APIs there are.
"""

from __future__ import annotations

import re

from stockade.config import Api, Loaded
from stockade.config.build import cluster_name
from stockade.engine.policy import ROUTE
from stockade.gateway.envoy.resources import Json, resources, seconds, typed

_NOWHERE = "nowhere"  # the name of no cluster
# When to try again. Any method, where the upstream has not begun to work on the request; a safe method (RFC 9110,
# section 9.2.1) also where a kept connection broke before a response: the upstream may have closed it as we wrote.
_ANY = "connect-failure,refused-stream,reset-before-request"
_SAFE = f"{_ANY},reset"


def routes(loaded: Loaded, apis: list[Api]) -> str:
    """What our filter did not mark goes nowhere."""
    stream = loaded.config.timeouts.stream
    marked = {cluster_name(api): _list(_marked_routes(api, stream)) for api in apis}
    unmarked = _list(_unmarked_routes(apis, stream))
    by_mark = {
        "input": {
            "name": "mark",
            "typed_config": typed("type.matcher.v3.HttpRequestHeaderMatchInput", header_name=ROUTE),
        },
        "exact_match_map": {"map": marked},
    }
    # Envoy takes no empty map: a policy that serves nothing has nothing to look up.
    matcher = {"matcher_tree": by_mark, "on_no_match": unmarked} if marked else {"on_no_match": unmarked}
    table = {
        "name": "main",
        "virtual_hosts": [{"name": "all", "domains": ["*"], "matcher": matcher}],
        "request_headers_to_remove": [ROUTE, "x-envoy-external-address", "x-envoy-original-dst-host"],
    }
    return resources("config.route.v3.RouteConfiguration", [table])


def _list(tried_in_order: list[Json]) -> Json:
    return {"action": {"name": "routes", "typed_config": typed("config.route.v3.RouteList", routes=tried_in_order)}}


def _method(name: str) -> Json:
    return {"name": ":method", "string_match": {"exact": name}}


_GET, _HEAD, _OPTIONS = map(_method, ("GET", "HEAD", "OPTIONS"))
_EVENTS = {"name": "accept", "string_match": {"contains": "text/event-stream"}}
_UPGRADE = {"name": "upgrade", "present_match": True}
_STREAMS = ([_GET, _UPGRADE], [_GET, _EVENTS])  # what may last for ever


def _marked_routes(api: Api, stream: float) -> list[Json]:
    """A stream may last for ever, so what `timeout` bounds is how long nothing may move; open streams may be idle
    for longer than a reply may take."""
    timeout = api.upstream.timeout
    # What a request must have, how long it may be idle, and when it is tried again.
    ways: list[tuple[list[Json], float, str]] = [
        *((kind, stream, _SAFE) for kind in _STREAMS),
        *(([method], timeout, _SAFE) for method in (_GET, _HEAD, _OPTIONS)),
        ([], timeout, _ANY),
    ]
    return [
        {"match": {"prefix": "/", "headers": headers}, "route": _action(api, idle, retry_on)}
        for headers, idle, retry_on in ways
    ]


def _action(api: Api, idle: float, retry_on: str) -> Json:
    action: Json = {"cluster": cluster_name(api), "timeout": "0s", "idle_timeout": seconds(idle)}
    if api.upstream.retries:
        action["retry_policy"] = {"retry_on": retry_on, "num_retries": api.upstream.retries}
    return action


def _unmarked_routes(apis: list[Api], stream: float) -> list[Json]:
    """Where a request is before our filter has judged it: on its way to no cluster.

    Envoy winds the clock of the idle timeout as soon as a head is complete, and not again when a request that was
    held goes on, so the clock must be right from the beginning.
    """
    return [
        *(_waiting({"prefix": "/", "headers": kind}, stream) for kind in _STREAMS),
        *(_waiting(match, timeout) for match, timeout in _timeouts(apis)),
    ]


def _waiting(match: Json, idle: float) -> Json:
    return {"match": match, "route": {"cluster": _NOWHERE, "idle_timeout": seconds(idle)}}


def _timeouts(apis: list[Api]) -> list[tuple[Json, float]]:
    """Which requests have which timeout. Where APIs differ they are found as `Policy.route` finds them."""
    if len({api.upstream.timeout for api in apis}) == 1:
        return [({"prefix": "/"}, apis[0].upstream.timeout)]
    return [(_of(api, host), api.upstream.timeout) for api, host in _by_precedence(apis)]


def _of(api: Api, host: str) -> Json:
    path = {"prefix": "/"} if api.prefix == "/" else {"path_separated_prefix": api.prefix.rstrip("/")}
    return {**path, "headers": [] if host == "*" else [_host_is(host)]}


def _host_is(host: str) -> Json:
    name = f"[^:]+{re.escape(host[1:])}" if host.startswith("*.") else re.escape(host)
    return {"name": ":authority", "string_match": {"safe_regex": {"regex": f"(?i){name}\\.?(:[0-9]*)?"}}}


def _by_precedence(apis: list[Api]) -> list[tuple[Api, str]]:
    """Each host of each API, in the order in which `Policy.route` tries them."""
    pairs = [(api, host) for api in apis for host in api.hosts]
    return sorted(
        pairs, key=lambda pair: (pair[1] == "*", pair[1].startswith("*."), -len(pair[1]), -len(pair[0].prefix))
    )
