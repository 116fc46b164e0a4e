"""Which fields of a request carry credentials by the policy itself, and by the API's description."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stockade.config.models import Api
    from stockade.config.site import Site

EVERYWHERE = frozenset({"authorization", "cookie", "dpop", "proxy-authorization", "set-cookie"})  # headers, in any API


def carriers(api: Api) -> frozenset[str]:
    """The headers, in lower case, in which an API takes keys, passcodes and forwarded certificates, whether or not it
    looks at them at present."""
    return frozenset(name.lower() for name in _headers(api) if name)


def _headers(api: Api) -> Iterator[str | None]:
    for scheme in api.authentication.leaves() if api.authentication is not None else ():
        if scheme.api_key is not None:
            yield scheme.api_key.header
        if scheme.basic is not None:
            yield scheme.basic.code_header
        if scheme.certificate is not None:
            yield scheme.certificate.forwarded
        if scheme.oauth2 is not None:
            yield scheme.oauth2.forwarded_certificate


def secret_fields(site: Site) -> frozenset[str]:
    """Names, in lower case, of fields whose values no finding of this API shows."""
    description = site.description()
    described = _described(description.document) if description is not None else ()
    return EVERYWHERE.union(site.carriers, *map(carriers, site.every_api), described)


def _described(document: dict[str, Any]) -> Iterator[str]:
    """The names of API keys, and of what is a password by its format, in header, query, cookie or body."""
    for scheme in document.get("components", {}).get("securitySchemes", {}).values():
        if isinstance(scheme, dict) and scheme.get("type") == "apiKey" and isinstance(scheme.get("name"), str):
            yield scheme["name"].lower()
    pending: list[Any] = [document]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending += item
        elif isinstance(item, dict):
            pending += item.values()
            yield from _passwords(item)


def _passwords(item: dict[str, Any]) -> Iterator[str]:
    properties = item.get("properties")
    for name, schema in properties.items() if isinstance(properties, dict) else ():
        if isinstance(schema, dict) and schema.get("format") == "password":
            yield name.lower()
    if "in" in item and isinstance(item.get("name"), str):
        schema = item.get("schema")
        if isinstance(schema, dict) and schema.get("format") == "password":
            yield item["name"].lower()
