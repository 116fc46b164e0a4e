"""Envoy's configuration, generated from ours. Envoy owns sockets, TLS, HTTP, pools and timeouts: configured here.

The bootstrap itself never changes while Stockade runs. Listeners, routes and clusters come from files that Envoy
watches (LDS, RDS, CDS), so that they can change without a restart.
"""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from msgspec import Struct

from stockade.config import Api, Config, Loaded
from stockade.config.build import cluster_name as cluster_name
from stockade.config.models import Listen, ListenTls, Upstream
from stockade.engine.policy import ROUTE
from stockade.gateway.envoy.module import filter_path

Json: TypeAlias = dict[str, Any]
_TYPE = "type.googleapis.com/envoy."
_CIPHERS = [  # TLS 1.2: forward secrecy and AEAD only (RFC 9325, section 4.2); TLS 1.3 has no others
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
]
_MOST_HEADERS = 100
_WEBSOCKET = "websocket"


class Places(Struct, frozen=True):
    """The supervisor's folder and what lies in it."""

    folder: Path

    @property
    def bootstrap(self) -> Path:
        return self.folder / "bootstrap.json"

    @property
    def listeners(self) -> Path:
        return self.folder / "listeners.json"

    @property
    def routes(self) -> Path:
        return self.folder / "routes.json"

    @property
    def clusters(self) -> Path:
        return self.folder / "clusters.json"

    def secret(self, name: str) -> Path:
        return self.folder / f"secret-{name}.json"

    @property
    def policy(self) -> Path:
        return self.folder / "policy.yaml"

    @property
    def line(self) -> Path:
        return self.folder / "line.sock"

    def admin(self, worker: int) -> Path:
        return self.folder / f"envoy-{worker}.sock"


def _typed(name: str, **fields: Any) -> Json:
    return {"@type": _TYPE + name, **fields}


def _seconds(duration: float) -> str:
    return f"{duration:.3f}s"


def _watched(path: Path) -> Json:
    return {"path_config_source": {"path": str(path)}, "resource_api_version": "V3"}


