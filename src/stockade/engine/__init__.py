"""The engine: it knows no socket, event loop, clock or Envoy. A door feeds it events and does what it answers.

session = open_session(policy, request)
verdict = drive(session.receive(REQUEST_HEAD), answer)     # Pass: forward, with these edits; Stop: answer this
verdict = drive(session.receive(ResponseHead(response)), answer)
record = session.close(status, duration_ms, upstream_ms)
"""

from stockade.engine.bodies import MOST_OF_RESPONSE
from stockade.engine.driver import Answer, NotNow, drive, drive_async, resume
from stockade.engine.editing import joined
from stockade.engine.events import REQUEST_HEAD, Event, RequestBody, RequestHead, ResponseBody, ResponseHead
from stockade.engine.flow import Flow
from stockade.engine.policy import Binding, Policy, Route, Upstream
from stockade.engine.session import Session, open_session, refuse_unread
from stockade.engine.sifting import Sifting

__all__ = [
    "MOST_OF_RESPONSE",
    "REQUEST_HEAD",
    "Answer",
    "Binding",
    "Event",
    "Flow",
    "NotNow",
    "Policy",
    "RequestBody",
    "RequestHead",
    "ResponseBody",
    "ResponseHead",
    "Route",
    "Session",
    "Sifting",
    "Upstream",
    "drive",
    "drive_async",
    "joined",
    "open_session",
    "refuse_unread",
    "resume",
]
