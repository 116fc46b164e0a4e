"""What each kind of API starts from. A key in the policy file always wins over the default of its API's kind."""

from __future__ import annotations

from typing import Any

_PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "::1/128"]
_API_KEY = {"mode": "block", "any_of": [{"api_key": {"header": "X-API-Key"}}], "anonymous": []}

KINDS: dict[str, dict[str, Any]] = {
    # Anyone may ask: what protects it is limits per address.
    "open": {
        "limits": [{"name": "per-address", "key": "address", "rate": "50/s", "burst": 100}],
    },
    # Known callers over the internet: each proves who it is and has a share.
    "partner": {
        "authentication": _API_KEY,
        "partners": {},
        "limits": [
            {"name": "per-address", "key": "address", "rate": "50/s", "burst": 100},
            {"name": "per-principal", "key": "principal", "rate": "20/s", "burst": 40},
            {"name": "daily", "key": "principal", "quota": "100000/day"},
        ],
    },
    # Our own services on private networks: still proven, for a network is no identity.
    "internal": {
        "firewall": {"allow": _PRIVATE},
        "authentication": _API_KEY,
        "limits": [{"name": "per-principal", "key": "principal", "rate": "200/s", "burst": 400}],
    },
    # One request makes many behind it: fewer of them, and small ones.
    "composite": {
        "firewall": {"max_body": "256KiB", "media_types": ["application/json"]},
        "authentication": _API_KEY,
        "limits": [
            {"name": "per-address", "key": "address", "rate": "20/s", "burst": 40},
            {"name": "per-principal", "key": "principal", "rate": "10/s", "burst": 20},
        ],
    },
}


def with_defaults(api: dict[str, Any]) -> dict[str, Any]:
    """An API's raw mapping, completed by what its kind sets. What is stated wins; lists are not merged."""
    kind = api.get("kind", "open")
    defaults = KINDS.get(kind, {}) if isinstance(kind, str) else {}
    merged = dict(api)
    for name, value in defaults.items():
        stated = merged.get(name)
        if name not in merged:
            merged[name] = value
        elif name == "firewall" and isinstance(stated, dict):
            merged[name] = {**value, **stated}
    return merged
