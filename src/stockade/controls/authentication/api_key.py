"""API keys: `stk_<id>_<secret>`, of which we keep only a keyed hash."""

from __future__ import annotations

from stockade.controls.authentication.scheme import Refused
from stockade.networks import NetworkSet
from stockade.tokens import ApiKeyRecord, matches, parse_api_key
from stockade.vocabulary import Asking, Exchange, FindApiKey, Principal
from stockade.wire import Headers

_REMEMBERED = 4096


class ApiKeys:
    """API keys in a header of their own. hash_key: the key of the keyed hash (HMAC-SHA-256)."""

    def __init__(self, *, header: str, hash_key: bytes, forward: bool = False) -> None:
        self.carrier = header.lower()
        self.forward = forward
        self._where = f"header:{self.carrier}"
        self._hash_key = hash_key
        self._networks: dict[tuple[str, ...], NetworkSet] = {}

    def describe(self) -> str:
        return f"API key ({self.carrier})"

    def find(self, headers: Headers) -> str | None:
        return headers.get(self.carrier)

    def verify(self, credential: str, exchange: Exchange) -> Asking[Principal | Refused]:
        key = parse_api_key(credential)
        if key is None:
            return Refused("key-malformed", self._where)
        record: ApiKeyRecord | None = yield FindApiKey(key.id)
        if record is None or not matches(record, self._hash_key, key.text):
            return Refused("key-unknown", self._where, key.id)
        refusal = record.refusal(exchange.request.at)
        if refusal is not None:
            return Refused(f"key-{refusal}", self._where, key.id)
        if record.networks and exchange.client not in self._allowed(record.networks):
            return Refused("key-wrong-address", self._where, key.id)
        return Principal(record.owner, "api_key", record.id, record.scopes)

    def _allowed(self, networks: tuple[str, ...]) -> NetworkSet:
        allowed = self._networks.get(networks)
        if allowed is None:
            if len(self._networks) >= _REMEMBERED:
                self._networks.clear()
            allowed = self._networks[networks] = NetworkSet(networks)
        return allowed

    def challenge(self, realm: str, refused: bool) -> str:
        return f'ApiKey realm="{realm}", header="{self.carrier}"'
