"""What the requests of a described API are called: method and template, "GET /orders/{id}", the base path included."""

from __future__ import annotations

from typing import Any

from stockade.openapi.compiling import METHODS, base_path
from stockade.openapi.paths import BadTemplate, PathTable
from stockade.openapi.schemas.keywords import resolved


class Names:
    """>>> names = Names({"paths": {"/reports/{id}.json": {"get": {}}}})
    >>> names.of("GET", "/reports/7.json"), names.of("HEAD", "/reports/7.json"), names.of("GET", "/reports")
    ('GET /reports/{id}.json', 'HEAD /reports/{id}.json', None)
    """

    def __init__(self, document: dict[str, Any]) -> None:
        """document: an OpenAPI 3.1 document whose references are local. Paths that are no templates are left out."""
        self._table: PathTable[str] = PathTable()
        base, paths = base_path(document), document.get("paths")
        for template, item in (paths if isinstance(paths, dict) else {}).items():
            found = resolved(document, item)
            for method in METHODS if isinstance(found, dict) else ():
                if isinstance(found.get(method), dict):
                    self._add(method.upper(), f"{base}{template}")

    def _add(self, method: str, path: str) -> None:
        try:
            self._table.add(method, path, f"{method} {path}")
        except BadTemplate:
            return  # whoever enforces the description says so

    def of(self, method: str, path: str) -> str | None:
        """The name; None where the description has none. HEAD goes where GET does."""
        found = self._table.find(method, path)
        if found is not None:
            return found.value
        asked = self._table.find("GET", path) if method == "HEAD" else None
        return "HEAD" + asked.value.removeprefix("GET") if asked is not None else None
