"""An OAuth 2 issuer on the loopback interface: metadata, keys, introspection; and clients that prove possession."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import ECKey


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class OAuthIssuer:
    """`opaque` are the answers of introspection by token; `asked` what was asked, in order; `dead`: it answers 500."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.opaque: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str]] = []
        self.dead = False
        self.slow = 0.0
        self.said: dict[str, Any] = {}  # instead of what the metadata would say
        self.rotate()

    def rotate(self) -> None:
        self._key = ECKey.generate_key("P-256", {"kid": uuid4().hex, "use": "sig", "alg": "ES256"})

    def key_set(self) -> bytes:
        return json.dumps({"keys": [self._key.as_dict(private=False)]}).encode()

    def metadata(self) -> bytes:
        told = {"issuer": self.url, "jwks_uri": f"{self.url}/keys", "introspection_endpoint": f"{self.url}/introspect"}
        return json.dumps({**told, **self.said}).encode()

    def token(self, header: dict[str, Any] | None = None, *, at: float | None = None, **claims: Any) -> str:
        """An honest access token of RFC 9068; a claim given as None is left out."""
        now = int(time.time() if at is None else at)
        said = {
            "iss": self.url,
            "sub": "carol",
            "aud": "orders",
            "client_id": "app",
            "iat": now - 10,
            "exp": now + 300,
            "jti": uuid4().hex,
            "scope": "orders:read",
            **claims,
        }
        kept = {name: value for name, value in said.items() if value is not None}
        full = {"alg": "ES256", "kid": self._key.kid, "typ": "at+jwt", **(header or {})}
        return jwt.encode({name: value for name, value in full.items() if value is not None}, kept, self._key)


class DpopClient:
    """Holds a key and makes proofs with it."""

    def __init__(self) -> None:
        self.key = ECKey.generate_key("P-256")
        self.jkt = self.key.thumbprint()

    def proof(
        self,
        token: str,
        method: str,
        url: str,
        *,
        header: dict[str, Any] | None = None,
        at: float | None = None,
        **claims: Any,
    ) -> str:
        """A claim, or a member of the header, given as None is left out."""
        said = {
            "jti": uuid4().hex,
            "htm": method,
            "htu": url,
            "iat": int(time.time() if at is None else at),
            "ath": b64(hashlib.sha256(token.encode()).digest()),
            **claims,
        }
        kept = {name: value for name, value in said.items() if value is not None}
        full = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.key.as_dict(private=False), **(header or {})}
        return jwt.encode({name: value for name, value in full.items() if value is not None}, kept, self.key)


@contextmanager
def issuing() -> Iterator[OAuthIssuer]:
    """The issuer, served over HTTP until the context is left."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(("GET", self.path))
            bodies = {"/.well-known/openid-configuration": issuer.metadata, "/keys": issuer.key_set}
            self._answer(bodies[self.path]() if self.path in bodies else None)

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
            token = form["token"][0]
            issuer.asked.append(("POST", self.headers.get("authorization", "")))
            time.sleep(issuer.slow)
            self._answer(json.dumps(issuer.opaque.get(token, {"active": False})).encode())

        def _answer(self, body: bytes | None) -> None:
            self.send_response(500 if issuer.dead else 404 if body is None else 200)
            self.send_header("content-length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer = OAuthIssuer(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()
