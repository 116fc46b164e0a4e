"""Security (OpenAPI 3.1, sections 4.8.27 and 4.8.30): what is required is declared, and declared in full."""

from __future__ import annotations

from typing import Any, TypeAlias

from stockade.openapi.document import Document
from stockade.openapi.pointers import Tokens

Json: TypeAlias = dict[str, Any]
_NEEDED = {
    "apiKey": ("name", "in"),
    "http": ("scheme",),
    "oauth2": ("flows",),
    "openIdConnect": ("openIdConnectUrl",),
}


def check_security(whole: Document) -> None:
    schemes = whole.document.get("components", {}).get("securitySchemes", {})
    for name, scheme in schemes.items():
        place: Tokens = ("components", "securitySchemes", name)
        kind = scheme.get("type")
        if "$ref" not in scheme and kind is not None and not whole.is_broken(place):
            for key in _NEEDED.get(kind, ()):
                if key not in scheme:
                    whole.problem(place, f"{key} is missing: a security scheme of type {kind} must have it")
    _check_required(whole, whole.document, (), schemes)
    for where, operation in whole.operations():
        _check_required(whole, operation, where, schemes)


def _check_required(whole: Document, holder: Json, place: Tokens, schemes: Json) -> None:
    for index, requirement in enumerate(holder.get("security", ())):
        for name in requirement:
            if name not in schemes:
                known = f"; there are {', '.join(list(schemes)[:10])}" if schemes else ""
                text = f"the security scheme {name[:60]!r} is not declared{known}"
                whole.problem((*place, "security", str(index), name), text)
