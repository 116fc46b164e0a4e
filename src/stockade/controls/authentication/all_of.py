"""Several credentials at once, each of which must be good: a token and a client certificate, say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from msgspec.structs import replace

from stockade.controls.authentication.scheme import BodyScheme, Pending, Refused, Scheme
from stockade.vocabulary import Asking, Exchange, Principal
from stockade.wire import Request

BY_BODY = "all_of_with_body"  # the kind of a principal whose body must have been looked at


class AllOf:
    """The first scheme says who is asking; the others must be good too. `forward` holds where all of them forward."""

    _kind = "all_of"

    def __init__(self, schemes: Sequence[Scheme]) -> None:
        self._schemes = tuple(schemes)
        self.carriers = tuple(dict.fromkeys(carrier for scheme in schemes for carrier in scheme.carriers))
        self.forward = all(scheme.forward for scheme in schemes)

    def describe(self) -> str:
        return f"({' and '.join(scheme.describe() for scheme in self._schemes)})"

    def find(self, request: Request) -> str | None:
        """Something of it is there; what is missing is said by `verify`. Credentials are read again by each scheme."""
        return "" if any(scheme.find(request) is not None for scheme in self._schemes) else None

    def verify(self, credential: str, exchange: Exchange) -> Asking[Principal | Pending | Refused]:  # noqa: ARG002
        found: list[Principal] = []
        pending = False
        for scheme in self._schemes:
            own = scheme.find(exchange.request)
            if own is None:
                return Refused("credential-missing", scheme.carriers[0] if scheme.carriers else "connection")
            judged = yield from scheme.verify(own, exchange)
            if isinstance(judged, Refused):
                return judged
            pending |= isinstance(judged, Pending)
            found.append(judged.principal if isinstance(judged, Pending) else judged)
        credentials = ",".join(filter(None, (each.credential for each in found)))
        principal = replace(found[0], kind=self._kind, credential=credentials)
        return Pending(principal) if pending else principal

    def challenges(self, realm: str, refused: Refused | None) -> tuple[str, ...]:
        return tuple(challenge for scheme in self._schemes for challenge in scheme.challenges(realm, refused))


class AllOfWithBody(AllOf):
    """The same, where the body proves some of them."""

    _kind = BY_BODY

    def verify_body(self, exchange: Exchange) -> Asking[Refused | None]:
        for scheme in self._schemes:
            if hasattr(scheme, "verify_body"):
                refused = yield from cast("BodyScheme", scheme).verify_body(exchange)
                if refused is not None:
                    return refused
        return None


def all_of(schemes: Sequence[Scheme]) -> AllOf:
    """Each of these."""
    kind = AllOfWithBody if any(hasattr(scheme, "verify_body") for scheme in schemes) else AllOf
    return kind(schemes)
