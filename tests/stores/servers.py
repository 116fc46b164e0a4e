"""A real HTTP server on the loopback interface that answers as a test says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


def sends(body: bytes, status: int = 200, **headers: str) -> Answer:
    """Answer with that body; `content_type="text/html"` and the like are headers."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


class Server:
    """`answer` may be changed at any time; `asked` are the paths, `heard` the headers of the last request."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/jwks.json"
        self.asked: list[str] = []
        self.heard: dict[str, str] = {}
        self.answer: Answer = sends(b"")
        self.over = threading.Event()  # set at the end: an answer that waits should wait for it


@contextmanager
def serving() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append(self.path)
            server.heard = {name.lower(): value for name, value in self.headers.items()}
            try:
                server.answer(self)
            except OSError:  # the client has hung up
                self.close_connection = True

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as real:
        server = Server(real.server_port)
        thread = threading.Thread(target=real.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            real.shutdown()
            thread.join()
