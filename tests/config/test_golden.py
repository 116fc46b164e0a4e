"""Golden files: a policy, a ruled line of dashes, then the exact errors, or what the policy amounts to.

`STOCKADE_REWRITE=1 pytest tests/config/test_golden.py` writes what is said now; read the difference before committing.
"""

from __future__ import annotations

import os
from pathlib import Path

import jsonschema
import pytest

from stockade.cli.protection import heading, protection
from stockade.config import BadConfig, build, load
from stockade.config.reading import Reader
from stockade.config.schema import policy_schema
from tests.config.conftest import ENVIRONMENT

FOLDER = Path(__file__).parent / "golden"
FILES = sorted(FOLDER.glob("*.txt"))
RULE = "-" * 40 + "\n"
LEAST = 100  # golden files; a glob that finds nothing must not pass

# What a schema cannot see: other files, other entries, the environment, YAML itself, arithmetic.
BEYOND_THE_SCHEMA = {
    "authentication-without-schemes",
    "build-errors-together",
    "database-built",
    "database-files",
    "database-hash-key",
    "database-other-kind",
    "database-url-file",
    "duplicate-keys",
    "duplicate-limit-names",
    "environment-is-not-shown",
    "environment-unset",
    "feeds",
    "graphql-files",
    "graphql-names",
    "grpc-built",
    "hash-key-is-a-folder",
    "identity-built",
    "identity-claims",
    "identity-enrolment",
    "identity-enrolment-login",
    "identity-lead",
    "jwt-bad-jwks-urls",
    "jwt-http-jwks",
    "jwt-jwks-for-hs256",
    "jwt-jwks-is-a-folder",
    "jwt-jwks-is-no-json",
    "jwt-jwks-is-one-key",
    "jwt-jwks-is-private",
    "jwt-missing-jwks",
    "jwt-missing-secret",
    "jwt-mixes-algorithms",
    "jwt-no-source",
    "jwt-secret-for-es256",
    "jwt-short-secret",
    "jwt-two-sources",
    "leaks-built",
    "partners-built",
    "limit-measures",
    "login-built",
    "login-twice",
    "logged-credentials",
    "logged-credentials-when-off",
    "messages-built",
    "missing-hash-key-file",
    "openapi-broken",
    "same-address-twice",
    "schema-of-operations",
    "secrets-built",
    "secrets-file",
    "secrets-old-keys",
    "secrets-vault",
    "shadowed-login",
    "shadowed-metadata",
    "shadowed-token-service",
    "short-hash-key",
    "signed-requests-built",
    "short-hash-key-file",
    "soap-files",
    "two-apis-one-claim",
    "two-apis-one-name",
    "urls",
    "users-built",
}


def said_of(folder: Path) -> str:
    """What Stockade says of stockade.yaml in the folder."""
    try:
        loaded = load(Path("stockade.yaml"), ENVIRONMENT)
        built = build(loaded)
    except BadConfig as error:
        return f"{error}\n".replace(str(folder), "<folder>")
    lines = []
    # The routes of login pages follow those of the APIs.
    for index, (api, route) in enumerate(zip(loaded.config.apis, built.policy.routes, strict=False)):
        lines.append(heading(api))
        rows = protection(loaded, index, route)
        lines += ["  " + " | ".join((row.control, row.mode, row.failure, row.effect, row.policy)) for row in rows]
    lines += [f"warning: {warning}" for warning in built.warnings]
    return "\n".join(lines).replace(str(folder), "<folder>") + "\n"


def split(path: Path) -> tuple[str, str]:
    policy, rule, said = path.read_text().rpartition(RULE)
    assert rule, f"{path.name} has no ruled line"
    return policy, said


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden(path: Path, folder: Path) -> None:
    policy, wanted = split(path)
    (folder / "stockade.yaml").write_text(policy)
    said = said_of(folder)
    if os.environ.get("STOCKADE_REWRITE"):
        path.write_text(policy + RULE + said)
    else:
        assert said == wanted


def test_there_are_many() -> None:
    bad = [path for path in FILES if not path.stem.startswith("good-")]
    assert len(FILES) >= LEAST
    assert len(bad) >= 80


VALIDATOR = jsonschema.Draft202012Validator(policy_schema())


UNFILLED = {name: f"${{{name}}}" for name in (*ENVIRONMENT, "ISSUER", "REALM")}  # an editor sees the names


def schema_accepts(policy: str) -> bool:
    return bool(VALIDATOR.is_valid(Reader("stockade.yaml", UNFILLED).read(policy)))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_schema_agrees(path: Path) -> None:
    """It accepts every good policy, and refuses the bad ones where a schema can."""
    policy, _ = split(path)
    good = path.stem.startswith("good-")
    beyond = path.stem in BEYOND_THE_SCHEMA
    readable = not path.stem.startswith("yaml-")
    if readable:
        assert schema_accepts(policy) == (good or beyond)


def test_what_is_beyond_the_schema_is_there() -> None:
    assert {path.stem for path in FILES} >= BEYOND_THE_SCHEMA
