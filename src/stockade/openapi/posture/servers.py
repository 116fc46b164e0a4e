"""Where the API is: unencrypted (API8), or where nobody should know of it (API9)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stockade.openapi.posture.looking import Found, Json, Operation

_INNER = re.compile(
    r"(?:^|[.-])(?:localhost|staging|stage|dev|develop|test|uat|qa|sandbox|internal|local)(?:$|[.:-])", re.IGNORECASE
)
_LOOPBACK = re.compile(r"^(?:localhost|127\.[0-9.]+|\[::1\])(?::|$)", re.IGNORECASE)


def servers(document: Json) -> Iterator[Found]:
    for place, server in _all(document):
        scheme, _, rest = str(server.get("url", "")).partition("://")
        host = rest.partition("/")[0].rpartition("@")[2]
        if scheme.lower() in ("http", "ws") and not _LOOPBACK.match(host):
            yield Found("plain-http-server", place, f"{scheme}://{host[:80]} is not encrypted")
        if _INNER.search(host):
            yield Found("inner-server", place, f"{host[:80]} does not look like a public server")


def _all(document: Json) -> Iterator[tuple[tuple[str, ...], Json]]:
    for index, server in enumerate(document.get("servers", ())):
        yield ("servers", str(index)), server
    for path, item in document.get("paths", {}).items():
        for index, server in enumerate(item.get("servers", ())):
            yield ("paths", path, "servers", str(index)), server


def deprecated(operation: Operation) -> Iterator[Found]:
    if operation.body.get("deprecated") is True and "x-sunset" not in operation.body:
        yield operation.says("deprecated-operation", "it is deprecated, with no end in sight")
