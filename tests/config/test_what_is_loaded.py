"""A policy loads what it asks for, and not the machinery of sections that it has not: memory is a promise."""

from __future__ import annotations

import subprocess
import sys

import pytest

ALWAYS_LEFT_OUT = {
    "alembic",
    "argon2",
    "authlib",
    "cedarpy",
    "cryptography",
    "graphql",
    "httpx",
    "hvac",
    "hyperscan",
    "joserfc",
    "jsonschema_rs",
    "jwt",
    "lxml",
    "nacl",
    "psycopg",
    "pyotp",
    "re2",
    "rich",
    "sqlalchemy",
    "starlette",
    "stdnum",
    "webauthn",
    "zxcvbn",
}
BEGIN = """\
version: 1
listen: [{address: "127.0.0.1:8080"}]
apis:
  - name: shop
    upstream: {url: "http://127.0.0.1:9000"}
"""
PROGRAM = """\
import sys
from pathlib import Path
from stockade.gateway import runtime
from stockade.config import build, load_text
loaded = load_text(sys.argv[1].encode(), Path("stockade.yaml"), passive=True)
runtime.Runtime(loaded, build(loaded), passive=True).close()
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def loaded(more: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", PROGRAM, BEGIN + more], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_a_plain_policy() -> None:
    assert loaded("").isdisjoint(ALWAYS_LEFT_OUT)


@pytest.mark.parametrize(
    ("section", "needs"),
    [
        ("    leaks: {}\n", {"re2", "hyperscan"}),
        ("    graphql: {}\n", {"graphql"}),
        ("    waf: {}\n", {"hyperscan"}),
        ('    schema: {operations: {"POST /a": {request: {type: object}}}}\n', {"jsonschema_rs"}),
        ("    authentication: {any_of: [{api_key: {}}]}\n", {"sqlalchemy"}),
        ("    exposure: {fields: {$.a: {scopes: [b]}}}\n", set()),
    ],
    ids=["leaks", "graphql", "waf", "schema", "keys", "exposure"],
)
def test_who_asks_for_it_gets_it(section: str, needs: set[str]) -> None:
    assert needs <= loaded(section)
