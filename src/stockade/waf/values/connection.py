"""The connection: REMOTE_ADDR, REMOTE_HOST, REMOTE_PORT, SERVER_ADDR, SERVER_NAME, SERVER_PORT.

REMOTE_ADDR is the transport peer, REMOTE_HOST the same (nothing is looked up). SERVER_NAME is the Host field up to its
first colon. `wire` does not know ports and the server's own address: REMOTE_PORT is 0, SERVER_ADDR is empty, and
SERVER_PORT is the port of the authority, or that of the scheme.
"""

from __future__ import annotations

from stockade.waf.values.base import Collection, Maker, Message, plain, raw


def _remote(message: Message) -> Collection:
    return plain(raw(message.request.peer.address))


def _host(message: Message) -> bytes:
    request = message.request
    lines = request.headers.all("host")
    return raw(lines[-1] if lines else request.authority)


def _server_name(message: Message) -> Collection:
    return plain(_host(message).partition(b":")[0])


def _server_port(message: Message) -> Collection:
    port = _host(message).rpartition(b":")[2]
    if port.isdigit():
        return plain(port)
    return plain(b"443" if message.request.scheme == "https" else b"80")


MAKERS: dict[str, Maker] = {
    "REMOTE_ADDR": _remote,
    "REMOTE_HOST": _remote,
    "REMOTE_PORT": lambda _: plain(b"0"),
    "SERVER_ADDR": lambda _: plain(b""),
    "SERVER_NAME": _server_name,
    "SERVER_PORT": _server_port,
}
