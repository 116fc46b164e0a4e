"""The policy that `stockade init` writes: commented, secure by default, narrowed by a description if there is one."""

from __future__ import annotations

import json

from stockade.config.description import Described


def starter_policy(upstream: str, described: Described, openapi: str = "") -> str:
    """The text of the policy file. openapi: the description's path, from the policy's folder; "" without one."""
    return _TEMPLATE.format(
        upstream=json.dumps(upstream, ensure_ascii=False),
        name=described.name,
        methods=", ".join(described.methods),
        media_types=_quoted(described.media_types),
        anonymous=_quoted(described.anonymous),
        operations=_DESCRIBED.format(openapi=json.dumps(openapi, ensure_ascii=False)) if openapi else _UNDESCRIBED,
        schema=_CONTRACT if openapi else _STRUCTURE,
    )


def _quoted(texts: tuple[str, ...]) -> str:
    return ", ".join(map(json.dumps, texts))


_DESCRIBED = """\
    openapi: {openapi}                       # what a valid request is; names for limits and logs
"""
_UNDESCRIBED = """\
    # openapi: openapi.yaml                    # its description: then only valid requests get in
    # operations: ["GET /orders/{id}"]         # names for limits and logs; guessed when absent
"""
_CONTRACT = """\
    schema:                                  # requests must be what the description says
      mode: block
      # strict: true                         # and carry nothing that it does not say
"""
_STRUCTURE = """\
    schema: {mode: block}                    # no description: bodies are held to limits of depth, names, sizes, files
"""

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
        # - jwt:
        #     jwks: https://issuer.example/jwks.json
        #     issuer: https://issuer.example
        #     audience: {name}
        #     algorithms: [RS256]
      anonymous: [{anonymous}]

    limits:
      - {{name: per-address, key: address, rate: 50/s, burst: 100}}
      - {{name: per-principal, key: principal, rate: 20/s, burst: 40}}
      - {{name: daily, key: principal, quota: 100000/day}}

{schema}
    waf: {{mode: block, rules: builtin}}       # or rules: crs, the OWASP Core Rule Set where it is installed

    exposure: {{mode: block, security_headers: true, hide_errors: true}}
"""
