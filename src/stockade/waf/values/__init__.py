"""From a request and its response to the variables of SecLang.

    values = Values(request, Limits())
    values["ARGS"]                     # [(b"x", b"1")], made when it is first asked for
    values.read_body(body, "JSON")     # now ARGS holds the arguments of the body as well
    values.read_response(response, body)

One file per family of variables, its manual on top. The semantics are those of libmodsecurity 3.0.15, checked against
it (tests/waf/values); where they differ, the manual of the family says so.
"""

from __future__ import annotations

from collections.abc import Iterable

from stockade.waf.values import arguments, body, connection, headers, misc, request_line, response, times
from stockade.waf.values.base import Collection, Limits, Maker, Message, default_processor
from stockade.waf.values.json_body import read_json
from stockade.wire import Response

__all__ = ["Collection", "Limits", "Values", "default_processor"]

MAKERS: dict[str, Maker] = {
    **request_line.MAKERS,
    **headers.MAKERS,
    **arguments.MAKERS,
    **connection.MAKERS,
    **body.MAKERS,
    **times.MAKERS,
    **response.MAKERS,
    **misc.MAKERS,
}


class Values(Message):
    """The variables of one transaction by name. A name that is no variable of a message (TX, IP, …) is a KeyError."""

    __slots__ = ()

    def __missing__(self, name: str) -> Collection:
        made = self[name] = MAKERS[name](self)
        return made

    def read_body(self, content: bytes, processor: str | None) -> None:
        """Read the request's body with URLENCODED, MULTIPART, JSON, XML or, with None, not at all."""
        self.body, self.processor, self.was_read = content, processor, True
        if processor == "URLENCODED":
            self.post = arguments.read_form(content, self.limits.separator, self.limits.arguments)
        elif processor == "JSON":
            flat = read_json(content, self.limits.depth, self.limits.arguments)
            self.post, self.failed = flat.pairs, flat.failed
            self.problems += flat.problems
        self._forget(_OF_BODY)

    def read_response(self, reply: Response, content: bytes) -> None:
        """Take in the response and its body, cut at the limit."""
        most = self.limits.response_body or len(content)
        self.response, self.response_cut, self.response_body = reply, len(content) > most, content[:most]
        self._forget(response.MAKERS)

    def _forget(self, names: Iterable[str]) -> None:
        for name in names:
            self.pop(name, None)


_OF_BODY = (
    *body.MAKERS,
    *(name for name in arguments.MAKERS if "_GET" not in name),
)
