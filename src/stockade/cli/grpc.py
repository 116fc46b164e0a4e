"""`stockade grpc …`: what a gRPC server offers, for `grpc: {descriptor: …}` of a policy."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

if TYPE_CHECKING:
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

app = typer.Typer(
    help="gRPC servers, for `grpc:` in a policy.\n\n\b\nExample: stockade grpc describe http://127.0.0.1:50051",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_VERSIONS = ("v1", "v1alpha")  # their messages are the same on the wire
_PATIENCE = 10.0  # seconds for one question
_MOST_SERVICES = 10_000


@app.command("describe")
def describe(
    url: Annotated[str, typer.Argument(metavar="URL", help="http://host:port or https://host:port")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path("services.binpb"),
) -> None:
    """Ask a server what it offers (gRPC server reflection) and write its descriptor set.

    Read the methods that it prints before a policy relies on them: all of them may then be called, unless the policy
    lists fewer. Needs `pip install stockade[grpc]`.

    \b
    Example: stockade grpc describe http://127.0.0.1:50051 -o shop.binpb
    """
    from stockade.config.sections.grpc import read_methods

    try:
        described = reflect(url).SerializeToString(deterministic=True)
        methods = read_methods(described)
    except (Unreflected, ValueError) as error:
        typer.echo(f"stockade: {url}: {error}", err=True)
        raise typer.Exit(2) from None
    out.write_bytes(described)
    for method in sorted(methods):
        typer.echo(method)
    typer.echo(f"{len(methods)} method(s), in {out}", err=True)


class Unreflected(Exception):
    """The server does not say what it offers. The text says why."""


def reflect(url: str) -> FileDescriptorSet:
    """The files with the services of a server. Raises Unreflected."""
    try:
        import grpc
        from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
        from google.protobuf.message import DecodeError
        from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest as Request
    except ImportError:
        raise Unreflected("grpcio and grpcio-reflection are not installed: pip install stockade[grpc]") from None
    with _channel(url) as channel:
        try:
            version, (listed,) = _first_version(channel, [Request(list_services="")])
            names = [service.name for service in listed.list_services_response.service][:_MOST_SERVICES]
            wanted = [name for name in names if not name.startswith("grpc.reflection.")]
            replies = _ask(channel, version, [Request(file_containing_symbol=name) for name in wanted])
            files = {
                file.name: file
                for reply in replies
                for file in map(FileDescriptorProto.FromString, reply.file_descriptor_response.file_descriptor_proto)
                if file.service
            }
        except grpc.RpcError as error:
            raise Unreflected(f"{error.code().name}: {error.details()}") from None
        except DecodeError:
            raise Unreflected("its descriptors cannot be read") from None
    return FileDescriptorSet(file=[files[name] for name in sorted(files)])


def _channel(url: str) -> Any:
    import grpc

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/"):
        raise Unreflected("not a URL such as http://127.0.0.1:50051")
    if parts.scheme == "https":
        return grpc.secure_channel(parts.netloc, grpc.ssl_channel_credentials())
    return grpc.insecure_channel(parts.netloc)


def _first_version(channel: Any, requests: list[Any]) -> tuple[str, list[Any]]:
    """The version of reflection that the server speaks, and what it answers."""
    import grpc

    for version in _VERSIONS:
        try:
            return version, _ask(channel, version, requests)
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                raise
    raise Unreflected("it offers no reflection; protoc --descriptor_set_out=FILE writes the same from its .proto files")


def _ask(channel: Any, version: str, requests: Iterable[Any]) -> list[Any]:
    from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse

    call = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=ServerReflectionRequest.SerializeToString,
        response_deserializer=ServerReflectionResponse.FromString,
    )
    return list(call(iter(requests), timeout=_PATIENCE))
