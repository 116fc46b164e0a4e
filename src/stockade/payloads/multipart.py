"""multipart/form-data (RFC 7578), strictly. First version: names and contents."""

from __future__ import annotations

from msgspec import Struct

from stockade.payloads.limits import DEFAULT, Limits


class Part(Struct, frozen=True):
    """One part. A field has no `filename`; `content_type` is what the part declares, "text/plain" where it is silent."""

    name: str
    filename: str | None
    content_type: str
    content: bytes
    kind: str = ""  # the media type that the content itself tells of, "" when it does not

    @property
    def text(self) -> str:
        """The value of a field; it has been proved to be UTF-8."""
        return self.content.decode()


def read_multipart(body: bytes, content_type: str, limits: Limits = DEFAULT) -> list[Part]:
    """The parts in order. `content_type` is the value of the request's Content-Type. Raises BadPayload."""
    raise NotImplementedError
