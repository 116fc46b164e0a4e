"""From a request and its response to the variables of SecLang.

    values = Values(request, Limits())
    values["ARGS"]                     # [(b"x", b"1")], made when it is first asked for
    values.read_body(body, "JSON")     # now ARGS holds the arguments of the body as well
    values.read_response(response, body)

One file per family of variables, its manual on top. The semantics are those of libmodsecurity 3.0.15, checked against
it (tests/waf/values); where they differ, the manual of the family says so.
"""

from __future__ import annotations

from collections.abc import Mapping

from stockade.waf.values import (
    arguments,
    body,
    connection,
    headers,
    misc,
    multipart,
    reading,
    request_line,
    response,
    times,
    xml_body,
)
from stockade.waf.values.base import EMPTY, Collection, Limits, Maker, Message, default_processor
from stockade.waf.values.xml_body import BadXPath, compile_xpath
from stockade.wire import Response

__all__ = ["BadXPath", "Collection", "Limits", "Values", "compile_xpath", "default_processor"]

MAKERS: dict[str, Maker] = {
    **request_line.MAKERS,
    **headers.MAKERS,
    **arguments.MAKERS,
    **connection.MAKERS,
    **body.MAKERS,
    **multipart.MAKERS,
    **xml_body.MAKERS,
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

    @property
    def has_xml(self) -> bool:
        """Whether the body was read as XML, well-formed or not."""
        return self.xml_body is not None

    def xml(self, expression: str, namespaces: Mapping[str, str] | None = None) -> Collection:
        """`XML:expression`, with the prefixes that the rule's `xmlns` actions declare."""
        return EMPTY if self.xml_body is None else self.xml_body.find(expression, namespaces)

    def read_body(self, content: bytes, processor: str | None) -> None:
        """Read the request's body with URLENCODED, MULTIPART, JSON, XML or, with None, not at all."""
        reading.read_body(self, content, processor)
        self._forget(_OF_BODY)

    def take_arguments(self, arguments: Collection) -> None:
        """Have these for the body's arguments, and no body besides."""
        reading.read_body(self, b"", None)
        self.post = arguments
        self._forget(_OF_BODY)

    def read_response(self, reply: Response, content: bytes) -> None:
        """Take in the response and its body, cut at the limit."""
        most = self.limits.response_body or len(content)
        self.response, self.response_cut, self.response_body = reply, len(content) > most, content[:most]
        self._forget(_OF_RESPONSE)

    def _forget(self, names: frozenset[str]) -> None:
        for name in names & self.keys():
            del self[name]


_OF_BODY = frozenset((*body.MAKERS, *multipart.MAKERS, *(name for name in arguments.MAKERS if "_GET" not in name)))
_OF_RESPONSE = frozenset((*response.MAKERS, "STATUS"))
