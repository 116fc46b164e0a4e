"""An HTTP/2 client (RFC 9113) that sends the fields it is told to, however wrong."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.exceptions
from h2.connection import ConnectionInputs, ConnectionState

from tests.gateway.client import TIMEOUT, Reply

Fields = Sequence[tuple[str, str]]


class Reset(Exception):
    """The stream or the connection was ended by the other side; `code` is its error code, None for a plain close."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


class Http2Client:
    """One connection to a loopback port: with prior knowledge in clear, by ALPN over TLS."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.socket: socket.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        self.scheme = "http"
        if tls is not None:
            self.socket = wrapped = tls.wrap_socket(self.socket, server_hostname="localhost")
            assert wrapped.selected_alpn_protocol() == "h2"
            self.scheme = "https"
        config = h2.config.H2Configuration(
            client_side=True,
            header_encoding="latin-1",
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self.h2 = h2.connection.H2Connection(config)
        # To h2 a GOAWAY is the end, but streams that were begun go on (RFC 9113, section 6.8).
        machine, opened = self.h2.state_machine, ConnectionState.CLIENT_OPEN
        machine._transitions = {**machine._transitions, (opened, ConnectionInputs.RECV_GOAWAY): (None, opened)}
        self.h2.initiate_connection()
        self.events: list[h2.events.Event] = []
        self.flush()

    def __enter__(self) -> Http2Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def flush(self) -> None:
        self.socket.sendall(self.h2.data_to_send())

    def head(self, method: str, path: str, *fields: tuple[str, str]) -> list[tuple[str, str]]:
        names = dict(fields)
        pseudo = [(":method", method), (":scheme", self.scheme), (":authority", "localhost"), (":path", path)]
        return [*(pair for pair in pseudo if pair[0] not in names), *fields]

    def send(self, fields: Fields, body: bytes = b"", *, ends: bool = True) -> int:
        """The number of the stream that this begins."""
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, list(fields), end_stream=ends and not body)
        self.flush()
        if body:
            self.send_body(stream, body, ends=ends)
        return stream

    def send_body(self, stream: int, body: bytes, *, ends: bool = True) -> None:
        while body:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if room == 0:
                self.receive()
                continue
            piece, body = body[:room], body[room:]
            self.h2.send_data(stream, piece, end_stream=ends and not body)
            self.flush()

    def receive(self) -> None:
        """Wait for what comes next; it is added to `events`."""
        data = self.socket.recv(65536)
        if not data:
            raise Reset(None)
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.DataReceived):
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self.events.append(event)
        self.flush()

    def next(self, stream: int, *kinds: type[Any]) -> Any:
        """The next event of these kinds on the stream. Raises Reset when it ends otherwise."""
        while True:
            for index, event in enumerate(self.events):
                if isinstance(event, h2.events.ConnectionTerminated) and event.error_code:
                    raise Reset(event.error_code)
                if getattr(event, "stream_id", None) != stream:
                    continue
                if isinstance(event, h2.events.StreamReset) and h2.events.StreamReset not in kinds:
                    raise Reset(event.error_code)
                if isinstance(event, kinds):
                    return self.events.pop(index)
            self.receive()

    def reply(self, stream: int) -> Reply:
        headers = self.next(stream, h2.events.ResponseReceived).headers
        body = b""
        while not isinstance(
            event := self.next(stream, h2.events.DataReceived, h2.events.StreamEnded), h2.events.StreamEnded
        ):
            body += event.data
        return Reply(int(dict(headers)[":status"]), [pair for pair in headers if pair[0] != ":status"], body)

    def ask(self, method: str, path: str, *fields: tuple[str, str], body: bytes = b"") -> Reply:
        return self.reply(self.send(self.head(method, path, *fields), body))
