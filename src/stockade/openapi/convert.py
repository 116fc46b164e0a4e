"""Swagger 2.0 as OpenAPI 3: the whole document.

What moves is written down, so that places in the new document still lead to lines of the old one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from stockade.openapi.convert_bodies import body_of, media_types
from stockade.openapi.convert_parameters import ParameterConverter, value_schema
from stockade.openapi.convert_security import security_scheme
from stockade.openapi.grammar.version3 import METHODS
from stockade.openapi.pointers import Tokens

Json: TypeAlias = dict[str, Any]
Remark: TypeAlias = Callable[[Tokens, str], None]


def to_version_3(document: Json, remark: Remark) -> tuple[Json, dict[Tokens, Tokens]]:
    """The new document, and for each place in it that is not what it was, the old place.

    document: as the grammar of version 2.0 copies it. remark: is told, with an old place, what version 3 cannot say.
    """
    converter = _Converter(document, remark)
    return converter.convert(), converter.moves


class _Converter:
    def __init__(self, old: Json, remark: Remark) -> None:
        self._old = old
        self._remark = remark
        self._consumes: list[str] = old.get("consumes", [])
        self._produces: list[str] = old.get("produces", [])
        self.moves: dict[Tokens, Tokens] = {}
        self._parameters = ParameterConverter(old.get("parameters", {}), self.moves, remark)

    def convert(self) -> Json:
        old = self._old
        new: Json = {key: old[key] for key in ("info", "tags", "externalDocs", "security") if key in old}
        new |= {key: value for key, value in old.items() if key.startswith("x-")}
        new["servers"] = self._servers()
        new["paths"] = {path: self._item(item, ("paths", path)) for path, item in old.get("paths", {}).items()}
        new["components"] = self._components()
        return new

    def _servers(self) -> list[Json]:
        """All schemes at the host; without one, the scheme by which the description came."""
        host, base = self._old.get("host", ""), self._old.get("basePath", "").rstrip("/")
        schemes = self._old.get("schemes", [])
        self.moves["servers",] = ("host",) if host else ("basePath",)
        if not host:
            return [{"url": base or "/"}]
        for index in range(len(schemes)):
            self.moves["servers", str(index)] = ("schemes", str(index))
        return [{"url": f"{scheme}://{host}{base}"} for scheme in schemes] or [{"url": f"//{host}{base}"}]

    def _components(self) -> Json:
        old = self._old
        made: Json = {"schemas": old.get("definitions", {})}
        self.moves["components", "schemas"] = ("definitions",)
        made["parameters"] = self._parameters.shared()
        self.moves["components", "parameters"] = ("parameters",)
        made["responses"] = {
            name: self._response(response, ("components", "responses", name), ("responses", name), self._produces)
            for name, response in old.get("responses", {}).items()
        }
        self.moves["components", "responses"] = ("responses",)
        made["securitySchemes"] = {
            name: security_scheme(scheme) for name, scheme in old.get("securityDefinitions", {}).items()
        }
        self.moves["components", "securitySchemes"] = ("securityDefinitions",)
        return made

    def _item(self, item: Json, place: Tokens) -> Json:
        """A path item. What it says of bodies belongs to each of its operations."""
        new = {key: value for key, value in item.items() if key not in METHODS and key != "parameters"}
        parted = self._parameters.part(item.get("parameters", []), place)
        if parted.parameters:
            new["parameters"] = parted.parameters
        for method in METHODS:
            if method in item:
                new[method] = self._operation(item[method], (*place, method), parted.bodies)
        return new

    def _operation(self, old: Json, place: Tokens, inherited: list[tuple[Json, Tokens]]) -> Json:
        apart = ("parameters", "responses", "consumes", "produces", "schemes")
        new = {key: value for key, value in old.items() if key not in apart}
        parted = self._parameters.part(old.get("parameters", []), place)
        if parted.parameters:
            new["parameters"] = parted.parameters
        names = {(body.get("in"), body.get("name")) for body, _ in parted.bodies}
        bodies = [part for part in inherited if (part[0].get("in"), part[0].get("name")) not in names] + parted.bodies
        if bodies:
            consumes = old.get("consumes", self._consumes)
            new["requestBody"] = body_of(bodies, consumes, (*place, "requestBody"), self.moves, self._remark)
        produces = old.get("produces", self._produces)
        if "responses" in old:
            new["responses"] = {
                code: self._response(response, (*place, "responses", code), (*place, "responses", code), produces)
                for code, response in old["responses"].items()
            }
        if old.get("schemes") and self._old.get("host"):
            base = f"{self._old['host']}{self._old.get('basePath', '').rstrip('/')}"
            new["servers"] = [{"url": f"{scheme}://{base}"} for scheme in old["schemes"]]
            self.moves[*place, "servers"] = (*place, "schemes")
        return new

    def _response(self, old: Json, place: Tokens, before: Tokens, produces: list[str]) -> Json:
        if "$ref" in old:
            return old
        new = {key: value for key, value in old.items() if key not in ("schema", "headers", "examples")}
        if "schema" in old:
            types = media_types(produces)
            new["content"] = {kind: {"schema": old["schema"]} for kind in types}
            for kind in types:
                self.moves[*place, "content", kind, "schema"] = (*before, "schema")
        if "headers" in old:
            new["headers"] = {name: self._header(header) for name, header in old["headers"].items()}
        return new

    def _header(self, old: Json) -> Json:
        new = {key: value for key, value in old.items() if key == "description"}
        return {**new, "schema": value_schema(old)}
