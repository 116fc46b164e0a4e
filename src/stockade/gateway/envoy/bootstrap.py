"""Envoy's configuration, generated from ours. Envoy owns sockets, TLS, HTTP, pools and timeouts: configured here.

The bootstrap itself never changes while Stockade runs. Listeners, routes and clusters come from files that Envoy
watches (LDS, RDS, CDS), so that they can change without a restart.
"""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

from stockade.config import Api, Config, Loaded
from stockade.config.build import cluster_name
from stockade.config.models import Listen, Upstream
from stockade.config.sections import identity
from stockade.gateway.envoy.encryption import downstream_tls, upstream_tls
from stockade.gateway.envoy.module import filter_path
from stockade.gateway.envoy.resources import Json, Places, resources, seconds, typed, watched

_MOST_HEADERS = 100
_WEBSOCKET = "websocket"


def bootstrap(places: Places, worker: int, connections: int) -> Json:
    return {
        "node": {"id": f"stockade-{worker}", "cluster": "stockade"},
        "admin": {"address": {"pipe": {"path": str(places.admin(worker)), "mode": 0o600}}},
        "dynamic_resources": {"lds_config": watched(places.listeners), "cds_config": watched(places.clusters)},
        "overload_manager": {
            "refresh_interval": "0.25s",
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": typed(
                        "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                        max_active_downstream_connections=connections,
                    ),
                }
            ],
        },
        "layered_runtime": {"layers": [{"name": "static", "static_layer": {"re2.max_program_size.error_level": 1000}}]},
        "stats_config": {
            "stats_matcher": {
                "inclusion_list": {
                    "patterns": [
                        {"prefix": "listener_manager."},
                        {"prefix": "cluster_manager."},
                        {"prefix": "http.main."},
                    ]
                }
            }
        },
    }


def listeners(loaded: Loaded, places: Places) -> str:
    return resources(
        "config.listener.v3.Listener",
        [_listener(listen, loaded.config, loaded.path.absolute(), places) for listen in loaded.config.listen],
    )


def _listener(listen: Listen, config: Config, origin: Path, places: Places) -> Json:
    chain: Json = {"filters": [{"name": "http", "typed_config": _connection_manager(config, origin, places)}]}
    if listen.tls is not None:
        chain["transport_socket"] = downstream_tls(listen, listen.tls, places)
        chain["transport_socket_connect_timeout"] = seconds(config.timeouts.tls_handshake)
    filters = []
    if listen.proxy_protocol:
        proxy = typed(
            "extensions.filters.listener.proxy_protocol.v3.ProxyProtocol", allow_requests_without_proxy_protocol=True
        )
        filters.append({"name": "proxy_protocol", "typed_config": proxy})
    return {
        "name": f"{listen.address}",
        "address": {"socket_address": {"address": listen.address.host, "port_value": listen.address.port}},
        "listener_filters": filters,
        "listener_filters_timeout": seconds(config.timeouts.headers),
        "filter_chains": [chain],
        "per_connection_buffer_limit_bytes": 1 << 20,
        "tcp_backlog_size": 1024,
        "enable_reuse_port": True,
    }


def _connection_manager(config: Config, origin: Path, places: Places) -> Json:
    timeouts = config.timeouts
    return typed(
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="main",
        codec_type="AUTO",
        rds={"config_source": watched(places.routes), "route_config_name": "main"},
        http_filters=[_our_filter(origin, places), _router()],
        upgrade_configs=[{"upgrade_type": _WEBSOCKET}],
        http_protocol_options={
            "accept_http_10": True,  # what old proxies and load balancers speak
            "ignore_http_11_upgrade": [{"safe_regex": {"regex": _any_but(_WEBSOCKET)}}],
        },
        server_header_transformation="PASS_THROUGH",
        use_remote_address=True,
        skip_xff_append=True,
        normalize_path=True,
        merge_slashes=True,
        path_with_escaped_slashes_action="REJECT_REQUEST",
        strip_trailing_host_dot=False,
        generate_request_id=True,
        max_request_headers_kb=max(1, config.max_headers >> 10),
        request_headers_timeout=seconds(timeouts.headers),
        request_timeout=seconds(timeouts.request),
        stream_idle_timeout=seconds(timeouts.stream),
        delayed_close_timeout="1s",
        drain_timeout="1s",  # from the word that a connection will be closed to its end
        common_http_protocol_options={
            "idle_timeout": seconds(timeouts.idle),
            "max_headers_count": _MOST_HEADERS,
            "headers_with_underscores_action": "DROP_HEADER",
        },
        http2_protocol_options={
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 65536 * 4,
            "initial_connection_window_size": 1 << 20,
        },
        local_reply_config=_local_replies(),
    )


