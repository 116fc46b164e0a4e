"""Messages as immutable values: what came over the wire, decoded once and never changed.

A door (Envoy, ASGI, replay) makes a `Request`, everything else reads it. No I/O, no clock, no policy.
"""

from stockade.wire.headers import EMPTY, Headers
from stockade.wire.messages import BadRequest, Peer, Request, Response, read_request
from stockade.wire.problem import problem
from stockade.wire.target import BadTarget, Target, parse_authority, parse_target

__all__ = [
    "EMPTY",
    "BadRequest",
    "BadTarget",
    "Headers",
    "Peer",
    "Request",
    "Response",
    "Target",
    "parse_authority",
    "parse_target",
    "problem",
    "read_request",
]
