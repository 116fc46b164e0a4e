"""Security definitions of Swagger 2.0 as security schemes of OpenAPI 3."""

from __future__ import annotations

from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
_FLOWS = {
    "implicit": "implicit",
    "password": "password",
    "application": "clientCredentials",
    "accessCode": "authorizationCode",
}


def security_scheme(old: Json) -> Json:
    kept = {key: value for key, value in old.items() if key == "description" or key.startswith("x-")}
    match old.get("type"):
        case "basic":
            return {**kept, "type": "http", "scheme": "basic"}
        case "oauth2":
            flow = {key: old[key] for key in ("authorizationUrl", "tokenUrl", "scopes") if key in old}
            return {**kept, "type": "oauth2", "flows": {_FLOWS.get(old.get("flow") or "", "implicit"): flow}}
    return dict(old)