def _any_but(word: str) -> str:
    """A regular expression for every text but this word, in whatever case.

    Of an `Upgrade` field all that is not WebSocket must go: an upstream that takes another protocol (h2c, for one)
    would give the client a tunnel around every control. RE2 has no look-ahead, so: a text of another length, or of
    the same with another letter somewhere.
    """
    most = len(word) - 1
    differs = [f".{{{n}}}[^{letter.lower()}{letter.upper()}].{{{most - n}}}" for n, letter in enumerate(word)]
    return "|".join([f".{{0,{most}}}", f".{{{len(word) + 1},}}", *differs])


def _our_filter(origin: Path, places: Places) -> Json:
    settings = {
        "policy": str(places.policy),
        "origin": str(origin),
        "line": str(places.line),
        "counters": f"/dev/fd/{places.counters}",
    }
    return {
        "name": "stockade",
        "typed_config": typed(
            "extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter",
            dynamic_module_config={
                "module": {"local": {"filename": str(filter_path())}},
                "do_not_close": True,
                "load_globally": True,
            },
            filter_name="stockade",
            filter_config={"@type": "type.googleapis.com/google.protobuf.StringValue", "value": json.dumps(settings)},
        ),
    }


def _router() -> Json:
    return {
        "name": "envoy.filters.http.router",
        "typed_config": typed("extensions.filters.http.router.v3.Router", suppress_envoy_headers=True),
    }


def _local_replies() -> Json:
    """What Envoy itself refuses is refused in our shape: problem details (RFC 9457)."""
    body = {
        "type": "about:blank",
        "status": "%RESPONSE_CODE%",
        "detail": "The request was refused by the gateway.",
        "request_id": "%REQ(X-REQUEST-ID)%",
    }
    return {"body_format": {"json_format": body, "content_type": "application/problem+json"}}


def clusters(loaded: Loaded, apis: list[Api], places: Places) -> str:
    return resources("config.cluster.v3.Cluster", [_cluster(api, loaded.folder, places) for api in apis])


def _cluster(api: Api, folder: Path, places: Places) -> Json:
    upstream = api.upstream
    parts = urlsplit(upstream.url)
    host = parts.hostname or ""
    socket = {"address": host, "port_value": parts.port or (443 if parts.scheme == "https" else 80)}
    own = upstream.url == identity.UPSTREAM
    address: Json = {"pipe": {"path": str(places.identity)}} if own else {"socket_address": socket}
    name = cluster_name(api)
    cluster: Json = {
        "name": name,
        "type": "STATIC" if own else "STRICT_DNS",
        "connect_timeout": "5s",
        "dns_lookup_family": "ALL",
        "per_connection_buffer_limit_bytes": 1 << 20,
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
        "circuit_breakers": {
            "thresholds": [
                {
                    "max_connections": upstream.connections,
                    "max_pending_requests": upstream.connections,
                    "max_requests": upstream.connections * (100 if upstream.http2 else 1),
                }
            ]
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": _upstream_http(upstream)
        },
    }
    if parts.scheme == "https":
        cluster["transport_socket"] = {"name": "tls", "typed_config": upstream_tls(upstream, host, folder)}
    if upstream.health is not None:
        # Envoy would rather ask sick endpoints than none; a cluster of one would never be taken out.
        cluster["common_lb_config"] = {"healthy_panic_threshold": {"value": 0}}
        cluster["health_checks"] = [
            {
                "timeout": seconds(upstream.health.timeout),
                "interval": seconds(upstream.health.interval),
                "no_traffic_interval": seconds(upstream.health.interval),
                "unhealthy_threshold": 2,
                "healthy_threshold": 1,
                "http_health_check": {"path": upstream.health.path},
            }
        ]
    return cluster


def _upstream_http(upstream: Upstream) -> Json:
    explicit: Json = {"http2_protocol_options": {}} if upstream.http2 else {"http_protocol_options": {}}
    return typed(
        "extensions.upstreams.http.v3.HttpProtocolOptions",
        common_http_protocol_options={"idle_timeout": "60s"},
        explicit_http_config=explicit,
    )
