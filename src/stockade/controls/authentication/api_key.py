"""API keys: `stk_<id>_<secret>`, of which we keep only a keyed hash."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from hmac import compare_digest
from math import ceil

from stockade.controls.authentication.guessing import Guessing
from stockade.controls.authentication.scheme import Refused
from stockade.networks import NetworkSet
from stockade.tokens import ApiKeyRecord, api_key_digester, parse_api_key
from stockade.vocabulary import Asking, Exchange, FindApiKey, Principal
from stockade.wire import Request

_REMEMBERED = 4096


class ApiKeys:
    """API keys in a header of their own. hash_key: the key of the keyed hash."""

    def __init__(
        self, *, header: str, hash_key: bytes, forward: bool = False, guessing: Guessing | None = None
    ) -> None:
        self._carrier = header.lower()
        self.carriers = (self._carrier,)
        self.forward = forward
        self._where = f"header:{self._carrier}"
        self._hash_key = hash_key
        self._guessing = guessing
        self._known: dict[bytes, Principal] = {}  # by digest: the key itself is never kept
        self._networks: dict[tuple[str, ...], NetworkSet] = {}

    @cached_property
    def _digest(self) -> Callable[[str], bytes]:
        return api_key_digester(self._hash_key)

    def describe(self) -> str:
        return f"API key ({self._carrier})"

    def find(self, request: Request) -> str | None:
        return request.headers.get(self._carrier)

    def verify(self, credential: str, exchange: Exchange) -> Asking[Principal | Refused]:
        digest = self._digest(credential)
        known = self._known.get(digest)
        if known is None:
            key = parse_api_key(credential)
            if key is None:
                return Refused("key-malformed", self._where)
            key_id = key.id
        else:
            key_id = known.credential
        record: ApiKeyRecord | None = yield FindApiKey(key_id)
        if record is None or not compare_digest(record.digest, digest):
            return (yield from self._unknown(exchange, key_id))
        refusal = record.refusal(exchange.request.at)
        if refusal is not None:
            return Refused(f"key-{refusal}", self._where, key_id)
        if record.networks and exchange.client not in self._allowed(record.networks):
            return Refused("key-wrong-address", self._where, key_id)
        return known if known is not None else self._remember(digest, record)

    def _unknown(self, exchange: Exchange, key_id: str) -> Asking[Refused]:
        """What is no key counts as a guess of its address, never of the key that it names: the owner goes on."""
        if self._guessing is not None:
            wait = yield from self._guessing.take(exchange.request.at, address=exchange.client)
            if isinstance(wait, float):
                fields = (("retry-after", str(ceil(wait))),)
                return Refused("too-many-guesses", self._where, key_id, status=429, fields=fields)
        return Refused("key-unknown", self._where, key_id)

    def _remember(self, digest: bytes, record: ApiKeyRecord) -> Principal:
        """What a key says of its owner never changes, so its principal is made once."""
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        principal = self._known[digest] = Principal(record.owner, "api_key", record.id, record.scopes)
        return principal

    def _allowed(self, networks: tuple[str, ...]) -> NetworkSet:
        allowed = self._networks.get(networks)
        if allowed is None:
            if len(self._networks) >= _REMEMBERED:
                self._networks.clear()
            allowed = self._networks[networks] = NetworkSet(networks)
        return allowed

    def challenges(self, realm: str, refused: Refused | None) -> tuple[str, ...]:  # noqa: ARG002 - it has no error code
        return (f'ApiKey realm="{realm}", header="{self._carrier}"',)
