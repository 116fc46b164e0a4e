"""`grpc:` which methods of a gRPC service may be called."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from stockade.config.base import Section
from stockade.config.errors import written
from stockade.config.site import Site
from stockade.config.texts import FilePath
from stockade.config.units import Flag, Size
from stockade.controls.grpc import REFLECTION, Grpc, GrpcReplies
from stockade.engine import Binding

_METHOD = r"^/[A-Za-z_][A-Za-z0-9_.]*/(\*|[A-Za-z_][A-Za-z0-9_]*)$"
_WELL_KNOWN = frozenset({"/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch"})
_LARGEST = (1 << 32) - 1  # bytes; what a message's header can say


def _method(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(_METHOD, value):
        raise ValueError(f'{written(value)} is not a method such as "/shop.Orders/Get" or "/shop.Orders/*"')
    return value


GrpcMethod = Annotated[str, BeforeValidator(_method), WithJsonSchema({"type": "string", "pattern": _METHOD})]


class GrpcSection(Section):
    """Methods by name; requests to them that are not gRPC are refused."""

    descriptor: FilePath | None = Field(
        None, description="The services: a FileDescriptorSet, as protoc --descriptor_set_out and buf build write it."
    )
    methods: list[GrpcMethod] = Field(
        [], description='What may be called, "/shop.Orders/Get", "/shop.Orders/*"; empty: all of the descriptor.'
    )
    reflection: Flag = Field(False, description="Whether clients may ask the server what it offers.")
    message_size: Size = Field(4 << 20, description="The size of a client's message at most.")
    reply_size: Size | None = Field(None, description="The size of the upstream's messages at most; default: no bound.")
    compressed: Flag = Field(False, description="Take compressed messages, whose true size only the upstream learns.")


def make(site: Site) -> list[Binding]:
    section = site.api.grpc
    if section is None or section.mode == "off":
        return []
    for name in ("message_size", "reply_size"):
        if (getattr(section, name) or 0) > _LARGEST:
            site.problem("a gRPC message has less than 4GiB", "grpc", name)
    known = _known(site, section.descriptor) if section.descriptor is not None else frozenset()
    if known is None:
        return []
    if not section.methods and section.descriptor is None:
        site.problem("grpc allows nothing: it needs a descriptor or methods", "grpc")
        return []
    if not site.api.upstream.http2:
        site.warn("gRPC needs HTTP/2: upstream.http2 is not set", "grpc")
    kind = Grpc if section.reply_size is None else GrpcReplies
    control = kind(
        allowed=_allowed(site, section, known),
        known=known,
        message_size=section.message_size,
        reply_size=section.reply_size,
        reflection=section.reflection,
        compressed=section.compressed,
    )
    return [site.bind(control, section, "grpc")]


def _known(site: Site, path: FilePath) -> frozenset[str] | None:
    data = site.read_file(path, "the descriptor set", "grpc", "descriptor")
    if data is None:
        return None
    try:
        methods = read_methods(data)
    except ValueError as error:
        site.problem(f"{path}: {error}", "grpc", "descriptor")
        return None
    return methods


def read_methods(data: bytes) -> frozenset[str]:
    """The methods of all services in a FileDescriptorSet, as paths. Raises ValueError."""
    from google.protobuf.descriptor_pb2 import FileDescriptorSet  # takes its time, and few policies need it
    from google.protobuf.message import DecodeError

    try:
        described = FileDescriptorSet.FromString(data)
    except DecodeError:
        raise ValueError("not a FileDescriptorSet; protoc --descriptor_set_out=FILE writes one") from None
    methods = frozenset(
        f"/{file.package}{'.' if file.package else ''}{service.name}/{method.name}"
        for file in described.file
        for service in file.service
        for method in service.method
    )
    if not methods:
        raise ValueError("the descriptor set has no service")
    return methods


def _allowed(site: Site, section: GrpcSection, known: frozenset[str]) -> frozenset[str]:
    if not section.methods:
        return known
    allowed: set[str] = set()
    for index, method in enumerate(section.methods):
        found = _matching(method, known)
        if section.descriptor is not None and not found:
            near = get_close_matches(method, known, 1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            site.problem(f"{method!r} is not in the descriptor set{hint}", "grpc", "methods", index)
        if method.endswith("/*") and section.descriptor is None and not found:
            site.problem(f"{method!r} is every method of a service: that needs a descriptor", "grpc", "methods", index)
        allowed |= found or {method}
    return frozenset(allowed)


def _matching(method: str, known: frozenset[str]) -> set[str]:
    everything = known | _WELL_KNOWN | {f"/{service}/ServerReflectionInfo" for service in REFLECTION}
    if method.endswith("/*"):
        return {path for path in everything if path.startswith(method[:-1])}
    return {method} & everything