def bootstrap(places: Places, worker: int, connections: int) -> Json:
    return {
        "node": {"id": f"stockade-{worker}", "cluster": "stockade"},
        "admin": {"address": {"pipe": {"path": str(places.admin(worker)), "mode": 0o600}}},
        "dynamic_resources": {"lds_config": _watched(places.listeners), "cds_config": _watched(places.clusters)},
        "overload_manager": {
            "refresh_interval": "0.25s",
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": _typed(
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


def resources(name: str, items: list[Json]) -> str:
    return json.dumps({"resources": [{"@type": _TYPE + name, **item} for item in items]})


def listeners(loaded: Loaded, places: Places) -> str:
    return resources(
        "config.listener.v3.Listener",
        [_listener(listen, loaded.config, loaded.path.absolute(), places) for listen in loaded.config.listen],
    )


def _listener(listen: Listen, config: Config, origin: Path, places: Places) -> Json:
    chain: Json = {"filters": [{"name": "http", "typed_config": _connection_manager(config, origin, places)}]}
    if listen.tls is not None:
        chain["transport_socket"] = _downstream_tls(listen, listen.tls, places)
        chain["transport_socket_connect_timeout"] = _seconds(config.timeouts.tls_handshake)
    filters = []
    if listen.proxy_protocol:
        proxy = _typed(
            "extensions.filters.listener.proxy_protocol.v3.ProxyProtocol", allow_requests_without_proxy_protocol=True
        )
        filters.append({"name": "proxy_protocol", "typed_config": proxy})
    return {
        "name": f"{listen.address}",
        "address": {"socket_address": {"address": listen.address.host, "port_value": listen.address.port}},
        "listener_filters": filters,
        "listener_filters_timeout": _seconds(config.timeouts.headers),
        "filter_chains": [chain],
        "per_connection_buffer_limit_bytes": 1 << 20,
        "tcp_backlog_size": 1024,
        "enable_reuse_port": True,
    }


def _connection_manager(config: Config, origin: Path, places: Places) -> Json:
    timeouts = config.timeouts
    return _typed(
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="main",
        codec_type="AUTO",
        rds={"config_source": _watched(places.routes), "route_config_name": "main"},
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
        request_headers_timeout=_seconds(timeouts.headers),
        request_timeout=_seconds(timeouts.request),
        stream_idle_timeout=_seconds(timeouts.stream),
        delayed_close_timeout="1s",
        drain_timeout="1s",  # from the word that a connection will be closed to its end
        common_http_protocol_options={
            "idle_timeout": _seconds(timeouts.idle),
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
    settings = {"policy": str(places.policy), "origin": str(origin), "line": str(places.line)}
    return {
        "name": "stockade",
        "typed_config": _typed(
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
        "typed_config": _typed("extensions.filters.http.router.v3.Router", suppress_envoy_headers=True),
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


def _downstream_tls(listen: Listen, tls: ListenTls, places: Places) -> Json:
    common: Json = {
        "tls_params": {
            "tls_minimum_protocol_version": "TLSv1_3" if tls.min_version == "1.3" else "TLSv1_2",
            "tls_maximum_protocol_version": "TLSv1_3",
            "cipher_suites": _CIPHERS,
            "ecdh_curves": ["X25519MLKEM768", "X25519", "P-256", "P-384"],
        },
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_certificate_sds_secret_configs": [_secret(_certificate_name(listen), places)],
    }
    if tls.client_ca is not None:
        common["validation_context_sds_secret_config"] = _secret(_client_ca_name(listen), places)
    context = _typed(
        "extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        common_tls_context=common,
        require_client_certificate=tls.require_client_certificate,
        disable_stateless_session_resumption=False,
    )
    return {"name": "tls", "typed_config": context}


def _certificate_name(listen: Listen) -> str:
    return f"certificate-{listen.address}"


def _client_ca_name(listen: Listen) -> str:
    return f"client-ca-{listen.address}"


def _secret(name: str, places: Places) -> Json:
    return {"name": name, "sds_config": _watched(places.secret(name))}


def secrets(loaded: Loaded) -> dict[str, str]:
    """The listeners' certificates by name, inline: what Envoy runs is exactly what was checked.

    Each goes into a file of its own, for Envoy refuses a file that holds several.
    """
    found: dict[str, str] = {}
    for listen in loaded.config.listen:
        if listen.tls is None:
            continue
        chain = (loaded.folder / listen.tls.certificate).read_text()
        key = (loaded.folder / listen.tls.key).read_text()
        pair = {"certificate_chain": {"inline_string": chain}, "private_key": {"inline_string": key}}
        name = _certificate_name(listen)
        found[name] = _secret_text(name, tls_certificate=pair)
        if listen.tls.client_ca is not None:
            trusted = (loaded.folder / listen.tls.client_ca).read_text()
            name = _client_ca_name(listen)
            found[name] = _secret_text(name, validation_context={"trusted_ca": {"inline_string": trusted}})
    return found


def _secret_text(name: str, **content: Json) -> str:
    return resources("extensions.transport_sockets.tls.v3.Secret", [{"name": name, **content}])


def routes(loaded: Loaded, apis: list[Api]) -> str:
    """Routes per upstream, found by the header that our filter sets: what it did not mark goes nowhere."""
    stream = loaded.config.timeouts.stream
    table = {
        "name": "main",
        "virtual_hosts": [
            {"name": "all", "domains": ["*"], "routes": [route for api in apis for route in _routes(api, stream)]}
        ],
        "request_headers_to_remove": [ROUTE, "x-envoy-external-address", "x-envoy-original-dst-host"],
    }
    return resources("config.route.v3.RouteConfiguration", [table])


def _routes(api: Api, stream: float) -> list[Json]:
    """A stream may last for ever, so what `timeout` bounds is how long nothing may move; open streams may be idle
    for longer than a reply may take."""
    cluster = cluster_name(api)
    ours = {"name": ROUTE, "string_match": {"exact": cluster}}
    get = {"name": ":method", "string_match": {"exact": "GET"}}
    safe = {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD|OPTIONS"}}}
    events = {"name": "accept", "string_match": {"contains": "text/event-stream"}}
    upgrade = {"name": "upgrade", "present_match": True}
    # What a request must have, how long it may be idle, and when it is tried again.
    ways: list[tuple[list[Json], float, str]] = [
        ([get, upgrade], stream, _SAFE),
        ([get, events], stream, _SAFE),
        ([safe], api.upstream.timeout, _SAFE),
        ([], api.upstream.timeout, _ANY),
    ]
    return [
        {"match": {"prefix": "/", "headers": [ours, *extra]}, "route": _action(api, cluster, idle, retry_on)}
        for extra, idle, retry_on in ways
    ]


# When to try again. Any method, where the upstream has not begun to work on the request; a safe method (RFC 9110,
# section 9.2.1) also where a kept connection broke before a response: the upstream may have closed it as we wrote.
_ANY = "connect-failure,refused-stream,reset-before-request"
_SAFE = f"{_ANY},reset"


def _action(api: Api, cluster: str, idle: float, retry_on: str) -> Json:
    action: Json = {"cluster": cluster, "timeout": "0s", "idle_timeout": _seconds(idle)}
    if api.upstream.retries:
        action["retry_policy"] = {"retry_on": retry_on, "num_retries": api.upstream.retries}
    return action


def clusters(loaded: Loaded, apis: list[Api]) -> str:
    return resources("config.cluster.v3.Cluster", [_cluster(api, loaded.folder) for api in apis])


def _cluster(api: Api, folder: Path) -> Json:
    upstream = api.upstream
    parts = urlsplit(upstream.url)
    host = parts.hostname or ""
    address = {"address": host, "port_value": parts.port or (443 if parts.scheme == "https" else 80)}
    name = cluster_name(api)
    cluster: Json = {
        "name": name,
        "type": "STRICT_DNS",
        "connect_timeout": "5s",
        "dns_lookup_family": "ALL",
        "per_connection_buffer_limit_bytes": 1 << 20,
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"socket_address": address}}}]}],
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
        cluster["transport_socket"] = {"name": "tls", "typed_config": _upstream_tls(upstream, host, folder)}
    if upstream.health is not None:
        # Envoy would rather ask sick endpoints than none; a cluster of one would never be taken out.
        cluster["common_lb_config"] = {"healthy_panic_threshold": {"value": 0}}
        cluster["health_checks"] = [
            {
                "timeout": _seconds(upstream.health.timeout),
                "interval": _seconds(upstream.health.interval),
                "no_traffic_interval": _seconds(upstream.health.interval),
                "unhealthy_threshold": 2,
                "healthy_threshold": 1,
                "http_health_check": {"path": upstream.health.path},
            }
        ]
    return cluster


def _upstream_http(upstream: Upstream) -> Json:
    explicit: Json = {"http2_protocol_options": {}} if upstream.http2 else {"http_protocol_options": {}}
    return _typed(
        "extensions.upstreams.http.v3.HttpProtocolOptions",
        common_http_protocol_options={"idle_timeout": "60s"},
        explicit_http_config=explicit,
    )


def _upstream_tls(upstream: Upstream, host: str, folder: Path) -> Json:
    tls = upstream.tls
    name = tls.server_name or host
    common: Json = {"tls_params": {"tls_minimum_protocol_version": "TLSv1_2"}}
    if upstream.http2:
        common["alpn_protocols"] = ["h2"]
    if tls.verify:
        trusted = folder / tls.ca if tls.ca is not None else system_authorities()
        kind = "IP_ADDRESS" if _is_address(name) else "DNS"
        common["validation_context"] = {
            "trusted_ca": {"filename": str(trusted)},
            "match_typed_subject_alt_names": [{"san_type": kind, "matcher": {"exact": name}}],
        }
    if tls.certificate is not None and tls.key is not None:
        common["tls_certificates"] = [
            {
                "certificate_chain": {"filename": str(folder / tls.certificate)},
                "private_key": {"filename": str(folder / tls.key)},
            }
        ]
    context = _typed("extensions.transport_sockets.tls.v3.UpstreamTlsContext", common_tls_context=common)
    if not _is_address(name):
        context["sni"] = name
    return context


def _is_address(name: str) -> bool:
    return ":" in name or name.replace(".", "").isdigit()


def system_authorities() -> Path:
    """The system's bundle of certificate authorities. Raises FileNotFoundError when there is none."""
    found = ssl.get_default_verify_paths()
    for candidate in (found.cafile, found.openssl_cafile, "/etc/ssl/certs/ca-certificates.crt"):
        if candidate and Path(candidate).is_file():
            return Path(candidate)
    raise FileNotFoundError("no bundle of certificate authorities found; name one under upstream.tls.ca")
