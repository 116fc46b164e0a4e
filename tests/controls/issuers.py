"""An issuer of tokens, real in all but its address: keys and signatures are made by joserfc."""

from __future__ import annotations

from typing import Any

import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey

from stockade.tokens import JwtRules
from tests.exchanges import AT


class Issuer:
    """`rotate` makes a new key; tokens are signed by the newest."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.keys: list[ECKey] = []
        self.rotate()

    def rotate(self) -> None:
        number = len(self.keys) + 1
        self.keys.append(ECKey.generate_key("P-256", {"kid": f"{self.url}#{number}", "use": "sig", "alg": "ES256"}))

    def jwks(self) -> bytes:
        return msgspec.json.encode({"keys": [key.as_dict(private=False) for key in self.keys]})

    def token(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """An honest token at AT; a claim given as None is left out."""
        key = self.keys[-1]
        said = {
            "iss": self.url,
            "sub": "user-1",
            "aud": "orders",
            "iat": AT - 10,
            "exp": AT + 300,
            "jti": "token-1",
            "scope": "orders:read orders:write",
            **claims,
        }
        kept = {name: value for name, value in said.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": key.kid, **(header or {})}, kept, key, algorithms=["ES256"])

    def rules(self, **fields: Any) -> JwtRules:
        given = {"algorithms": frozenset({"ES256"}), "issuer": self.url, "audience": "orders", "leeway": 5.0}
        return JwtRules(**{**given, **fields})
