"""What belongs nowhere else: UNIQUE_ID, DURATION, MODSEC_BUILD, SESSIONID, USERID, WEBAPPID, ENV, MSC_PCRE_ERROR,
MSC_PCRE_LIMITS_EXCEEDED.

UNIQUE_ID is the request's id. DURATION is 0: values are made without a clock. MODSEC_BUILD is that of 3.0.15, which
whose semantics these are. SESSIONID, USERID and WEBAPPID are empty until a rule sets them (the engine's
business). ENV is empty: no rule of a gateway needs the secrets of its process.
"""

from __future__ import annotations

from stockade.waf.values.base import EMPTY, NOTHING, ZERO, Collection, Maker, Message, plain, raw


def _id(message: Message) -> Collection:
    return plain(raw(message.request.id))


def _nothing(_: Message) -> Collection:
    return NOTHING


MAKERS: dict[str, Maker] = {
    "UNIQUE_ID": _id,
    "DURATION": lambda _: ZERO,
    "MODSEC_BUILD": lambda _: plain(b"030015100"),
    "SESSIONID": _nothing,
    "USERID": _nothing,
    "WEBAPPID": _nothing,
    "ENV": lambda _: EMPTY,
    "MSC_PCRE_ERROR": lambda _: ZERO,
    "MSC_PCRE_LIMITS_EXCEEDED": lambda _: ZERO,
}
