"""The rules as data: how bad each weakness is, which risk of the OWASP API Security Top 10 it serves, how to mend it.

https://owasp.org/API-Security/editions/2023/en/0x11-t10/
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Severity: TypeAlias = Literal["info", "low", "medium", "high"]

RISKS = {
    "API1": "API1:2023 Broken Object Level Authorization",
    "API2": "API2:2023 Broken Authentication",
    "API3": "API3:2023 Broken Object Property Level Authorization",
    "API4": "API4:2023 Unrestricted Resource Consumption",
    "API5": "API5:2023 Broken Function Level Authorization",
    "API6": "API6:2023 Unrestricted Access to Sensitive Business Flows",
    "API7": "API7:2023 Server Side Request Forgery",
    "API8": "API8:2023 Security Misconfiguration",
    "API9": "API9:2023 Improper Inventory Management",
}


class Rule(Struct, frozen=True):
    """id: stable. mend: what to write instead, for whoever keeps the description."""

    id: str
    severity: Severity
    risk: str  # "API4"
    mend: str

    @property
    def owasp(self) -> str:
        return RISKS[self.risk]


_TABLE: tuple[tuple[str, Severity, str, str], ...] = (
    (
        "write-without-auth",
        "high",
        "API2",
        "require a security scheme: security: [{…: []}] on the operation or the whole",
    ),
    ("read-without-auth", "info", "API2", "if this is not public, require a security scheme"),
    ("no-security-scheme", "medium", "API2", "declare how callers prove who they are in components.securitySchemes"),
    ("optional-auth", "medium", "API2", "remove the empty requirement {} from security, or split the operation"),
    ("basic-auth", "medium", "API2", "use tokens (oauth2, openIdConnect) or keys that can be revoked one by one"),
    ("weak-http-auth", "medium", "API2", "use bearer tokens, or mutual TLS"),
    ("api-key-in-query", "high", "API2", "send the key in a header: URLs end up in logs, histories and referrers"),
    ("api-key-in-cookie", "low", "API2", "send the key in a header, or defend each write against cross-site requests"),
    (
        "weak-oauth-flow",
        "medium",
        "API2",
        "use authorizationCode with PKCE (RFC 9700), clientCredentials between services",
    ),
    ("plain-http-oauth", "high", "API2", "use https for the authorization and token URLs"),
    ("secret-in-url", "high", "API2", "send it in a header or in the body: URLs end up in logs and histories"),
    ("secret-in-response", "medium", "API3", "remove it from the response, or mark it writeOnly"),
    ("sequential-id", "medium", "API1", "use type: string, format: uuid, and check who owns the object at each access"),
    ("no-scopes", "low", "API5", "name the scopes that the operation needs"),
    ("admin-without-scopes", "medium", "API5", "require a scope or role of its own, or keep it off the public API"),
    ("plain-http-server", "medium", "API8", "serve it by https alone"),
    ("any-media-type", "medium", "API8", "name the media types that the operation reads, such as application/json"),
    ("no-error-response", "low", "API8", "describe at least one 4XX or default response, as application/problem+json"),
    ("no-401", "low", "API2", "describe the 401 response: callers must know it from other errors"),
    ("no-429", "low", "API4", "limit the rate, and describe the 429 response with Retry-After"),
    ("no-responses", "low", "API8", "describe what the operation answers: undescribed responses cannot be checked"),
    ("untyped-value", "medium", "API8", "give it a type: without one anything is valid"),
    ("unbounded-string", "low", "API4", "set maxLength, or a format, enum or pattern that bounds it"),
    ("unbounded-array", "medium", "API4", "set maxItems"),
    ("unbounded-number", "low", "API4", "set minimum and maximum, or format: int32 or int64"),
    ("unbounded-map", "low", "API4", "set maxProperties"),
    ("unbounded-page", "medium", "API4", "set maximum: one request must not ask for everything"),
    ("open-object", "medium", "API3", "set additionalProperties: false, or unevaluatedProperties: false beside allOf"),
    (
        "url-from-client",
        "medium",
        "API7",
        "admit known hosts only (enum or pattern), and never fetch private addresses",
    ),
    ("sensitive-flow", "medium", "API6", "limit it per principal and address, and describe the 429 response"),
    ("inner-server", "low", "API9", "describe public servers only; keep staging and local ones in a file of their own"),
    ("deprecated-operation", "info", "API9", "say when it goes (x-sunset), and remove it then"),
)
RULES = {name: Rule(name, severity, risk, mend) for name, severity, risk, mend in _TABLE}
