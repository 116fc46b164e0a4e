"""The examples of the standards: RFC 7515, 7519, 7520, 7797, 8037 (JOSE), 9449 (DPoP) and 9470 (step-up)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from stockade.controls.authentication import StepUp
from stockade.operations import OperationTable
from stockade.sealing import BadSeal, keys_of_jwks
from stockade.sealing.envelopes import Signing, verify
from stockade.tokens import (
    ALGORITHMS,
    BadProof,
    BadToken,
    JwtRules,
    ProofRules,
    decode_base64url,
    parse_jwks,
    read_header,
    verify_jwt,
    verify_proof,
)

VECTORS = json.loads((Path(__file__).parent / "vectors" / "jose.json").read_text())
THEN = 1_300_819_370.0  # ten seconds before the token of RFC 7519, section 3.1, expires
EACH = pytest.mark.parametrize("case", VECTORS["jws"], ids=lambda case: case["from"])


def key_set(case: dict[str, Any]) -> bytes:
    return json.dumps({"keys": [case["key"]]}).encode()


@EACH
def test_signatures(case: dict[str, Any]) -> None:
    message, _, signature = case["jws"].rpartition(".")
    header = read_header(case["jws"])
    (key,) = parse_jwks(key_set(case)).candidates(header.alg, header.kid)
    assert header.alg == case["alg"]
    value = decode_base64url(signature.encode())
    assert key.verifies(header.alg, message.encode(), value)
    for place in (0, len(value) // 2, len(value) - 1):
        assert not key.verifies(
            header.alg, message.encode(), value[:place] + bytes([value[place] ^ 1]) + value[place + 1 :]
        )
    assert not key.verifies(header.alg, message.encode() + b"A", value)


@EACH
def test_the_same_as_bodies(case: dict[str, Any]) -> None:
    if case["alg"] not in get_args(Signing):
        assert case["alg"] == "EdDSA"  # which RFC 9864 has split: bodies are signed by Ed25519
        return
    keys, payload = keys_of_jwks(key_set(case)), case["jws"].split(".")[1]
    assert verify(case["jws"], keys, frozenset(get_args(Signing))) == decode_base64url(payload.encode())
    with pytest.raises(BadSeal):
        verify(case["jws"], keys, frozenset(get_args(Signing)) - {case["alg"]})


def test_the_token_of_rfc_7519() -> None:
    case = VECTORS["jws"][0]
    rules = JwtRules(frozenset({"HS256"}), "joe", leeway=0.0)
    claims = verify_jwt(case["jws"], parse_jwks(key_set(case)), rules, THEN)
    assert claims.members == {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}
    with pytest.raises(BadToken, match="expired"):
        verify_jwt(case["jws"], parse_jwks(key_set(case)), rules, THEN + 10)


@pytest.mark.parametrize("case", VECTORS["refused"], ids=lambda case: case["from"])
def test_what_the_standards_show_and_we_refuse(case: dict[str, Any]) -> None:
    keys = parse_jwks(key_set(VECTORS["jws"][0]))
    with pytest.raises(BadToken, match=case["reason"]):
        verify_jwt(case["jws"], keys, JwtRules(frozenset(ALGORITHMS)), THEN)
    with pytest.raises(BadSeal):
        verify(case["jws"], keys_of_jwks(key_set(VECTORS["jws"][0])), frozenset(get_args(Signing)))


@pytest.mark.parametrize("case", VECTORS["dpop"], ids=lambda case: case["from"])
def test_proofs(case: dict[str, Any]) -> None:
    def proved(**changed: Any) -> Any:
        said = {name: case[name] for name in ("method", "url", "at", "token", "proof")} | changed
        return verify_proof(
            said["proof"],
            method=said["method"],
            is_own=lambda url: url == said["url"],
            token=said["token"],
            rules=ProofRules(),
            at=float(said["at"]),
        )

    if case["reason"]:  # one for the token endpoint is none for an API: it names no token
        with pytest.raises(BadProof, match=case["reason"]):
            proved()
        return
    assert proved().jkt == VECTORS["jkt"]
    for changed in (
        {"method": "POST"},
        {"url": "https://evil.example/protectedresource"},
        {"token": "another"},
        {"at": case["at"] + 3600},
        {"proof": case["proof"][:-1] + "B"},
    ):
        with pytest.raises(BadProof):
            proved(**changed)


def test_the_challenges_of_rfc_9470() -> None:
    told = StepUp(OperationTable(["GET /x"]), acr=("myACR",)).challenge("shop")
    assert 'error="insufficient_user_authentication"' in told
    assert 'acr_values="myACR"' in told
    assert 'max_age="5"' in StepUp(OperationTable(["GET /x"]), max_age=5.0).challenge("shop")


def test_how_many() -> None:
    assert [len(VECTORS[name]) for name in ("jws", "refused", "dpop")] == [9, 3, 2]
    assert {case["alg"] for case in VECTORS["jws"]} == {"HS256", "RS256", "PS384", "ES256", "ES512", "EdDSA"}
