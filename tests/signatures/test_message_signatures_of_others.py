"""HTTP message signatures as another library makes them (http-message-signatures), of every kind: RFC 9421 has examples
of neither P-384 nor RSA v1.5."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from stockade.signatures import ALGORITHMS, BadSignature, SignatureRules, check_signature, read_signatures
from stockade.tokens import keys_from_pem, keys_from_secret
from tests.absent import module
from tests.exchanges import AT, make_request

SECRET = b"s" * 64
MAKERS: dict[str, Any] = {
    "ecdsa-p256-sha256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ecdsa-p384-sha384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "rsa-pss-sha512": lambda: rsa.generate_private_key(65537, 2048),
    "rsa-v1_5-sha256": lambda: rsa.generate_private_key(65537, 2048),
    "hmac-sha256": lambda: SECRET,
}
NAMES = {"ed25519": "ED25519", "hmac-sha256": "HMAC_SHA256", "rsa-v1_5-sha256": "RSA_V1_5_SHA256"}
COVERED = ("@method", "@authority", "@path", "@query", "x-note")


@pytest.mark.parametrize("name", sorted(ALGORITHMS))
def test_what_others_sign(name: str) -> None:
    library = module("http_message_signatures")
    key = MAKERS[name]()
    resolver = SimpleNamespace(resolve_private_key=lambda key_id: key, resolve_public_key=lambda key_id: key)
    kind = getattr(library.algorithms, NAMES.get(name, name.upper().replace("-", "_")))
    signer = library.HTTPMessageSigner(signature_algorithm=kind, key_resolver=resolver)
    message = SimpleNamespace(
        method="POST", url="https://api.example.com/orders/7?a=1", headers={"X-Note": "a  b", "Host": "api.example.com"}
    )
    signer.sign(
        message,
        key_id="k",
        created=datetime.fromtimestamp(AT, UTC).replace(microsecond=0),
        covered_component_ids=COVERED,
    )
    pairs = [(key.lower(), value) for key, value in message.headers.items()]
    request = make_request("POST", "/orders/7", pairs, query="a=1", scheme="https", target="/orders/7?a=1")
    if isinstance(key, bytes):
        keys = keys_from_secret(key, kid="k")
    else:
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        keys = keys_from_pem(pem, kid="k")
    rules = SignatureRules(algorithms=frozenset({name}), components=COVERED, digest=False)
    (signature,) = read_signatures(request.headers, rules)
    base = check_signature(signature, request, rules, AT)
    (alg,) = signature.algorithms
    (candidate,) = keys.candidates(alg, "k")
    assert candidate.verifies(alg, base, signature.value)
    assert not candidate.verifies(alg, base + b" ", signature.value)
    with pytest.raises(BadSignature, match="algorithm-refused"):
        read_signatures(request.headers, SignatureRules(algorithms=frozenset(ALGORITHMS) - {name}))
