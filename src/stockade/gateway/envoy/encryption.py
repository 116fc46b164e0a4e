"""TLS as Envoy shall speak it: to clients, and to upstreams, whose certificates are verified unless told otherwise."""

from __future__ import annotations

import ssl
from pathlib import Path

from stockade.config import Loaded
from stockade.config.models import Listen, ListenTls, Upstream
from stockade.gateway.envoy.resources import Json, Places, resources, typed, watched

_CIPHERS = [  # TLS 1.2: forward secrecy and AEAD only (RFC 9325, section 4.2); TLS 1.3 has no others
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
]


def downstream_tls(listen: Listen, tls: ListenTls, places: Places) -> Json:
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
    context = typed(
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
    return {"name": name, "sds_config": watched(places.secret(name))}


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
            context: Json = {"trusted_ca": {"inline_string": trusted}}
            if listen.tls.client_crl is not None:
                context["crl"] = {"inline_string": (loaded.folder / listen.tls.client_crl).read_text()}
            name = _client_ca_name(listen)
            found[name] = _secret_text(name, validation_context=context)
    return found


def _secret_text(name: str, **content: Json) -> str:
    return resources("extensions.transport_sockets.tls.v3.Secret", [{"name": name, **content}])


def upstream_tls(upstream: Upstream, host: str, folder: Path) -> Json:
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
    context = typed("extensions.transport_sockets.tls.v3.UpstreamTlsContext", common_tls_context=common)
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
