"""A strict OpenID provider on the loopback interface, for tests: it checks of a client what a provider can check.

Whoever comes to its authorization endpoint is logged in as `user`. `said` are claims that it says instead; a claim
given as None is left out.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import ECKey

CLIENT, SECRET = "shop front", "s3cret:with%colon"
EVENT = "http://schemas.openid.net/event/backchannel-logout"


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class OpenIdProvider:
    def __init__(self, url: str) -> None:
        self.url = url
        self.user = "alice"
        self.key = ECKey.generate_key("P-256", {"kid": uuid4().hex, "use": "sig", "alg": "ES256"})
        self.said: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.metadata_said: dict[str, Any] = {}
        self.callback_said: dict[str, str] = {}
        self.userinfo_said: dict[str, Any] = {}
        self.dead = False
        self.lifetime: int | None = 300
        self.refreshes = True
        self.asked: list[str] = []
        self.codes: dict[str, dict[str, Any]] = {}
        self.refresh_tokens: dict[str, str] = {}  # to their families
        self.spent: set[str] = set()
        self.ended: set[str] = set()  # families
        self.access_tokens: dict[str, str] = {}
        self.logouts: list[dict[str, str]] = []
        self.last_sid = ""

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/keys",
            "authorization_endpoint": f"{self.url}/authorize?tenant=1",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "end_session_endpoint": f"{self.url}/logout",
            "authorization_response_iss_parameter_supported": True,
            **self.metadata_said,
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser goes with the answer."""
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        assert query["client_id"] == CLIENT
        assert len(query["code_challenge"]) == 43
        code = uuid4().hex
        self.codes[code] = query
        answer = {"code": code, "state": query["state"], "iss": self.url, **self.callback_said}
        return f"{query['redirect_uri']}?{urlencode({name: value for name, value in answer.items() if value})}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        scheme, _, given = authorization.partition(" ")
        if scheme == "Basic":
            client, _, secret = b64decode(given).decode().partition(":")
            client, secret = unquote_plus(client), unquote_plus(secret)
        else:
            client, secret = form.get("client_id", ""), form.get("client_secret", "")
        if (client, secret) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        if form["grant_type"] == "refresh_token":
            return self._refresh(form["refresh_token"])
        asked = self.codes.pop(form["code"], None)
        if asked is None or asked["redirect_uri"] != form["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        if b64(hashlib.sha256(form["code_verifier"].encode()).digest()) != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        self.last_sid = uuid4().hex
        return 200, self._tokens(asked["nonce"], uuid4().hex, asked.get("acr_values", ""))

    def _refresh(self, token: str) -> tuple[int, dict[str, Any]]:
        family = self.refresh_tokens.get(token)
        if family is None or family in self.ended:
            return 400, {"error": "invalid_grant"}
        if token in self.spent:  # a second time: somebody has stolen it, and the whole family ends
            self.ended.add(family)
            return 400, {"error": "invalid_grant"}
        self.spent.add(token)
        return 200, self._tokens(None, family, "")

    def _tokens(self, nonce: str | None, family: str, acr: str) -> dict[str, Any]:
        access, refresh = f"at-{uuid4().hex}", f"rt-{uuid4().hex}"
        self.access_tokens[access] = self.user
        told: dict[str, Any] = {
            "access_token": access,
            "token_type": "Bearer",
            "scope": "openid orders:read",
            "id_token": self.id_token(nonce=nonce, access=access, acr=acr.partition(" ")[0] or None),
        }
        if self.lifetime is not None:
            told["expires_in"] = self.lifetime
        if self.refreshes:
            self.refresh_tokens[refresh] = family
            told["refresh_token"] = refresh
        return told

    def id_token(self, *, nonce: str | None = None, access: str = "", **claims: Any) -> str:
        now = int(time.time())
        said = {
            "iss": self.url,
            "sub": self.user,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "nonce": nonce,
            "sid": self.last_sid,
            "roles": ["buyer"],
            "at_hash": b64(hashlib.sha256(access.encode()).digest()[:16]) if access else None,
            **claims,
            **self.said,
        }
        return self.signed(said)

    def logout_token(self, **claims: Any) -> str:
        now = int(time.time())
        said = {
            "iss": self.url,
            "sub": self.user,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 120,
            "jti": uuid4().hex,
            "sid": self.last_sid,
            "events": {EVENT: {}},
            **claims,
        }
        return self.signed(said, {"typ": "logout+jwt"})

    def signed(self, said: dict[str, Any], header: dict[str, Any] | None = None) -> str:
        kept = {name: value for name, value in said.items() if value is not None}
        full = {"alg": "ES256", "kid": self.key.kid, "typ": "JWT", **(header or {}), **self.header}
        return jwt.encode({name: value for name, value in full.items() if value is not None}, kept, self.key)

    def userinfo(self, authorization: str) -> tuple[int, dict[str, Any]]:
        user = self.access_tokens.get(authorization.removeprefix("Bearer "))
        if user is None:
            return 401, {}
        return 200, {"sub": user, "email": f"{user}@example.com", "email_verified": True, **self.userinfo_said}


class _Handler(BaseHTTPRequestHandler):
    provider: OpenIdProvider

    def do_GET(self) -> None:
        provider, parts = self.provider, urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        provider.asked.append(parts.path)
        if provider.dead:
            return self._answer(500, {})
        if parts.path == "/authorize":
            return self._answer(302, {}, location=provider.authorize(query))
        if parts.path == "/logout":
            provider.logouts.append(query)
        return self._answer(*self._document(parts.path))

    def _document(self, path: str) -> tuple[int, dict[str, Any]]:
        provider = self.provider
        if path == "/userinfo":
            return provider.userinfo(self.headers.get("authorization", ""))
        documents: dict[str, Callable[[], dict[str, Any]]] = {
            "/.well-known/openid-configuration": provider.metadata,
            "/keys": lambda: {"keys": [provider.key.as_dict(private=False)]},
            "/logout": lambda: {"logged": "out"},
        }
        return (200, documents[path]()) if path in documents else (404, {})

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["content-length"])).decode()
        self.provider.asked.append(self.path)
        if self.provider.dead:
            return self._answer(500, {})
        form = {name: values[0] for name, values in parse_qs(text).items()}
        return self._answer(*self.provider.token(form, self.headers.get("authorization", "")))

    def _answer(self, status: int, document: dict[str, Any], location: str = "") -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        if location:
            self.send_header("location", location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def providing() -> Iterator[OpenIdProvider]:
    """The provider, served over HTTP until the context is left."""

    class Handler(_Handler):
        pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Handler.provider = provider = OpenIdProvider(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()
