"""A stand-in for Vault's transit engine, by its documented HTTP API: no real Vault comes with a package.

POST /v1/<mount>/encrypt/<key>      {"plaintext": base64}         {"data": {"ciphertext": "vault:v1:…", …}}
POST /v1/<mount>/decrypt/<key>      {"ciphertext": "vault:v1:…"}  {"data": {"plaintext": base64}}
POST /v1/<mount>/keys/<key>/rotate  204
POST /v1/auth/approle/login         {"role_id", "secret_id"}      {"auth": {"client_token": …}}

400 for a ciphertext that is none of the key's, 403 for a token that is none, 503 while sealed; errors are
{"errors": ["…"]}. Only AES-256-GCM keys; ciphertexts are nonce, ciphertext and tag, as Vault's are.
"""

from __future__ import annotations

import json
import secrets
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class Vault:
    """`tokens` are those that are let in; `sealed` is Vault's word for not answering; `asked` are the paths."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.tokens = {"root-token"}
        self.roles: dict[str, str] = {}
        self.keys: dict[str, list[bytes]] = {"transit/stockade": [secrets.token_bytes(32)]}
        self.sealed = False
        self.asked: list[str] = []

    def answer(self, path: str, token: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.asked.append(path)
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        parts = path.removeprefix("/v1/").split("/")
        if parts == ["auth", "approle", "login"]:
            return self._login(body)
        if token not in self.tokens:
            return 403, {"errors": ["permission denied"]}
        match parts:
            case [mount, "encrypt", key] if f"{mount}/{key}" in self.keys:
                return self._encrypt(self.keys[f"{mount}/{key}"], body)
            case [mount, "decrypt", key] if f"{mount}/{key}" in self.keys:
                return self._decrypt(self.keys[f"{mount}/{key}"], body)
            case [mount, "keys", key, "rotate"] if f"{mount}/{key}" in self.keys:
                self.keys[f"{mount}/{key}"].append(secrets.token_bytes(32))
                return 204, {}
        return 404, {"errors": []}

    def _login(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self.roles.get(body["role_id"]) != body["secret_id"]:
            return 400, {"errors": ["invalid role or secret ID"]}
        token = secrets.token_hex(8)
        self.tokens.add(token)
        return 200, {"auth": {"client_token": token, "lease_duration": 3600, "renewable": True}}

    def _encrypt(self, versions: list[bytes], body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        nonce = secrets.token_bytes(12)
        sealed = nonce + AESGCM(versions[-1]).encrypt(nonce, b64decode(body["plaintext"], validate=True), None)
        text = f"vault:v{len(versions)}:{b64encode(sealed).decode()}"
        return 200, {"data": {"ciphertext": text, "key_version": len(versions)}}

    def _decrypt(self, versions: list[bytes], body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        _, version, text = body["ciphertext"].split(":")
        sealed = b64decode(text)
        try:
            plaintext = AESGCM(versions[int(version[1:]) - 1]).decrypt(sealed[:12], sealed[12:], None)
        except (InvalidTag, IndexError):
            return 400, {"errors": ["cipher: message authentication failed"]}
        return 200, {"data": {"plaintext": b64encode(plaintext).decode()}}


@contextmanager
def running_vault() -> Iterator[Vault]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            token = self.headers.get("X-Vault-Token") or ""
            status, answer = vault.answer(self.path, token, json.loads(body or b"{}"))
            data = b"" if status == 204 else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        vault = Vault(server.server_port)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield vault
        finally:
            server.shutdown()
            thread.join()
