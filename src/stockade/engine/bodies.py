"""Which messages have a body to judge, and who wants it."""

from __future__ import annotations

from stockade.engine.policy import Route
from stockade.messages import Protocol, request_protocol
from stockade.vocabulary import Control, Exchange

_BODILESS = frozenset({101, 204, 205, 304})
MOST_OF_RESPONSE = 8 << 20  # bytes of a response that is held for its readers; as in filter/actions.h


def has_whole_body(exchange: Exchange, route: Route) -> bool:
    """Whether there will be a body to judge. What is none, or is a stream without end, is judged by its head alone.

    A client may call anything gRPC, to have its body pass unread: only an API that speaks it is believed to get it.
    """
    request = exchange.request
    if not request.has_body or request.is_upgrade:
        return False
    return not (route.speaks_grpc and request_protocol(request) == "grpc")


def is_sifted(exchange: Exchange, protocol: Protocol | None) -> bool:
    """Whether there is a body, and it is bytes: no frames of WebSocket or gRPC."""
    if protocol not in (None, "events") or exchange.request.method == "HEAD" or exchange.response is None:
        return False
    return exchange.response.status not in _BODILESS


def wants_request_body(control: Control, exchange: Exchange) -> bool:
    """A control that cannot say is asked, and its answer judged like any."""
    try:
        return control.wants_request_body(exchange)
    except Exception:  # noqa: BLE001 - its hook will meet the same trouble, where the policy says what follows
        return True


def wants_body(control: Control, exchange: Exchange) -> bool:
    try:
        return control.wants_response_body(exchange)
    except Exception:  # noqa: BLE001 - its hook will meet the same trouble, where the policy says what follows
        return True
