"""The policy that `stockade init` writes: commented, secure by default, and narrowed by a description where there is one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from stockade.config.errors import BadConfig, Problem
from stockade.config.sections.firewall import METHODS
from stockade.operations import BadOperation, parse_operation

_HTTP_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_MOST_BYTES = 16 << 20


class Described(Struct, frozen=True):
    """What an OpenAPI description tells about an API, as far as a starting policy can use it."""

    name: str = "api"
    operations: tuple[str, ...] = ()
    anonymous: tuple[str, ...] = ()
    methods: tuple[str, ...] = tuple(METHODS)
    media_types: tuple[str, ...] = ()


def read_description(path: Path) -> Described:
    """Read an OpenAPI 3 or Swagger 2 description, JSON or YAML. Raises BadConfig."""
    try:
        data = path.read_bytes()[:_MOST_BYTES]
        document = json.loads(data) if data.lstrip()[:1] == b"{" else yaml.safe_load(data)
    except OSError as error:
        raise BadConfig([Problem(str(path), 0, f"cannot be read: {error.strerror}")]) from None
    except (ValueError, yaml.YAMLError) as error:
        raise BadConfig([Problem(str(path), 0, f"neither JSON nor YAML: {str(error).splitlines()[0]}")]) from None
    paths = document.get("paths") if isinstance(document, dict) else None
    if not isinstance(paths, dict) or not ("openapi" in document or "swagger" in document):
        raise BadConfig([Problem(str(path), 0, "no OpenAPI description: `openapi` (or `swagger`) and `paths` are missing")])
    return _described(document, paths)


def _described(document: dict[str, Any], paths: dict[str, Any]) -> Described:
    operations, anonymous, media_types = [], [], set()
    always = bool(document.get("security"))
    for template, item in paths.items():
        for method, operation in (item.items() if isinstance(item, dict) else ()):
            name = f"{str(method).upper()} {template}"
            if method not in _HTTP_METHODS or not isinstance(operation, dict) or not _usable(name):
                continue
            operations.append(name)
            if "security" in operation and not operation["security"] and always:
                anonymous.append(name)
            body = operation.get("requestBody")
            media_types |= set(body.get("content", {})) if isinstance(body, dict) else set()
    used = {name.partition(" ")[0] for name in operations}
    methods = [method for method in METHODS if method in used | {"OPTIONS", "HEAD"}]
    info = document.get("info")
    title = str(info.get("title", "")) if isinstance(info, dict) else ""
    name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:40].strip("-") or "api"
    return Described(name, tuple(operations), tuple(anonymous), tuple(methods), tuple(sorted(media_types)))


def _usable(operation: str) -> bool:
    try:
        parse_operation(operation)
    except BadOperation:
        return False
    return True


def starter_policy(upstream: str, described: Described) -> str:
    """The text of the policy file."""
    return _TEMPLATE.format(
        upstream=json.dumps(upstream),
        name=described.name,
        methods=", ".join(described.methods),
        media_types=", ".join(json.dumps(text) for text in described.media_types),
        anonymous=", ".join(json.dumps(text) for text in described.anonymous or ("GET /health",)),
        operations=_operations(described),
    )


def _operations(described: Described) -> str:
    if not described.operations:
        return '    # operations: ["GET /orders/{id}"]       # names for limits, logs and metrics; guessed when absent\n'
    lines = "".join(f"      - {json.dumps(text)}\n" for text in described.operations)
    return f"    operations:                              # from the description: names for limits, logs and metrics\n{lines}"


_TEMPLATE = """\
# Stockade policy. `stockade check` validates it, `stockade schema` describes every key, `stockade up` runs it.
version: 1

listen:
  - address: 127.0.0.1:8080
  # With TLS, and client certificates where offered:
  # - {{address: 0.0.0.0:8443, tls: {{certificate: cert.pem, key: key.pem, client_ca: ca.pem}}}}

admin: {{address: 127.0.0.1:9700}}             # /healthz /readyz /metrics; keep it private
log: {{path: decisions.jsonl}}                 # one JSON object per request; "-" for standard output
workers: 1                                   # or auto: one per core

apis:
  - name: {name}
    kind: partner                            # open | partner | internal | composite: sets the defaults
    hosts: ["*"]
    prefix: /
    upstream: {{url: {upstream}, timeout: 30s}}
{operations}
    firewall:
      mode: block                            # block | monitor | off, on every control
      deny: []                               # addresses and networks that may not connect
      methods: [{methods}]
      max_body: 1MiB
      media_types: [{media_types}]           # of request bodies; empty allows all
      trusted_proxies: []                    # who may set X-Forwarded-For

    authentication:
      mode: block
      any_of:
        - api_key: {{header: X-API-Key}}       # issue one: stockade keys issue --owner alice
        # - jwt: {{jwks: https://issuer.example/jwks.json, issuer: "https://issuer.example", audience: {name}, algorithms: [RS256]}}
      anonymous: [{anonymous}]

    limits:
      - {{name: per-address, key: address, rate: 50/s, burst: 100}}
      - {{name: per-principal, key: principal, rate: 20/s, burst: 40}}
      - {{name: daily, key: principal, quota: 100000/day}}

    exposure: {{mode: block, security_headers: true, hide_errors: true}}
"""
