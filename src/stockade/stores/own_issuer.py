"""What those who verify the tokens of our own service must know of it, which is cheap to import: see `issued`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from stockade.tokens import JwtRules

OWN: Final = "our own token service"  # the source of its keys


class OwnIssuer(Struct, frozen=True):
    """rules: what tokens must satisfy, by the name under which a control asks. hash_key: of the tokens' digests."""

    issuer: str
    hash_key: bytes
    rules: Mapping[str, JwtRules]

    def __repr__(self) -> str:
        return f"OwnIssuer({self.issuer!r})"
