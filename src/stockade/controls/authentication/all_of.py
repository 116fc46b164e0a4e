"""Several credentials at once, each of which must be good: a token and a client certificate, say."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from stockade.controls.authentication.scheme import Refused, Scheme
from stockade.vocabulary import Asking, Exchange, Principal
from stockade.wire import Request


class AllOf:
    """The first scheme says who is asking; the others must be good too. `forward` holds where all of them forward."""

    def __init__(self, schemes: Sequence[Scheme]) -> None:
        self._schemes = tuple(schemes)
        self.carriers = tuple(dict.fromkeys(carrier for scheme in schemes for carrier in scheme.carriers))
        self.forward = all(scheme.forward for scheme in schemes)

    def describe(self) -> str:
        return f"({' and '.join(scheme.describe() for scheme in self._schemes)})"

    def find(self, request: Request) -> str | None:
        """Something of it is there; what is missing is said by `verify`. Credentials are read again by each scheme."""
        return "" if any(scheme.find(request) is not None for scheme in self._schemes) else None

    def verify(self, credential: str, exchange: Exchange) -> Asking[Principal | Refused]:  # noqa: ARG002 - a Scheme's
        found: list[Principal] = []
        for scheme in self._schemes:
            own = scheme.find(exchange.request)
            if own is None:
                return Refused("credential-missing", scheme.carriers[0] if scheme.carriers else "connection")
            judged: Principal | Refused = yield from scheme.verify(own, exchange)
            if isinstance(judged, Refused):
                return judged
            found.append(judged)
        credentials = ",".join(filter(None, (each.credential for each in found)))
        return replace(found[0], credential=credentials)

    def challenges(self, realm: str, refused: Refused | None) -> tuple[str, ...]:
        return tuple(challenge for scheme in self._schemes for challenge in scheme.challenges(realm, refused))
